#!/bin/sh
# Runs Molecule on this checkout: `tests/tools/molecule.sh test --all`, `... converge -s default`, `... login -s default`.
#
# The checkout's virtual environment and its code are what runs, whatever is installed elsewhere.
set -eu

checkout=$(cd "$(dirname "$0")/../.." && pwd)
cd "$checkout"

collection=.cache/collections/ansible_collections/lifeboat/frappe
mkdir -p "$(dirname "$collection")"
[ -L "$collection" ] || ln -s "$checkout" "$collection"

PATH="$checkout/.venv/bin:$PATH"
LC_ALL=C.UTF-8
MOLECULE_GLOB='molecule/*/molecule.yml'
ANSIBLE_HOME="$checkout/.cache/ansible"
COLUMNS=${COLUMNS:-160}
export COLUMNS PATH LC_ALL MOLECULE_GLOB ANSIBLE_HOME

exec tests/tools/podman_offline.sh tests/tools/ssh_to_containers.sh molecule --base-config molecule/config.yml "$@"
