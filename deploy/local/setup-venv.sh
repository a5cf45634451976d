#!/bin/sh
# Creates the virtual environment .venv and installs the hashed lock into it.
# Usage: setup-venv.sh PYTHON LOCK
set -eu
python=$1
lock=$2
here=$(dirname "$0")

fail() { echo "$*" >&2; exit 1; }

[ -n "$python" ] && "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "Python 3.11 or newer is needed; name one with: make PYTHON=/path/to/python3 ..."

usable() { .venv/bin/python -m pip --version > /dev/null 2>&1; }

# Debian's Python cannot install pip into an environment without python3-venv: the machine's pip installs the lock then.
bare() {
    "$python" -m pip --version > /dev/null 2>&1 &&
        "$python" -m venv --clear --without-pip .venv &&
        "$python" -m pip --python .venv/bin/python install --quiet --disable-pip-version-check --require-hashes -r "$lock"
}

packaged() {
    command -v apt-get > /dev/null || return 1
    if [ "$(id -u)" = 0 ]; then sudo=; else sudo=sudo; command -v sudo > /dev/null || return 1; fi
    echo "Installing python3-venv from Debian's packages."
    $sudo sh "$here/apt-install.sh" python3-venv && "$python" -m venv --clear .venv
}

if ! usable; then
    echo "Creating .venv with $("$python" --version)."
    "$python" -m venv --clear .venv > /dev/null 2>&1 || bare || packaged ||
        fail "Cannot create a virtual environment: please install python3-venv (apt-get install python3-venv)."
fi
echo "Installing $lock into .venv."
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock"
