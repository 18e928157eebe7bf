#!/usr/bin/env bash
# Installs the npm packages of bindings/node and builds its binary as a release.
# Does nothing where it is up to date.
set -euo pipefail
cd "$(dirname "$0")/.."

package=bindings/node
stamps=target/env/node-binding
mkdir -p "$stamps"
lock=$(cat "$package/package-lock.json" | sha256sum | cut -d' ' -f1)-$(node --version)
if [ "$(cat "$stamps/packages" 2>/dev/null || true)" != "$lock" ] || [ ! -d "$package/node_modules" ]; then
  # Not `npm ci`: it refuses a lock file made without the optional packages of a
  # tool for other platforms. The locked versions are used all the same.
  npm install --no-save --prefix "$package" --loglevel=error --no-fund --no-audit
  echo "$lock" >"$stamps/packages"
fi
hash=$(find Cargo.toml Cargo.lock crates/drift-rust-core/Cargo.toml crates/drift-rust-core/src \
  crates/drift-rust-core/README.md "$package/Cargo.toml" "$package/build.rs" "$package/src" "$package/types.d.ts" "$package/package.json" \
  -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1)
if [ "$(cat "$stamps/build" 2>/dev/null || true)" != "$hash" ] || ! ls "$package"/*.node >/dev/null 2>&1; then
  echo "building the Node binary"
  npm run --prefix "$package" --silent build
  echo "$hash" >"$stamps/build"
fi
