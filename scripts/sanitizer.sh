#!/usr/bin/env bash
# Runs the tests of the core and of both bindings under AddressSanitizer: the core
# has unsafe code in one file (simd.rs), the bindings have most of it. Needs a
# nightly Rust toolchain and gcc's libasan.
#
#   scripts/sanitizer.sh
set -euo pipefail
cd "$(dirname "$0")/.."

host=$(rustc -vV | sed -n 's/^host: //p')
built=$PWD/target/sanitizer
copies=$built/packages
libasan=$(gcc -print-file-name=libasan.so)
if ! cargo +nightly --version >/dev/null 2>&1 || [ ! -e "$libasan" ]; then
  echo "this needs a nightly toolchain (rustup toolchain install nightly) and gcc's libasan" >&2
  exit 2
fi

CARGO_TARGET_DIR=$built RUSTFLAGS="-Zsanitizer=address" \
  cargo +nightly build --quiet --locked --target "$host" -p drift-core-python -p drift-core-node
# Leaks are not looked for here either: one test forgets a panic on purpose.
tested() {
  # Instrumented frames of a debug build need more than the 2 MiB of a test's thread.
  RUST_MIN_STACK=33554432 \
  CARGO_TARGET_DIR=$built RUSTFLAGS="-Zsanitizer=address" ASAN_OPTIONS=detect_leaks=0 \
    cargo +nightly test --quiet --locked --target "$host" "$@"
}
# Generated documents are left out: the fuzz targets have them, under this
# sanitizer too.
# One test measures the stack that a release needs; instrumented frames are many
# times larger.
tested -p drift-rust-core --lib --test allocations --test batch --test corpus --test fixtures --test limits \
  -- --skip the_deepest_documents_fit_the_stack_of_a_small_thread
tested -p drift-core-node

# The runtime is preloaded, because the hosts were not built with it. Leaks are
# not looked for: interpreters keep what they need until they end.
under_sanitizer() {
  env LD_PRELOAD="$libasan" ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 PYTHONMALLOC=malloc "$@"
}

rm -rf "$copies"
mkdir -p "$copies/python" "$copies/bindings" "$copies/tests"
cp -r bindings/python/python/drift_core "$copies/python/"
rm -f "$copies"/python/drift_core/*.so
cp "$built/$host/debug/libdrift_core.so" "$copies/python/drift_core/drift_core.abi3.so"
# One test measures the stack that a release needs, in a thread of 128 KiB; the
# frames of this unoptimised, instrumented build are many times larger.
small_stack=test_the_deepest_schema_that_is_taken_reads_back_on_the_stack_of_a_small_thread
PYTHONPATH=$copies/python under_sanitizer target/env/python/bin/python -m pytest -p no:cacheprovider \
  -k "not $small_stack" bindings/python/tests

cp -r bindings/node "$copies/bindings/"
cp -r parity-fixtures "$copies/"
cp -r tests/parity "$copies/tests/"
for binary in "$copies"/bindings/node/*.node; do
  cp "$built/$host/debug/libdrift_core_node.so" "$binary"
done
# The 100 MB documents of limits.test.mjs are left out: they test sizes, and
# take minutes here.
cd "$copies/bindings/node"
under_sanitizer node --test test/texts.test.mjs test/spans.test.mjs test/fixtures.test.mjs test/async.test.mjs
