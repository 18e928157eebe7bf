#!/usr/bin/env bash
# Runs the fuzz targets, each for so many seconds on one core, one after the
# other. Needs a nightly Rust toolchain; installs cargo-fuzz where it is missing.
#
#   scripts/fuzz.sh SECONDS [TARGET...]     a target is json, merges or protobuf
#   scripts/fuzz.sh corpus                  makes fuzz/corpus anew, from the fixtures and what was found
#
# What is found on the way stays in target/fuzz; a finding ends the run and is
# named at its end.
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.13.2
tools=$PWD/target/tools
host=$(rustc -vV | sed -n 's/^host: //p')
work=$PWD/target/fuzz
max_len=4096

if ! cargo +nightly --version >/dev/null 2>&1; then
  echo "this needs a nightly toolchain: rustup toolchain install nightly" >&2
  exit 2
fi
export PATH=$tools/bin:$PATH
if [ "$(cargo fuzz --version 2>/dev/null)" != "cargo-fuzz $version" ]; then
  echo "building cargo-fuzz $version into target/tools (a minute or two)"
  CARGO_TARGET_DIR=$tools/build cargo install cargo-fuzz --version "$version" --locked --force --quiet --root "$tools"
  rm -rf "$tools/build"
fi
cargo +nightly fuzz build --target-dir "$work"
programs=$work/$host/release

if [ "${1:?seconds, or corpus}" = corpus ]; then
  "${PYTHON:-python3}" fuzz/seeds.py write "$work/seeds"
  for target in json merges protobuf; do
    # What is committed stays, unless something smaller reaches the same.
    [ ! -e "fuzz/corpus/$target.txt" ] ||
      "${PYTHON:-python3}" fuzz/seeds.py unpack "fuzz/corpus/$target.txt" "$work/corpus/$target"
    mkdir -p "$work/corpus/$target"
    # The seeds first: of inputs that reach the same code the first smallest stays.
    rm -rf "$work/smaller" && mkdir -p "$work/smaller"
    "$programs/$target" -merge=1 -max_len=512 -verbosity=0 "$work/smaller" "$work/seeds/$target" \
      "$work/corpus/$target" 2>/dev/null
    "${PYTHON:-python3}" fuzz/seeds.py pack "$work/smaller" "fuzz/corpus/$target.txt"
  done
  exit 0
fi

# Leaks are not looked for: an input after which the core keeps more memory for the
# next call starts a search through all of memory, and most inputs did.
seconds=$1
shift
[ $# -gt 0 ] || set -- json merges protobuf
for target in "$@"; do
  mkdir -p "$work/findings/$target"
  "${PYTHON:-python3}" fuzz/seeds.py unpack "fuzz/corpus/$target.txt" "$work/corpus/$target"
  echo "$target: $seconds seconds"
  "$programs/$target" "$work/corpus/$target" -max_total_time="$seconds" -max_len="$max_len" \
    -detect_leaks=0 -dict=fuzz/json.dict -artifact_prefix="$work/findings/$target/" -print_final_stats=1 -verbosity=1 \
    >"$work/$target.log" 2>&1 || {
    tail -60 "$work/$target.log"
    echo "$target: a finding; its input is in $work/findings/$target" >&2
    exit 1
  }
  sed -n 's/^stat::number_of_executed_units: */runs: /p; s/^stat::average_exec_per_sec: */runs a second: /p' "$work/$target.log"
done
