// Fails when index.js or index.d.ts is not what the sources give.
//
//   npm run check:generated
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('./', import.meta.url))
const output = fileURLToPath(new URL('../../target/env/node-generated/', import.meta.url))
const cli = fileURLToPath(new URL('node_modules/@napi-rs/cli/dist/cli.js', import.meta.url))

rmSync(output, { recursive: true, force: true })
mkdirSync(output, { recursive: true })
// The same build as `npm run build`, so that nothing is compiled twice.
execFileSync(process.execPath, [cli, 'build', '--platform', '--release', '--output-dir', output], {
  cwd: folder,
  stdio: ['ignore', 'ignore', 'inherit'],
})
let stale = 0
for (const name of ['index.js', 'index.d.ts']) {
  if (readFileSync(folder + name, 'utf8') !== readFileSync(output + name, 'utf8')) {
    console.error(`bindings/node/${name} is not what the sources give: run npm run build in bindings/node`)
    stale += 1
  }
}
// A build may have written them anew just before; in CI they must be as committed.
if (process.env.CI) {
  execFileSync('git', ['diff', '--exit-code', '--stat', '--', 'index.js', 'index.d.ts'], { cwd: folder, stdio: 'inherit' })
}
process.exitCode = stale === 0 ? 0 : 1
