#!/usr/bin/env bash
# Installs the published packages that ours are compared with:
# target/env/published-python and target/env/published-node.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/venv.sh published-python tests/compat/requirements-published.txt
project=target/env/published-node
stamp=$(cat tests/compat/package.json tests/compat/package-lock.json | sha256sum | cut -d' ' -f1)
if [ "$(cat "$project/.stamp" 2>/dev/null || true)" != "$stamp" ]; then
  rm -rf "$project"
  mkdir -p "$project"
  cp tests/compat/package.json tests/compat/package-lock.json "$project/"
  npm ci --prefix "$project" --loglevel=error --no-fund --no-audit
  echo "$stamp" >"$project/.stamp"
fi
