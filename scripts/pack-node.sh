#!/usr/bin/env bash
# Packs the main npm package and the package of one platform's binary, as they
# are published: the main one names every platform's package, in its own
# version, as an optional dependency, and npm installs the one that fits.
#
#   scripts/pack-node.sh BINARY.node FOLDER      into FOLDER/main and FOLDER/platform
set -euo pipefail
cd "$(dirname "$0")/.."

binary=$1
rm -rf "$2"
mkdir -p "$2/main" "$2/platform"
destination=$(cd "$2" && pwd)
package=$PWD/bindings/node

# napi-rs writes the platforms' package.json files from the main one, inside the project.
stage=$PWD/target/node/stage
rm -rf "$stage"
mkdir -p "$stage"
npm pack --silent --pack-destination "$stage" "$package" >/dev/null
tar -xzf "$stage"/*.tgz -C "$stage"
main=$stage/package
cp LICENSE "$main/"
"$package/node_modules/.bin/napi" create-npm-dirs --cwd "$main"

# x.linux-x64-gnu.node belongs to npm/linux-x64-gnu.
platform=$(basename "$binary" .node)
platform=${platform##*.}
if [ ! -d "$main/npm/$platform" ]; then
  echo "$platform is not among the napi targets of bindings/node/package.json" >&2
  exit 1
fi
cp "$binary" LICENSE "$main/npm/$platform/"
npm pack --silent --pack-destination "$destination/platform" "$main/npm/$platform"

# shellcheck disable=SC2016 # the dollars are JavaScript's
node -e '
  const { readdirSync, readFileSync, writeFileSync } = require("node:fs")
  const read = (folder) => JSON.parse(readFileSync(`${folder}/package.json`, "utf8"))
  const main = process.argv[1]
  const document = read(main)
  document.optionalDependencies = {}
  for (const platform of readdirSync(`${main}/npm`).sort()) {
    const { name, version } = read(`${main}/npm/${platform}`)
    document.optionalDependencies[name] = version
  }
  // What only a checkout can do.
  delete document.devDependencies
  delete document.scripts
  writeFileSync(`${main}/package.json`, `${JSON.stringify(document, null, 2)}\n`)
' "$main"
rm -rf "$main/npm"
npm pack --silent --pack-destination "$destination/main" "$main"
rm -rf "$stage"
