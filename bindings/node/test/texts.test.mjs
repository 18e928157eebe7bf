// Text arguments: strings, surrogates, and every kind of memory that bytes
// can come in.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Worker } from 'node:worker_threads'
import core from './core.cjs'

const corePath = JSON.stringify(fileURLToPath(new URL('core.cjs', import.meta.url)))

const { normalizeJson, deterministicHash, normalizeAndHash, processExportPayload } = core

function faultOf(call) {
  try {
    call()
  } catch (error) {
    assert.ok(error instanceof Error)
    return { code: error.code, offset: error.offset, path: error.path }
  }
  return assert.fail('nothing was thrown')
}

const fault = (code, offset, path) => ({ code, offset, path })

test('what JSON.stringify gives is taken as it is', () => {
  for (const [value, expected] of [
    [{ b: 1, a: [true, null, 1.5] }, '{"a":[true,null,1.5],"b":1}'],
    [{ 10: 'a', 9: 'b', x: 'c' }, '{"10":"a","9":"b","x":"c"}'],
    [{ a: NaN, b: Infinity, c: undefined, d: () => 1 }, '{"a":null,"b":null}'],
    [-0, '0'],
    [1e21, '1e+21'],
    [2 ** 53, '9007199254740992'],
    [new Date(0), '"1970-01-01T00:00:00.000Z"'],
    ['\ud83d\ude00', '"\u{1f600}"'],
    ['\ud800', '"\ufffd"'],
    [{ '\udc00': '\ud800\ud800' }, '{"\ufffd":"\ufffd\ufffd"}'],
    ['\u2028\u007f', '"\u2028\u007f"'],
  ]) {
    assert.equal(normalizeJson(JSON.stringify(value)), expected)
  }
})

test('an unpaired surrogate in a string becomes one U+FFFD', () => {
  for (const [text, expected] of [
    ['"\ud800"', '"\ufffd"'],
    ['"a\udc00b"', '"a\ufffdb"'],
    ['"\ud800\ud800"', '"\ufffd\ufffd"'],
    ['"\udc00\ud800"', '"\ufffd\ufffd"'],
    ['"\ud800\ud83d\ude00"', '"\ufffd\u{1f600}"'],
    ['{"\ud800":1,"\udfff":2}', '{"\ufffd":2}'],
    // Half in the string, half escaped, is no pair.
    ['"\ud83d\\ude00"', '"\ufffd\ufffd"'],
    ['"\\ud83d\ude00"', '"\ufffd\ufffd"'],
  ]) {
    assert.equal(normalizeJson(text), expected)
    assert.equal(processExportPayload(text).normalizedJson, expected)
  }
})

test('profile rfc8785 refuses an unpaired surrogate, with its offset in UTF-8 bytes', () => {
  const options = { profile: 'rfc8785' }
  for (const [text, offset] of [
    ['"\ud800"', 1],
    ['"é\udc00"', 3],
    ['"\u{1f600}\ud800"', 5],
    ['"\ufffd\ud800"', 4],
    ['"\\ud800"', 1],
  ]) {
    assert.deepEqual(
      faultOf(() => normalizeJson(text, options)),
      fault('lone_surrogate', offset),
    )
    assert.deepEqual(
      faultOf(() => deterministicHash(text, options)),
      fault('lone_surrogate', offset),
    )
  }
  assert.equal(normalizeJson('"\ufffd\u{1f600}"', options), '"\ufffd\u{1f600}"')
})

test('bytes that are not UTF-8 are refused with the offset', () => {
  for (const [bytes, offset] of [
    [[0x22, 0xff, 0x22], 1],
    [[0x22, 0xed, 0xa0, 0x80, 0x22], 1],
    [[0x22, 0x61, 0xc3], 2],
  ]) {
    assert.deepEqual(
      faultOf(() => normalizeJson(Buffer.from(bytes))),
      fault('invalid_utf8', offset),
    )
  }
})

test('options choose profile and algorithm', () => {
  assert.equal(normalizeJson('1.0'), '1.0')
  assert.equal(normalizeJson('1.0', { profile: 'rfc8785' }), '1')
  assert.equal(normalizeJson('1.0', { profile: 'drift' }), '1.0')
  assert.equal(normalizeJson('1.0', { profile: null, algorithm: undefined }), '1.0')
  // The digest of the two bytes `{}` by the oracle of the fixtures.
  const blake3 = '6e46dd10defc9b56c29a6ec56b508c21f54c08192194e4df25bf36f0c9c3c279'
  assert.equal(deterministicHash('{}', { algorithm: 'blake3' }), blake3)
  assert.deepEqual(normalizeAndHash('{}', { algorithm: 'blake3' }), { normalizedJson: '{}', deterministicHash: blake3 })
  assert.notEqual(deterministicHash('{}', { algorithm: 'blake3' }), deterministicHash('{}'))
})

test('an index in place of the options is not looked at, as by the published functions', () => {
  assert.deepEqual(['1', '2'].map(normalizeJson), ['1', '2'])
})

test('options that do not exist are refused', () => {
  for (const options of [
    { profile: 'jcs' },
    { profile: 1 },
    { algorithm: 'md5' },
    { profil: 'drift' },
    'rfc8785',
    true,
    Symbol('x'),
  ]) {
    assert.equal(faultOf(() => normalizeJson('{}', options)).code, 'invalid_argument')
  }
})

test('what is neither string nor bytes is refused', () => {
  for (const value of [
    undefined,
    null,
    1,
    1n,
    true,
    {},
    [],
    Symbol('x'),
    () => 1,
    new String('{}'),
    new Uint16Array(2),
    new Int8Array(2),
    new DataView(new ArrayBuffer(2)),
    new ArrayBuffer(2),
    new SharedArrayBuffer(2),
    new Proxy(Buffer.from('{}'), {}),
  ]) {
    for (const name of ['normalizeJson', 'deterministicHash', 'normalizeAndHash', 'processExportPayload']) {
      assert.deepEqual(
        faultOf(() => core[name](value)),
        fault('invalid_argument'),
      )
    }
    for (const name of ['objectToProtobufStructBytes', 'objectToProtobufStructFieldCount']) {
      assert.deepEqual(
        faultOf(() => core[name](value)),
        fault('invalid_argument'),
      )
    }
  }
  assert.equal(faultOf(() => normalizeJson()).code, 'invalid_argument')
})

test('merges: undefined and null are none, a wrong type is refused', () => {
  const none = processExportPayload('{"a":1}')
  assert.deepEqual(processExportPayload('{"a":1}', undefined), none)
  assert.deepEqual(processExportPayload('{"a":1}', null), none)
  assert.deepEqual(processExportPayload('{"a":1}', '{}'), none)
  assert.equal(faultOf(() => processExportPayload('{}', 1)).code, 'invalid_argument')
  assert.equal(faultOf(() => processExportPayload('{}', {})).code, 'invalid_argument')
  assert.deepEqual(
    faultOf(() => processExportPayload('{}', '{"a":{"encoding":"x"}}')),
    fault('invalid_merges', undefined, '$.a.encoding'),
  )
  assert.equal(faultOf(() => processExportPayload('{}', '{"a":')).offset, 5)
})

test('bytes are read from every kind of memory', () => {
  const text = '{"b":1,"a":"é"}'
  const bytes = Buffer.from(text)
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length + 2), 1, bytes.length)
  shared.set(bytes)
  const resizable = new Uint8Array(new ArrayBuffer(bytes.length, { maxByteLength: 1000 }))
  resizable.set(bytes)
  class Derived extends Uint8Array {}
  for (const view of [
    bytes,
    new Uint8Array(bytes),
    Derived.from(bytes),
    Buffer.concat([Buffer.from('xx'), bytes, Buffer.from('yy')]).subarray(2, 2 + bytes.length),
    shared,
    resizable,
    Buffer.from(shared.buffer, 1, bytes.length),
  ]) {
    assert.equal(normalizeJson(view), '{"a":"é","b":1}')
    assert.equal(processExportPayload(view).normalizedJson, '{"a":"é","b":1}')
  }
})

test('memory that is gone is an empty text', () => {
  const detached = new Uint8Array([0x7b, 0x7d])
  structuredClone(detached.buffer, { transfer: [detached.buffer] })
  const memory = new ArrayBuffer(8, { maxByteLength: 16 })
  const outside = new Uint8Array(memory, 4, 4)
  memory.resize(2)
  const tracking = new Uint8Array(memory)
  memory.resize(0)
  for (const view of [detached, outside, tracking, Buffer.alloc(0)]) {
    assert.deepEqual(
      faultOf(() => normalizeJson(view)),
      fault('invalid_json', 0),
    )
  }
})

test('a getter that detaches an earlier buffer leaves an empty text, not a crash', () => {
  const bytes = new Uint8Array(Buffer.from('{"a":1}'))
  const span = {
    inputJson: bytes,
    get metadataJson() {
      structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
      return '{}'
    },
  }
  assert.deepEqual(
    faultOf(() => core.processSpan(span)),
    fault('invalid_json', 0, '$.input_json'),
  )
})

test('shared memory that another thread writes gives an answer or an error', { timeout: 60_000 }, async () => {
  const memory = new SharedArrayBuffer(1 << 16)
  const view = new Uint8Array(memory)
  const filled = Buffer.from(`"${'a'.repeat(view.length - 2)}"`)
  view.set(filled)
  const writer = new Worker(
    `const { workerData } = require('node:worker_threads')
     const view = new Uint8Array(workerData.memory)
     for (let i = 1; ; i++) view[1 + (i % (view.length - 2))] = i & 0xff`,
    { eval: true, workerData: { memory } },
  )
  await new Promise((resolve) => writer.on('online', resolve))
  for (let round = 0; round < 100; round++) {
    try {
      assert.equal(typeof normalizeJson(view), 'string')
    } catch (error) {
      assert.match(error.code, /^invalid_(json|utf8)$/)
    }
  }
  await writer.terminate()
})

// What a JavaScript string is to UTF-8, by another implementation.
const wellFormed = (text) => Buffer.from(text, 'utf8').toString('utf8')

test('strings of every width come back whole at every length around a block and a buffer', () => {
  const units = ['a', 'é', '\u00ff', '\u0100', 'п', '\u07ff', '\u0800', '東', '\uffff', '\ud83d\ude00', '\ud800', '\udc00']
  const lengths = [0, 1, 2, 3, 7, 8, 9, 13, 14, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65]
  for (const unit of units) {
    for (const other of ['b', 'é', '東']) {
      for (const before of lengths) {
        for (const after of [0, 1, 6, 15, 16, 33]) {
          const text = `"${other.repeat(before)}${unit}${'c'.repeat(after)}"`
          assert.equal(normalizeJson(text), wellFormed(text))
        }
      }
    }
    // Lengths around the room that a string is given without asking for its length.
    for (const length of [4090, 4091, 4092, 4093, 4094, 4095, 4096, 4097, 8191, 8192, 8193, 65_536]) {
      for (const filler of ['a', 'é', '東']) {
        const text = `"${filler.repeat(length - unit.length - 2)}${unit}"`
        assert.equal(text.length, length)
        assert.equal(normalizeJson(text), wellFormed(text))
        assert.equal(normalizeJson(Buffer.from(text)), wellFormed(text))
      }
    }
  }
})

test('ropes, slices and strings outside the heap of JavaScript are texts like others', () => {
  const halves = ['"' + 'left é '.repeat(1000), 'right 東京 \ud83d\ude00'.repeat(1000) + '"']
  const rope = halves[0] + halves[1]
  assert.equal(normalizeJson(rope), halves.join(''))
  assert.equal(normalizeJson(halves[0] + 'x"'), halves[0] + 'x"')
  for (const filler of ['0123456789', 'é', '東']) {
    const text = `"${filler.repeat(20_000)}"`
    const slice = `xyz${text}xyz`.slice(3, -3)
    assert.equal(normalizeJson(slice), text)
    assert.equal(normalizeJson(`["${filler.repeat(50)}"]`.slice(1, -1)), `"${filler.repeat(50)}"`)
  }
  // Node makes strings of a megabyte and more outside of V8's heap.
  const narrow = Buffer.alloc(1_200_000, 'é', 'latin1')
  narrow[0] = narrow[narrow.length - 1] = 0x22
  const wide = Buffer.alloc(2_400_000, '東', 'utf16le')
  wide.writeUInt16LE(0x22, 0)
  wide.writeUInt16LE(0x22, wide.length - 2)
  for (const text of [narrow.latin1Slice(), wide.ucs2Slice()]) assert.equal(normalizeJson(text), text)
})

test('strings beyond what memory is kept for come back whole, and the next call is as ever', () => {
  for (const unit of ['a', 'é', '東', '\ud83d\ude00']) {
    for (const units of [(1 << 20) - 2, (1 << 20) + 2, (1 << 24) + 2]) {
      const text = `"${unit.repeat(units / unit.length)}"`
      assert.equal(deterministicHash(text), deterministicHash(Buffer.from(text)))
      assert.ok(normalizeJson(text) === text)
      assert.equal(normalizeJson('"é東"'), '"é東"')
    }
  }
})

// From 128 KiB on a result's characters lie outside of V8's heap.
const LARGE_BYTES = 1 << 17
const collect = () => {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
}

test('results of every width come back whole at every length around the one where V8 no longer copies them', () => {
  for (const [unit, width] of [['a', 1], ['é', 1], ['東', 2], ['\ud83d\ude00', 2]]) {
    const most = LARGE_BYTES / width
    for (const around of [most / 2, most, most * 2]) {
      for (let units = around - 4; units <= around + 4; units++) {
        // The quotes count; the odd unit is a letter of one byte.
        const inside = unit.repeat(Math.floor((units - 2) / unit.length)) + 'x'.repeat((units - 2) % unit.length)
        const text = `"${inside}"`
        assert.equal(text.length, units)
        const made = normalizeJson(text)
        assert.ok(made === text, `${unit} ${units}`)
        assert.equal(made.length, units)
      }
    }
  }
})

test('large results are strings like others', () => {
  const inside = { ascii: 'abc ', latin: 'é à ', wide: '東京 п', astral: '\ud83d\ude00 é' }
  for (const [name, unit] of Object.entries(inside)) {
    const value = { a: unit.repeat(LARGE_BYTES / 4), b: [1, null], c: '\ud800' }
    const text = JSON.stringify(value)
    const expected = JSON.stringify({ ...value, c: '\ufffd' })
    const results = [
      normalizeJson(text),
      normalizeAndHash(text).normalizedJson,
      processExportPayload(text).normalizedJson,
      processExportPayload(text).decodedJson,
      core.processSpan({ inputJson: text }).inputNormalizedJson,
      core.processSpan({ outputJson: Buffer.from(text) }).outputNormalizedJson,
      core.structToJson(core.objectToProtobufStructBytes(text)),
    ]
    for (const result of results) {
      assert.ok(result === expected, name)
      assert.deepEqual(JSON.parse(result), { ...value, c: '\ufffd' })
      assert.ok(Buffer.from(result).equals(Buffer.from(expected)))
      assert.ok(`${result}!`.slice(5, 70_000) === expected.slice(5, 70_000))
      assert.ok(result.split('"b"').join('"b"') === expected && /"c":"\ufffd"}$/.test(result))
      assert.equal(new Map([[result, 1]]).get(expected), 1)
      assert.ok(structuredClone(result) === expected)
      // A result is an argument: read where it lies, whole and in part.
      assert.ok(normalizeJson(result) === expected)
      assert.ok(normalizeJson(`x${result}`.slice(1)) === expected)
      assert.equal(deterministicHash(result), deterministicHash(expected))
    }
  }
})

test('large results live as long as they are used, and their memory is freed without the event loop', () => {
  const text = `{"a":"${'東'.repeat(LARGE_BYTES)}","b":"${'x'.repeat(LARGE_BYTES)}"}`
  const kept = Array.from({ length: 20 }, () => normalizeJson(text))
  const part = normalizeJson(text).slice(10, 100)
  collect()
  const foreign = () => process.memoryUsage().external
  const before = foreign()
  let most = 0
  // 157 MB of results in all.
  for (let round = 0; round < 300; round++) {
    assert.equal(normalizeJson(text).length, text.length)
    most = Math.max(most, foreign() - before)
  }
  assert.ok(most > 1e6 && most < 120e6, `${most}`)
  collect()
  assert.ok(kept.every((each) => each === text))
  assert.equal(part, '東'.repeat(90))
})

test('a worker thread that alone has loaded the package ends with large results in use', async () => {
  const program = `
    const { Worker } = require('node:worker_threads')
    const code = \`
      const core = require(${corePath})
      globalThis.kept = [...'aé東'].map((letter) => core.normalizeJson('"' + letter.repeat(300_000) + '"'))
      const { parentPort } = require('node:worker_threads')
      parentPort.postMessage(kept.map((each) => each.length))
      if (process.env.STAY) setInterval(() => {}, 1000)\`
    const start = (stay) => new Promise((resolve, reject) => {
      const worker = new Worker(code, { eval: true, env: { ...process.env, ...(stay && { STAY: '1' }) } })
      worker.on('message', (lengths) => {
        if (lengths.some((length) => length !== 300_002)) reject(new Error('cut'))
        if (stay) worker.terminate()
      })
      worker.on('error', reject)
      worker.on('exit', resolve)
    })
    ;(async () => {
      for (let round = 0; round < 6; round++) await start(round % 2)
      console.log('ended')
    })()`
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['-e', program], { timeout: 60_000 })
  assert.deepEqual([stdout, stderr], ['ended\n', ''])
})

test('a call within the reading of a call has memory of its own', () => {
  const inner = []
  const long = (letter) => `{"a":"${letter.repeat(5000)}"}`
  const span = {
    name: 'é'.repeat(5000),
    get environment() {
      inner.push(normalizeJson(long('п')), core.processSpan({ name: '東', inputJson: long('東') }).inputNormalizedJson)
      return '東'.repeat(5000)
    },
    inputJson: long('x'),
    outputJson: long('é'),
    get metadataJson() {
      inner.push(normalizeJson(long('ö')))
      return long('ж')
    },
  }
  const { spanBytes, inputNormalizedJson, outputNormalizedJson } = core.processSpan(span)
  const read = JSON.parse(core.spanToJson(spanBytes))
  assert.deepEqual([read.name, read.environment], ['é'.repeat(5000), '東'.repeat(5000)])
  assert.deepEqual(read.metadata, { a: 'ж'.repeat(5000) })
  assert.deepEqual([inputNormalizedJson, outputNormalizedJson], [long('x'), long('é')])
  assert.deepEqual(inner, [long('п'), long('東'), long('ö')])
})

test('strings come back whole in every representation', () => {
  const rope = 'x'.repeat(40) + ['"'].join('') + 'é'.repeat(3)
  for (const text of ['', 'ascii', 'latin é', 'wide 日本', 'astral \u{1f600}', 'nul \0', rope, 'y'.repeat(100_000) + 'é']) {
    const json = JSON.stringify(text)
    assert.equal(JSON.parse(normalizeJson(json)), text)
    assert.equal(JSON.parse(normalizeJson(Buffer.from(json))), text)
    assert.equal(JSON.parse(normalizeJson(` ${json} `.slice(1, -1))), text)
  }
})

// A larger Buffer is filled from its end, each piece freed before the next.
const MOVED_FROM = 4 << 20

test('bytes on both sides of the size from which they are moved in pieces are whole', async () => {
  const varint = (value) => {
    const bytes = []
    for (; value > 0x7f; value = Math.floor(value / 128)) bytes.push((value % 128) | 0x80)
    return Buffer.from([...bytes, value])
  }
  const field = (number, bytes) => Buffer.concat([Buffer.from([(number << 3) | 2]), varint(bytes.length), bytes])
  const struct = (text) => field(1, Buffer.concat([field(1, Buffer.from('a')), field(2, field(3, Buffer.from(text)))]))
  // The text of a Struct of so many bytes, other at every place.
  const textOf = (length) => {
    let text = ''
    for (let place = 0; text.length < length; place++) text += `${place} é `
    const ascii = text.replaceAll('é', 'e').slice(0, length)
    return ascii.slice(0, length - (struct(ascii).length - length))
  }
  const assertEqual = (actual, expected) => assert.ok(actual.equals(expected), `of ${expected.length} bytes`)
  for (const length of [MOVED_FROM - 1, MOVED_FROM, MOVED_FROM + 1, 2 * MOVED_FROM, 2 * MOVED_FROM + 1]) {
    const text = textOf(length)
    const [json, expected] = [JSON.stringify({ a: text }), struct(text)]
    assert.equal(expected.length, length)
    for (const payload of [json, Buffer.from(json)]) {
      assertEqual(processExportPayload(payload).protobufStructBytes, expected)
      assertEqual(core.objectToProtobufStructBytes(payload), expected)
    }
    assertEqual((await core.processExportPayloadAsync(json)).protobufStructBytes, expected)
    const { spanBytes } = core.processSpan({ name: 'n', inputJson: json })
    assert.ok(spanBytes.includes(expected))
    assert.deepEqual(JSON.parse(core.spanToJson(spanBytes)).inputValue, { a: text })
    assertEqual((await core.processSpanAsync({ name: 'n', inputJson: json })).spanBytes, spanBytes)
    const request = field(5, spanBytes)
    assertEqual(core.buildExportSpansRequestBytes('', '', '', '', [spanBytes]), request)
    assertEqual(await core.buildExportSpansRequestBytesAsync('', '', '', '', [spanBytes]), request)
    assertEqual((await core.processSpansAsync([spanBytes])).requestBytes, request)
  }
})
