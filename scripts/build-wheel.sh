#!/usr/bin/env bash
# Builds the wheel that is published for Linux on this machine's architecture,
# for every CPython from 3.9 on, with zig as the linker; and proves what its
# name says.
#
#   scripts/build-wheel.sh [gnu]      for glibc 2.17 and later, in target/wheels/manylinux
#   scripts/build-wheel.sh musl       for musl 1.2 and later, in target/wheels/musllinux; needs that target's
#                                     standard library (rustup target add)
set -euo pipefail
cd "$(dirname "$0")/.."

libc=${1:-gnu}
machine=$(uname -m)
case $libc in
  gnu) compatibility=manylinux2014 tag=manylinux_2_17_$machine out=target/wheels/manylinux ;;
  musl) compatibility=musllinux_1_2 tag=musllinux_1_2_$machine out=target/wheels/musllinux ;;
  *)
    echo "the C library is gnu or musl, not $libc" >&2
    exit 2
    ;;
esac

scripts/venv.sh packaging scripts/requirements-packaging.txt
# maturin has cargo-zigbuild's part built in, and finds zig as a module beside itself.
export PATH=$PWD/target/env/packaging/bin:$PATH
# Panic messages name source files: by these names, not by the folders of the machine that builds.
export RUSTFLAGS="--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo --remap-path-prefix=$PWD=/drift"

rm -rf "$out"
maturin build --release --locked --zig --target "$machine-unknown-linux-$libc" --compatibility "$compatibility" \
  --manifest-path bindings/python/Cargo.toml --out "$out"

wheels=("$out"/*.whl)
wheel=${wheels[0]}
case $wheel in
  *-cp39-abi3-*"$tag"*) ;;
  *)
    echo "$wheel is not tagged cp39-abi3 and $tag" >&2
    exit 1
    ;;
esac

abi3audit --strict --summary "$wheel"
if [ "$libc" = gnu ]; then
  report=$(auditwheel show "$wheel")
  echo "$report"
  # auditwheel names the oldest system that the binary itself would allow.
  if ! tr '\n' ' ' <<<"$report" | grep -q "constrains the platform tag to *\"$tag\""; then
    echo "auditwheel does not give $wheel the tag $tag" >&2
    exit 1
  fi
  unpacked=target/wheels/unpacked
  rm -rf "$unpacked"
  python -m zipfile -e "$wheel" "$unpacked"
  find "$unpacked" -name '*.so' -exec scripts/check-glibc.sh 2.17 {} +
  rm -rf "$unpacked"
fi
echo "built $wheel"
