#!/usr/bin/env bash
# Sees to it that a program is there, which Debian and Ubuntu have as a package.
#
#   scripts/debian-package.sh PROGRAM PACKAGE...
#
# Does nothing where the program is there. Else installs the packages, says so,
# and needs root or a sudo that asks for no password; without them it names what
# is missing and fails.
set -euo pipefail

program=$1 packages=("${@:2}")
command -v "$program" >/dev/null && exit 0
if ! command -v apt-get >/dev/null; then
  echo "$program is missing: Debian and Ubuntu have it in ${packages[*]}" >&2
  exit 2
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! sudo -n true 2>/dev/null; then
    echo "$program is missing: apt-get install ${packages[*]}" >&2
    exit 2
  fi
  as_root=(sudo -n)
fi
echo "$program is missing: installing ${packages[*]}"
install() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install --quiet --quiet --yes --no-install-recommends "${packages[@]}" >/dev/null
}
# The lists may be old or not there.
install || { "${as_root[@]}" apt-get update --quiet --quiet && install; }
command -v "$program" >/dev/null
