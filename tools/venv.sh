#!/usr/bin/env bash
# Makes the virtual environment FOLDER with PYTHON, or says exactly what is missing.
#   tools/venv.sh PYTHON FOLDER
set -euo pipefail

python=$1 folder=$2

stop() {
    printf '\navow needs something that this machine does not have:\n' >&2
    printf '  %s\n' "$@" >&2
    exit 1
}

command -v "$python" >/dev/null || stop "\`$python\` is not there: install Python 3.11 or newer, or say \`make PYTHON=/path/to/python3\`"
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    stop "\`$python\` is Python $version, and 3.11 is the oldest that will do: say \`make PYTHON=/path/to/newer/python3\`"

if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then # Debian and Ubuntu ship these in a package of their own
    command -v apt-get >/dev/null ||
        stop "the modules \`venv\` and \`ensurepip\` of Python $version: install your system's package that carries them"
    [ "$(id -u)" = 0 ] ||
        stop "the modules \`venv\` and \`ensurepip\`: run \`sudo apt-get install python$version-venv\`, then make again"
    echo "obtaining python$version-venv with apt"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "python$version-venv" >/dev/null
fi

"$python" -m venv --clear "$folder"
