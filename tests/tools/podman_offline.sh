#!/bin/sh
# Runs a command (Molecule, see molecule.sh) with a podman that works on a machine without a container registry.
#
#   tests/tools/podman_offline.sh podman ps
#
# What is missing is brought along: podman and its network from the distribution, a base image bootstrapped from the
# distribution's own mirror, and for a machine with few privileges a configuration that only this command sees.
# A machine that already has podman and debian:bookworm (or the release in MOLECULE_RELEASE) is used as it is.
set -eu

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

missing=""
for program in podman runc mmdebstrap iptables; do
    command -v "$program" >/dev/null || missing="$missing $program"
done
for helper in netavark aardvark-dns; do
    [ -x "/usr/lib/podman/$helper" ] || [ -x "/usr/libexec/podman/$helper" ] || missing="$missing $helper"
done
command -v ssh-keygen >/dev/null || missing="$missing openssh-client"
if [ -n "$missing" ]; then
    as_root apt-get update -q
    # shellcheck disable=SC2086 # one word a package
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends $missing
fi

# Without CAP_SYS_RESOURCE (bit 24) podman's default limits cannot be set, and crun refuses the older cgroup hierarchies.
capabilities=$(sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status)
if [ $((0x$capabilities >> 24 & 1)) -eq 0 ] && [ ! -e /etc/containers/containers.conf ]; then
    CONTAINERS_CONF="$(cd "$(dirname "$0")/../.." && pwd)/.cache/containers.conf"
    export CONTAINERS_CONF
    mkdir -p "$(dirname "$CONTAINERS_CONF")"
    cat >"$CONTAINERS_CONF" <<'CONF'
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=32768:32768"]

[engine]
runtime = "runc"

[network]
network_backend = "netavark"
CONF
fi

# Stands in for the official image of the same short name.
release=${MOLECULE_RELEASE:-bookworm}
podman image exists "debian:$release" ||
    mmdebstrap --variant=minbase "$release" - | podman import --quiet - "debian:$release"

exec "$@"
