#!/usr/bin/env bash
# Installs the packed npm packages in a fresh project, and runs
# scripts/smoke-node.cjs there.
#
#   scripts/check-node.sh [FOLDER]        where pack-node.sh packed; the default: target/node/packages
#
# $NODES (a list of programs) replaces the node on the PATH.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=${1:-target/node/packages}
tarballs=("$packages"/main/*.tgz "$packages"/platform/*.tgz)
if [ ! -f "${tarballs[0]}" ]; then
  echo "no packages in $packages: scripts/build-node.sh builds them" >&2
  exit 1
fi
version=$(node -p "require('./bindings/node/package.json').version")

project=target/env/node-packages
rm -rf "$project"
mkdir -p "$project"
echo '{"private":true}' >"$project/package.json"
# --offline: the packages must not need anything else.
npm install --prefix "$project" --offline --no-audit --no-fund --silent "${tarballs[@]}"
cp scripts/smoke-node.cjs "$project/"
for node in ${NODES:-node}; do
  # The loader then refuses a platform's package of another version.
  NAPI_RS_ENFORCE_VERSION_CHECK=1 "$node" "$project/smoke-node.cjs" "$version"
done
rm -rf "$project"
