// Deep, large and threaded use: errors and clean exits, never a crash.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import core from './core.cjs'

const run = promisify(execFile)
const corePath = JSON.stringify(fileURLToPath(new URL('core.cjs', import.meta.url)))
const nested = (levels) => '['.repeat(levels) + ']'.repeat(levels)

async function exitsCleanly(program) {
  const { stdout, stderr } = await run(process.execPath, ['-e', program], { timeout: 60_000 })
  assert.equal(stderr, '')
  return stdout
}

test('127 levels pass, the 128th is refused, and 100,000 do not crash', async () => {
  assert.equal(core.normalizeJson(nested(127)), nested(127))
  for (const levels of [128, 1000, 100_000]) {
    for (const text of [nested(levels), Buffer.from(nested(levels)), '['.repeat(levels), '{"a":'.repeat(levels)]) {
      const offset = text[0] === '{' ? 127 * 5 : 127
      for (const call of [core.normalizeJson, core.processExportPayload, core.objectToProtobufStructBytes]) {
        assert.throws(() => call(text), { code: 'depth_exceeded', offset })
      }
      assert.throws(() => core.processSpan({ inputJson: text }), { code: 'depth_exceeded', path: '$.input_json', offset })
      await assert.rejects(core.processExportPayloadAsync(text), { code: 'depth_exceeded', offset })
    }
  }
})

test('what the calls return they take, at any depth', () => {
  const deepest = '{"a":'.repeat(127) + '1' + '}'.repeat(127)
  const span = core.processSpan({ inputJson: deepest, outputJson: deepest, metadataJson: deepest })
  const payload = core.processExportPayload(deepest)
  assert.equal(payload.decodedSchemaJson, span.inputSchemaJson)
  const request = core.buildExportSpansRequestBytes('', '', '', '', [span.spanBytes])
  assert.deepEqual(core.diffExportRequests(request, request), [])
  assert.equal(core.structToJson(payload.protobufStructBytes), deepest)
  assert.throws(() => core.processSpans([span.spanBytes], { maxMessageDepth: 100, strict: true }), {
    code: 'depth_exceeded',
    index: 0,
  })
})

test('a document of 100 MB', { timeout: 300_000 }, async () => {
  const row = Buffer.from(`{"a":"${'x'.repeat(950)}é","b":[1,2.5,null,true]}`)
  const rows = Math.ceil(100_000_000 / (row.length + 1))
  const text = Buffer.alloc(rows * (row.length + 1) + 1, Buffer.concat([Buffer.from(','), row]))
  text.write('[', 0)
  text.write(']', text.length - 1)
  const hash = createHash('sha256').update(text).digest('hex')
  assert.equal(core.deterministicHash(text), hash)
  assert.equal(core.deterministicHash(text.toString('utf8')), hash)
  const { decodedValueHash, normalizedJson } = await core.processExportPayloadAsync(text)
  assert.equal(decodedValueHash, hash)
  assert.equal(normalizedJson.length, text.length - rows)
})

test('a million keys, and a string of nothing but escapes', () => {
  const keys = `{${Array.from({ length: 1_000_000 }, (_, i) => `"k${999_999 - i}":${i}`).join(',')}}`
  assert.equal(core.objectToProtobufStructFieldCount(keys), 1_000_000)
  const escapes = `"${'\\u0041'.repeat(1_000_000)}"`
  assert.equal(core.normalizeJson(escapes), `"${'A'.repeat(1_000_000)}"`)
})

test('several workers load the package, and the process exits cleanly', async () => {
  const program = `
    const { Worker, isMainThread } = require('node:worker_threads')
    const worker = \`
      const core = require(${corePath})
      const { parentPort } = require('node:worker_threads')
      core.processExportPayloadAsync('{"a":1}').then((later) => {
        const now = core.processExportPayload(Buffer.from('{"a":1}'))
        try { core.normalizeJson('{') } catch (error) { parentPort.postMessage([now.decodedValueHash === later.decodedValueHash, error.code]) }
      })\`
    require(${corePath})
    const results = Array.from({ length: 6 }, () => new Promise((resolve, reject) => {
      const thread = new Worker(worker, { eval: true })
      let message
      thread.on('message', (value) => { message = value })
      thread.on('error', reject)
      thread.on('exit', (code) => resolve([code, ...message]))
    }))
    Promise.all(results).then((all) => console.log(JSON.stringify(all)))`
  const expected = Array.from({ length: 6 }, () => [0, true, 'invalid_json'])
  assert.deepEqual(JSON.parse(await exitsCleanly(program)), expected)
})

test('a worker that ends with calls under way takes nothing down', async () => {
  const program = `
    const { Worker } = require('node:worker_threads')
    const worker = \`
      const core = require(${corePath})
      const { parentPort } = require('node:worker_threads')
      const text = JSON.stringify(Array.from({ length: 100000 }, (_, i) => ({ i })))
      for (let i = 0; i < 8; i++) core.processExportPayloadAsync(text)
      parentPort.postMessage('started')\`
    const core = require(${corePath})
    const ended = Array.from({ length: 3 }, () => new Promise((resolve) => {
      const thread = new Worker(worker, { eval: true })
      thread.on('message', () => thread.terminate().then(resolve))
    }))
    Promise.all(ended).then(() => core.processExportPayloadAsync('[]')).then((result) => console.log(result.normalizedJson))`
  assert.equal(await exitsCleanly(program), '[]\n')
})

test('a process may end with calls under way', async () => {
  const program = `
    const core = require(${corePath})
    const text = JSON.stringify(Array.from({ length: 50000 }, (_, i) => ({ i })))
    for (let i = 0; i < 8; i++) core.processSpanAsync({ inputJson: text })
    console.log('left')
    process.exit(0)`
  assert.equal(await exitsCleanly(program), 'left\n')
})

test('memory does not grow with the calls', async () => {
  const program = `
    const core = require(${corePath})
    const text = JSON.stringify(Array.from({ length: 200 }, (_, i) => ({ i, s: 'é'.repeat(i) })))
    const bytes = Buffer.from(text)
    const round = (times) => { for (let i = 0; i < times; i++) {
      core.processExportPayload(i % 2 ? text : bytes)
      core.processSpan({ inputJson: bytes, outputJson: text })
      try { core.normalizeJson('{') } catch {}
    } global.gc() }
    round(500)
    const before = process.memoryUsage().rss
    round(3000)
    console.log(process.memoryUsage().rss - before)`
  const { stdout } = await run(process.execPath, ['--expose-gc', '-e', program], { timeout: 120_000 })
  assert.ok(Number(stdout) < 100_000_000, `${stdout.trim()} bytes more`)
})

test('a sparse array of spans is refused at its first hole, however long it is', () => {
  const spans = []
  spans.length = 2 ** 32 - 1
  assert.throws(() => core.buildExportSpansRequestBytes('', '', '', '', spans), { code: 'invalid_argument', index: 0 })
})

test('an exponent of any length is counted whole', () => {
  assert.equal(core.normalizeJson(`0.${'0'.repeat(655359)}1e655360`), '1.0')
  assert.equal(core.normalizeJson(`1${'0'.repeat(700000)}e-700000`), '1.0')
})
