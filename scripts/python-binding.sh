#!/usr/bin/env bash
# Builds the wheel of bindings/python as a release and installs it into the
# named environments of target/env. Does nothing where it is up to date.
#
#   scripts/python-binding.sh ENVIRONMENT...
set -euo pipefail
cd "$(dirname "$0")/.."

wheels=target/wheels/local
sources() {
  find Cargo.toml Cargo.lock crates/drift-rust-core/Cargo.toml crates/drift-rust-core/src \
    crates/drift-rust-core/README.md bindings/python/Cargo.toml bindings/python/pyproject.toml \
    bindings/python/README.md bindings/python/src bindings/python/python \
    -type f -not -name '*.pyc' -not -name '*.so' -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1
}
hash=$(sources)
if [ "$(cat "$wheels/.stamp" 2>/dev/null || true)" != "$hash" ]; then
  scripts/venv.sh tools scripts/requirements-tools.txt
  echo "building the Python wheel"
  rm -rf "$wheels"
  target/env/tools/bin/maturin build --release --quiet --locked \
    --manifest-path bindings/python/Cargo.toml --out "$wheels"
  echo "$hash" >"$wheels/.stamp"
fi
for name in "$@"; do
  folder=target/env/$name
  [ "$(cat "$folder/.wheel" 2>/dev/null || true)" = "$hash" ] && continue
  "$folder/bin/pip" install --quiet --disable-pip-version-check --force-reinstall --no-deps "$wheels"/*.whl
  echo "$hash" >"$folder/.wheel"
done
