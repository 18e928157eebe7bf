#!/usr/bin/env bash
# Fails if a binary needs a newer glibc than the one named.
#
#   scripts/check-glibc.sh MAXIMUM FILE...        e.g. 2.17 target/node/drift-core.linux-x64-gnu.node
set -euo pipefail

maximum=$1
shift
for file in "$@"; do
  # The versions of the symbols it takes from glibc; the newest is what it needs.
  needed=$(objdump -T "$file" | grep -o 'GLIBC_[0-9][0-9.]*' | sed 's/^GLIBC_//' | sort -Vu | tail -n 1)
  if [ -z "$needed" ]; then
    echo "$file takes no versioned symbol from glibc: is it a shared library for glibc at all?" >&2
    exit 1
  fi
  if [ "$(printf '%s\n' "$needed" "$maximum" | sort -V | tail -n 1)" != "$maximum" ]; then
    echo "$file needs glibc $needed; the published packages promise $maximum:" >&2
    objdump -T "$file" | grep -F "GLIBC_$needed" >&2
    exit 1
  fi
  echo "$(basename "$file"): needs glibc $needed (at most $maximum)"
done
