#!/bin/sh
# Installs Debian packages without starting their services: the local stack starts its own servers.
# Usage, as root: apt-install.sh PACKAGE...
set -eu

policy=/usr/sbin/policy-rc.d
units="rabbitmq-server.service epmd.socket epmd.service"
unset_policy=
new=
log=$(mktemp)
cleanup() {
    rm -f "$log"
    [ -z "$unset_policy" ] || rm -f "$policy"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# Debian starts a service as soon as it is installed, unless this file forbids it. An existing file is kept.
if [ ! -e "$policy" ]; then
    unset_policy=yes
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod 755 "$policy"
fi
if [ -d /run/systemd/system ]; then
    for unit in $units; do
        systemctl cat "$unit" > /dev/null 2>&1 || new="$new $unit"
    done
fi

export DEBIAN_FRONTEND=noninteractive
install() { apt-get install -y -q --no-install-recommends -o DPkg::Lock::Timeout=120 "$@" >> "$log" 2>&1; }
# The package lists may be missing or too old.
install "$@" || { apt-get update -q >> "$log" 2>&1 && install "$@"; } || {
    cat "$log" >&2
    exit 1
}

# They must not start at the next boot either. Units that existed before stay as they were.
for unit in $new; do
    systemctl disable --now "$unit" > /dev/null 2>&1 || true
done
