// The async forms: the same answers and errors, off the event loop.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import core from './core.cjs'

const span = { name: 'n', inputJson: Buffer.from('{"b":1,"a":"é"}'), outputJson: '[1]', metadataJson: '{"m":1}' }
const built = {
  traceId: 't', spanId: 's', parentSpanId: '', name: 'n', packageName: '', instrumentationName: '', submoduleName: '',
  packageType: 1, kind: 1, inputSchemaJson: '{"type":6}', outputSchemaJson: Buffer.from('{}'), inputSchemaHash: '',
  outputSchemaHash: '', inputValueHash: '', outputValueHash: '', statusCode: 1, statusMessage: '', isPreAppStart: false,
  isRootSpan: true, timestampSeconds: 1, timestampNanos: 2, durationSeconds: 3, durationNanos: 4,
  inputValueProtoStructBytes: core.objectToProtobufStructBytes('{"a":1}'),
}
const bytes = core.buildSpanProtoBytes(built)

const CALLS = [
  ['processExportPayload', ['{"b":1,"a":"eyJ9"}', '{"a":{"encoding":1}}']],
  ['processExportPayload', [Buffer.from('{"é":1}')]],
  ['processExportPayload', [new Uint8Array(Buffer.from('[1]')), null]],
  ['processExportPayload', ['{"a":']],
  ['processExportPayload', ['{}', '[]']],
  ['processExportPayload', [1]],
  ['buildSpanProtoBytes', [built]],
  ['buildSpanProtoBytes', [{ ...built, kind: 9 }]],
  ['buildSpanProtoBytes', [null]],
  ['buildSpanProtoBytes', [{ get traceId() { throw new RangeError('boom') } }]],
  ['buildExportSpansRequestBytes', ['a', 'b', 'c', 'd', [bytes, bytes]]],
  ['buildExportSpansRequestBytes', ['a', 'b', 'c', 'd', [bytes, Buffer.from([7])]]],
  ['processSpan', [span]],
  ['processSpan', [{ inputJson: '{' }]],
  ['processSpans', [[span, bytes, null], { maxMessageDepth: 50 }]],
  ['processSpans', [[null], { strict: true }]],
]

for (const [index, [name, args]] of CALLS.entries()) {
  test(`${name}Async gives what ${name} gives (${index})`, async () => {
    const promise = core[`${name}Async`](...args)
    assert.ok(promise instanceof Promise)
    let expected
    try {
      expected = core[name](...args)
    } catch (error) {
      const { constructor, message, code, path, offset, index } = error
      await assert.rejects(promise, (rejection) => {
        const got = rejection
        assert.equal(got.constructor, constructor)
        assert.deepEqual([got.message, got.code, got.path, got.offset, got.index], [message, code, path, offset, index])
        return true
      })
      return
    }
    assert.deepEqual(await promise, expected)
  })
}

test('buffers are copied before the call returns', async () => {
  const text = Buffer.from(`{"a":"${'x'.repeat(100_000)}"}`)
  const expected = core.processExportPayload(text)
  const promises = Array.from({ length: 8 }, () => core.processExportPayloadAsync(text))
  text.fill(0)
  for (const promise of promises) assert.deepEqual(await promise, expected)

  const encoded = Buffer.from(bytes)
  const request = core.buildExportSpansRequestBytesAsync('', '', '', '', [encoded])
  encoded.fill(0xff)
  assert.deepEqual(await request, core.buildExportSpansRequestBytes('', '', '', '', [bytes]))
})

test('the event loop goes on meanwhile', { timeout: 120_000 }, async () => {
  const text = Buffer.from(JSON.stringify(Array.from({ length: 200_000 }, (_, i) => ({ id: i, name: `row ${i}`, x: i / 7 }))))
  let done = false
  let turns = 0
  const promise = core.processExportPayloadAsync(text).finally(() => { done = true })
  const turn = () => { if (!done) { turns += 1; setImmediate(turn) } }
  setImmediate(turn)
  const result = await promise
  assert.equal(result.decodedValueHash.length, 64)
  assert.ok(turns > 20, `${turns} turns of the event loop`)
})

test('many calls at once settle', async () => {
  const results = await Promise.all(
    Array.from({ length: 500 }, (_, i) => core.processSpanAsync({ name: `s${i}`, inputJson: `{"i":${i}}` })),
  )
  for (const [i, result] of results.entries()) assert.equal(result.inputNormalizedJson, `{"i":${i}}`)
})
