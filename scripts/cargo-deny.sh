#!/usr/bin/env bash
# Holds the dependencies against deny.toml, with cargo-deny; installs it where
# it is missing.
#
#   scripts/cargo-deny.sh                   bans, licenses and sources
#   scripts/cargo-deny.sh advisories        the RustSec database, from its git repository
#   scripts/cargo-deny.sh --install-only
#
# The program is $CARGO_DENY, the one on the PATH or the one in target/tools,
# whichever first is exactly the pinned version: a policy passes or fails alike
# everywhere.
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.20.2
tools=$PWD/target/tools

find_program() {
  local candidate
  for candidate in "${CARGO_DENY:-}" "$(command -v cargo-deny || true)" "$tools/bin/cargo-deny"; do
    [ -n "$candidate" ] && [ -x "$candidate" ] || continue
    [ "$("$candidate" --version 2>/dev/null)" = "cargo-deny $version" ] || continue
    echo "$candidate"
    return 0
  done
  return 1
}

if ! program=$(find_program); then
  echo "building cargo-deny $version into target/tools (a minute or two)"
  # Unoptimised: the build takes one minute on two cores, not the three of a release build, and the
  # check takes a second all the same.
  CARGO_TARGET_DIR=$tools/build CARGO_PROFILE_DEV_DEBUG=0 CARGO_INCREMENTAL=0 \
    cargo install cargo-deny --version "$version" --locked --debug --force --quiet --root "$tools"
  rm -rf "$tools/build"
  program=$(find_program)
fi

[ "${1:-}" = "--install-only" ] && exit 0
[ $# -eq 0 ] && set -- bans licenses sources
exec "$program" --locked check "$@"
