#!/usr/bin/env bash
# The core on 64-bit ARM, as qemu has it: its tests, and the same answers to
# generated requests, byte for byte, as on the processor at hand. The vectors of
# NEON are part of that processor, and so are its instructions for SHA-256.
#
#   scripts/arm.sh [COUNT [SEED]]
#
# Needs qemu-user, the cross compiler of Debian and Ubuntu, and Rust's standard
# library for the target.
set -euo pipefail
cd "$(dirname "$0")/.."

count=${1:-5000} seed=${2:-20261121}
target=aarch64-unknown-linux-gnu
if [ "$(uname -sm)" != "Linux x86_64" ]; then
  echo "this runs the programs of another processor on Linux and x86-64 only: nothing is done"
  exit 0
fi
if [ ! -d "$(rustc --print sysroot)/lib/rustlib/$target/lib" ]; then
  echo "Rust's standard library for $target is missing: rustup target add $target" >&2
  exit 2
fi
run="qemu-aarch64 -cpu max -L /usr/aarch64-linux-gnu"
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER=$run
export PROPTEST_CASES=${PROPTEST_CASES:-16}

# Optimised, since every instruction is emulated.
cargo test --quiet --release --locked --package drift-rust-core --target "$target" --lib --tests

cargo build --quiet --release --locked --package drift-rust-core --example answer
cargo build --quiet --release --locked --package drift-rust-core --example answer --target "$target"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" parity-fixtures/oracle/generate_values.py --count "$count" --seed "$seed" >"$work/requests"
target/release/examples/answer <"$work/requests" >"$work/here"
[ "$(wc -l <"$work/here")" -eq "$count" ]
# shellcheck disable=SC2086 # a command and its arguments
$run "target/$target/release/examples/answer" <"$work/requests" >"$work/there"
cmp "$work/here" "$work/there"
echo "$target: every test passes, and the answers to $count requests are the same"
