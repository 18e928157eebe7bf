// Every fixture through every Node entry point: strings, Buffers, Uint8Arrays,
// async forms. `tests/parity/answer.mjs` knows the API; the expected answers
// are the oracle's.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = new URL('../../../', import.meta.url)
const fixturesFolder = new URL('parity-fixtures/', root)
const readJson = (name) => JSON.parse(readFileSync(new URL(name, fixturesFolder), 'utf8'))

async function answers(fixtures) {
  const packageFolder = fileURLToPath(new URL('../', import.meta.url))
  const child = spawn(process.execPath, [fileURLToPath(new URL('tests/parity/answer.mjs', root)), packageFolder], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const exited = new Promise((resolve) => child.on('exit', resolve))
  for (const { call, args } of fixtures) child.stdin.write(`${JSON.stringify({ call, args })}\n`)
  child.stdin.end()
  const lines = []
  for await (const line of createInterface({ input: child.stdout })) lines.push(JSON.parse(line))
  assert.equal(await exited, 0)
  assert.equal(lines.length, fixtures.length)
  return lines
}

// A refusal is compared by what the fixture says of it: positions inside
// protobuf bytes, for one, are not part of the contract.
function asFar(answer, expect) {
  if (Array.isArray(answer?.errors) && Array.isArray(expect?.errors)) {
    const errors = answer.errors.map((error, index) => asFar(error, expect.errors[index]))
    return { ...answer, errors }
  }
  if (answer?.error === undefined || expect?.error === undefined) return answer
  return Object.fromEntries(Object.keys(expect).map((name) => [name, answer[name]]))
}

const manifest = readJson('manifest.json')
let run = 0

for (const [file, { count }] of Object.entries(manifest.files)) {
  test(`fixtures of ${file}`, async () => {
    const fixtures = readJson(file)
    assert.equal(fixtures.length, count)
    const given = await answers(fixtures)
    for (const [index, { name, expect }] of fixtures.entries()) {
      const entryPoints = Object.entries(given[index])
      assert.notEqual(entryPoints.length, 0, name)
      for (const [entryPoint, answer] of entryPoints) assert.deepEqual(asFar(answer, expect), expect, `${name} (${entryPoint})`)
      run += 1
    }
  })
}

test('all fixtures of the manifest were run', () => {
  assert.ok(manifest.count >= 200)
  assert.equal(run, manifest.count)
})
