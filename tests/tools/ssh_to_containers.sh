#!/bin/sh
# Runs a command (Molecule, see molecule.sh) that reaches podman's containers by SSH, with .cache/ssh/config.
#
#   tests/tools/ssh_to_containers.sh ssh -F .cache/ssh/config lifeboat-one
#
# One connection to each host serves all tasks, where a `podman exec` for each step of a task costs half a second.
# Nothing listens: podman starts a server in the container that speaks to the client on its standard input and output.
set -eu

folder="$(cd "$(dirname "$0")/../.." && pwd)/.cache/ssh"
mkdir -p "$folder"
# A socket's path may have about a hundred characters: too few for a checkout somewhere deep.
sockets=$(mktemp -d)
trap 'rm -rf "$sockets"' EXIT
[ -e "$folder/key" ] || ssh-keygen -q -t ed25519 -N "" -C molecule -f "$folder/key"
cat >"$folder/config" <<CONFIG
Host *
  User root
  IdentityFile "$folder/key"
  IdentitiesOnly yes
  StrictHostKeyChecking no
  UserKnownHostsFile /dev/null
  LogLevel ERROR
  ProxyCommand podman exec --interactive %h sh -c "mkdir -p /run/sshd && exec /usr/sbin/sshd -i -o UsePAM=no -o StrictModes=no -o AuthorizedKeysFile=/checkout/.cache/ssh/key.pub"
  ControlMaster auto
  ControlPersist 60s
  ControlPath "$sockets/%h"
CONFIG

"$@"
