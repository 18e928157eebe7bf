#!/usr/bin/env bash
# Builds the Node binary that is published for Linux on this machine's
# architecture, with zig as the linker, and proves what it needs; packs it as
# napi-rs lays packages out.
#
#   scripts/build-node.sh [gnu]       for glibc 2.17 and later
#   scripts/build-node.sh musl        for musl 1.2 and later; needs that target's standard library
#
# Leaves in target/node the binary, the index.d.ts generated with it, and in
# target/node/packages what scripts/pack-node.sh packs.
set -euo pipefail
cd "$(dirname "$0")/.."

libc=${1:-gnu}
machine=$(uname -m)
case $libc in
  # The number is the glibc to link against; cargo-zigbuild takes it off again.
  gnu) target=$machine-unknown-linux-gnu.2.17 ;;
  musl) target=$machine-unknown-linux-musl ;;
  *)
    echo "the C library is gnu or musl, not $libc" >&2
    exit 2
    ;;
esac

scripts/venv.sh packaging scripts/requirements-packaging.txt
# napi-rs runs cargo-zigbuild from the PATH, and that finds zig as a module beside itself.
export PATH=$PWD/target/env/packaging/bin:$PATH
# Panic messages name source files: by these names, not by the folders of the machine that builds.
export RUSTFLAGS="--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo --remap-path-prefix=$PWD=/drift"

package=$PWD/bindings/node
[ -x "$package/node_modules/.bin/napi" ] || npm install --no-save --prefix "$package" --no-audit --no-fund

out=$PWD/target/node
rm -rf "$out"
mkdir -p "$out"
# The loader (index.js) is written by the package's own build, not here.
"$package/node_modules/.bin/napi" build --cwd "$package" --platform --release --target "$target" --cross-compile \
  --no-js --output-dir "$out" -- --locked

binaries=("$out"/*.node)
binary=${binaries[0]}
[ "$libc" = musl ] || scripts/check-glibc.sh 2.17 "$binary"
if readelf -d "$binary" | grep -E 'NEEDED.*(stdc\+\+|gcc_s|libnode)'; then
  echo "$binary may need nothing beyond the C library" >&2
  exit 1
fi
scripts/pack-node.sh "$binary" "$out/packages"
