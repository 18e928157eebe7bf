#!/usr/bin/env bash
# Installs a wheel in a fresh environment of every Python it is for, and runs
# bindings/python/tests/smoke.py there.
#
#   scripts/check-wheel.sh [WHEEL]        the default: what build-wheel.sh built
#
# Pythons are python3.9 to python3.14 on the PATH and those that pyenv keeps;
# $PYTHONS (a list of programs) replaces the search.
set -euo pipefail
cd "$(dirname "$0")/.."

wheel=${1:-}
if [ -z "$wheel" ]; then
  wheels=(target/wheels/manylinux/*.whl)
  wheel=${wheels[0]}
fi
if [ ! -f "$wheel" ]; then
  echo "no wheel at $wheel: scripts/build-wheel.sh builds one" >&2
  exit 1
fi
version=$(basename "$wheel" | cut -d- -f2)

# The version of a program, if it is a Python that runs and that the wheel is for.
python_version() {
  "$1" -c '
import sys
if sys.version_info < (3, 9):
    sys.exit(1)
print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null </dev/null
}

candidates() {
  if [ -n "${PYTHONS:-}" ]; then
    tr ' ' '\n' <<<"$PYTHONS"
    return
  fi
  local minor file
  for minor in 9 10 11 12 13 14; do
    command -v "python3.$minor" || true
  done
  for file in "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.*/bin/python3; do
    [ -x "$file" ] && echo "$file"
  done
  return 0
}

tried=()
while read -r python; do
  number=$(python_version "$python") || continue
  # One version under two names is one Python.
  case " ${tried[*]-} " in *" $number "*) continue ;; esac
  tried+=("$number")
  folder=target/env/wheel-$number
  rm -rf "$folder"
  "$python" -m venv "$folder" </dev/null
  bin=$folder/bin
  [ -d "$bin" ] || bin=$folder/Scripts # on Windows
  # No index: the wheel must not need anything else.
  "$bin/python" -m pip install --quiet --disable-pip-version-check --no-index "$wheel" </dev/null
  "$bin/python" bindings/python/tests/smoke.py "$version" </dev/null
  rm -rf "$folder"
done < <(candidates)

if [ ${#tried[@]} -eq 0 ]; then
  echo "no Python from 3.9 up was found" >&2
  exit 1
fi
echo "$(basename "$wheel"): passed on ${#tried[@]} Pythons: ${tried[*]}"
