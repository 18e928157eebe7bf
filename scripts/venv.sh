#!/usr/bin/env bash
# Makes the virtual environment target/env/NAME from pinned requirement files.
# Does nothing when it is there and the files are unchanged.
#
#   scripts/venv.sh NAME REQUIREMENTS...      (PYTHON chooses the interpreter)
set -euo pipefail
cd "$(dirname "$0")/.."

name=$1
shift
folder=target/env/$name
python=${PYTHON:-python3}
stamp=$(cat "$@" | sha256sum | cut -d' ' -f1)-$("$python" -c 'import sys; print(sys.version_info[:3], sys.prefix)')
[ "$(cat "$folder/.stamp" 2>/dev/null || true)" = "$stamp" ] && exit 0

echo "making $folder from $*"
rm -rf "$folder"
mkdir -p target/env
"$python" -m venv "$folder"
requirements=()
for file in "$@"; do requirements+=(-r "$file"); done
"$folder/bin/pip" install --quiet --disable-pip-version-check "${requirements[@]}"
echo "$stamp" >"$folder/.stamp"
