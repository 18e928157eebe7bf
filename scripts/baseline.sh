#!/usr/bin/env bash
# The core on processors without the instructions that its fast ways use: every
# fixture, and the same answers to generated requests, byte for byte, as on the
# processor at hand.
#
#   scripts/baseline.sh [COUNT [SEED]]
#
# COUNT requests are answered. The processors are qemu's: qemu64 has SSE3 at
# most, Nehalem SSE4.2, Haswell AVX2; none has SHA. Other architectures are not
# tried here; their own machines run the core's tests.
set -euo pipefail
cd "$(dirname "$0")/.."

count=${1:-5000} seed=${2:-20261121}
if [ "$(uname -sm)" != "Linux x86_64" ]; then
  echo "the processors tried here are x86-64 ones on Linux: nothing is done"
  exit 0
fi

# What the processor can, as glibc sees it, so that a qemu which takes no notice
# of -cpu fails here.
loader=/lib64/ld-linux-x86-64.so.2
for levels in qemu64=1 Nehalem=2 Haswell=3; do
  shown=$(qemu-x86_64 -cpu "${levels%=*}" "$loader" --help 2>/dev/null | grep -c 'x86-64-v[234] (supported' || true)
  if [ $((shown + 1)) -ne "${levels#*=}" ]; then
    echo "qemu shows another processor than ${levels%=*}" >&2
    exit 1
  fi
done

fixtures=$(cargo test --quiet --no-run --locked --package drift-rust-core --test fixtures --message-format=json |
  sed -n 's/.*"executable":"\([^"]*\)".*/\1/p')
cargo build --quiet --release --locked --package drift-rust-core --example answer

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" parity-fixtures/oracle/generate_values.py --count "$count" --seed "$seed" >"$work/requests"
target/release/examples/answer <"$work/requests" >"$work/here"
[ "$(wc -l <"$work/here")" -eq "$count" ]

for processor in qemu64 Nehalem Haswell; do
  on_it() { qemu-x86_64 -cpu "$processor" "$@" 2>"$work/warnings" || { cat "$work/warnings" >&2 && return 1; }; }
  on_it "$fixtures" --quiet >"$work/tests" || { cat "$work/tests" && exit 1; }
  on_it target/release/examples/answer <"$work/requests" >"$work/there"
  cmp "$work/here" "$work/there"
  echo "$processor: every fixture passes, and the answers to $count requests are the same"
done
