// Spans: members, JavaScript's numbers, getters and proxies.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import core from './core.cjs'

const { buildSpanProtoBytes, buildExportSpansRequestBytes, processSpan, processSpans, spanToJson } = core

const base = {
  traceId: 't',
  spanId: 's',
  parentSpanId: 'p',
  name: 'n',
  packageName: 'pn',
  instrumentationName: 'i',
  submoduleName: 'su',
  packageType: 1,
  kind: 1,
  inputSchemaJson: '{}',
  outputSchemaJson: '{}',
  inputSchemaHash: 'h1',
  outputSchemaHash: 'h2',
  inputValueHash: 'h3',
  outputValueHash: 'h4',
  statusCode: 1,
  statusMessage: 'm',
  isPreAppStart: false,
  isRootSpan: true,
  timestampSeconds: 1,
  timestampNanos: 2,
  durationSeconds: 3,
  durationNanos: 4,
}
// What the published package gives for it.
const BASE_HEX =
  '0a01741201731a017022016e2a02706e3201693a02737540014a0052005a0062006a026831720268327a0268338201026834' +
  '880101920105080112016da2010408011002aa010408031004b00101ba0100'

const read = (members) => JSON.parse(spanToJson(buildSpanProtoBytes({ ...base, ...members })))

function faultOf(call) {
  try {
    call()
  } catch (error) {
    assert.ok(error instanceof Error)
    return error
  }
  return assert.fail('nothing was thrown')
}

test('the bytes are those of the published package', () => {
  const bytes = buildSpanProtoBytes(base)
  assert.ok(Buffer.isBuffer(bytes))
  assert.equal(bytes.toString('hex'), BASE_HEX)
  assert.equal(buildSpanProtoBytes({ ...base, environment: '' }).toString('hex'), `${BASE_HEX}c20100`)
})

test('null is undefined for every optional member', () => {
  const nulls = {
    environment: null,
    metadataJson: null,
    inputValueJson: null,
    outputValueJson: null,
    inputValueProtoStructBytes: null,
    outputValueProtoStructBytes: null,
  }
  assert.equal(buildSpanProtoBytes({ ...base, ...nulls }).toString('hex'), BASE_HEX)
  const nothing = processSpan({}).spanBytes
  const members = [...Object.keys(base).filter((name) => !/(Schema|Value)(Json|Hash)$/.test(name)), 'environment']
  for (const name of [...members, 'inputJson', 'inputMerges', 'outputJson', 'outputMerges', 'metadataJson']) {
    assert.deepEqual(processSpan({ [name]: null }).spanBytes, nothing, name)
    assert.deepEqual(processSpan({ [name]: undefined }).spanBytes, nothing, name)
  }
})

test('a required member that is missing or null is refused, and named', () => {
  for (const name of Object.keys(base)) {
    const without = { ...base }
    delete without[name]
    for (const input of [without, { ...base, [name]: null }, { ...base, [name]: undefined }]) {
      const { code, message } = faultOf(() => buildSpanProtoBytes(input))
      assert.equal(code, 'invalid_argument')
      const contractName = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`).replace(/_json$/, '')
      assert.match(message, new RegExp(`span field ${contractName}: expected .*, not (undefined|null)`))
    }
  }
})

test('what is no object is refused with the published class', () => {
  for (const value of [undefined, null]) {
    for (const call of [buildSpanProtoBytes, processSpan]) {
      const error = faultOf(() => call(value))
      assert.ok(error instanceof TypeError)
      assert.equal(error.code, 'invalid_argument')
    }
  }
  for (const value of [1, 'x', true, 1n, Symbol('x')]) {
    for (const call of [buildSpanProtoBytes, processSpan]) {
      assert.equal(faultOf(() => call(value)).code, 'invalid_argument')
    }
  }
})

test('fractions are cut off', () => {
  assert.equal(read({ timestampSeconds: 1.9 }).timestamp.seconds, 1)
  assert.equal(read({ timestampSeconds: -1.9 }).timestamp.seconds, -1)
  assert.equal(read({ timestampNanos: -0.5 }).timestamp.nanos, 0)
  assert.equal(read({ timestampNanos: 2147483647.9 }).timestamp.nanos, 2147483647)
  assert.equal(read({ kind: 2.9 }).kind, 2)
  assert.equal(read({ durationSeconds: -0 }).duration.seconds, 0)
})

test('seconds may be any 64-bit integer, a bigint too', () => {
  const seconds = (value) =>
    spanToJson(buildSpanProtoBytes({ ...base, timestampSeconds: value })).match(/"seconds":(-?\d+)}}?/g)
  assert.ok(seconds(2n ** 63n - 1n).some((found) => found.includes('9223372036854775807')))
  assert.ok(seconds(-(2n ** 63n)).some((found) => found.includes('-9223372036854775808')))
  assert.ok(seconds(2 ** 62).some((found) => found.includes('4611686018427387904')))
  assert.ok(seconds(-(2 ** 63)).some((found) => found.includes('-9223372036854775808')))
})

test('numbers that do not fit are invalid_argument', () => {
  for (const [name, values] of [
    ['timestampSeconds', [NaN, Infinity, -Infinity, 2 ** 63, -(2 ** 64), 1e300, 2n ** 63n, -(2n ** 63n) - 1n]],
    ['durationNanos', [NaN, Infinity, 2 ** 31, -(2 ** 31) - 1, 2 ** 53, 2n ** 31n]],
    ['packageType', [NaN, Infinity, 2 ** 32]],
    ['statusCode', ['1', true, {}, [], null]],
    ['isRootSpan', [1, 'true', null, {}]],
    ['traceId', [1, {}, Buffer.from('x'), new String('x')]],
    ['inputValueProtoStructBytes', ['', {}, [], 1, new Uint16Array(2)]],
    ['inputValueJson', [1, {}, [], true]],
    ['environment', [1, {}]],
  ]) {
    for (const value of values) {
      const error = faultOf(() => buildSpanProtoBytes({ ...base, [name]: value }))
      assert.equal(error.code, 'invalid_argument', `${name} ${String(value)}`)
      assert.match(error.path, /^\$\.[a-z_]+$/)
    }
  }
})

test('enums out of range are invalid_enum, with field and value', () => {
  for (const [name, field, values] of [
    ['packageType', 'package_type', [-1, 12, 2 ** 31 - 1]],
    ['kind', 'kind', [-1, 6]],
    ['statusCode', 'status_code', [-1, 3]],
  ]) {
    for (const value of values) {
      const error = faultOf(() => buildSpanProtoBytes({ ...base, [name]: value }))
      assert.equal(error.code, 'invalid_enum')
      assert.equal(error.path, `$.${field}`)
      assert.ok(error.message.includes(String(value)))
    }
  }
})

test('unpaired surrogates in plain strings become U+FFFD', () => {
  const line = read({ traceId: '\ud800x', statusMessage: 'a\udc00', environment: '\ud83d\ude00' })
  assert.equal(line.traceId, '\ufffdx')
  assert.equal(line.status.message, 'a\ufffd')
  assert.equal(line.environment, '\u{1f600}')
})

test('JSON members are text or bytes, with one answer', () => {
  const members = {
    inputSchemaJson: '{"type":6,"properties":{"a":{"type":1}}}',
    outputSchemaJson: '{"type":7}',
    metadataJson: '{"m":[1,null]}',
    inputValueJson: '{"a":"é"}',
    outputValueJson: '[1]',
  }
  const each = (pick) => Object.fromEntries(Object.entries(members).map(([name, text]) => [name, pick(text)]))
  const expected = buildSpanProtoBytes({ ...base, ...members })
  assert.deepEqual(buildSpanProtoBytes({ ...base, ...each((text) => Buffer.from(text)) }), expected)
  assert.deepEqual(buildSpanProtoBytes({ ...base, ...each((text) => new Uint8Array(Buffer.from(text))) }), expected)
})

test('faults inside JSON members name the member and the offset', () => {
  for (const [name, path] of [
    ['inputSchemaJson', '$.input_schema'],
    ['outputSchemaJson', '$.output_schema'],
    ['metadataJson', '$.metadata'],
    ['inputValueJson', '$.input_value'],
    ['outputValueJson', '$.output_value'],
  ]) {
    const { code, path: found, offset } = faultOf(() => buildSpanProtoBytes({ ...base, [name]: '[1,' }))
    assert.deepEqual({ code, found, offset }, { code: 'invalid_json', found: path, offset: 3 })
  }
})

test('Struct bytes win over the value, which must still be valid', () => {
  const bytes = core.objectToProtobufStructBytes('{"from":"bytes"}')
  const both = { inputValueJson: '{"from":"json"}', inputValueProtoStructBytes: bytes }
  assert.deepEqual(read(both).inputValue, { from: 'bytes' })
  assert.equal(faultOf(() => buildSpanProtoBytes({ ...base, ...both, inputValueJson: '{' })).code, 'invalid_json')
  const bad = faultOf(() => buildSpanProtoBytes({ ...base, inputValueProtoStructBytes: Buffer.from([7]) }))
  assert.equal(bad.code, 'invalid_protobuf')
})

test('exceptions of getters and proxies come through', () => {
  const boom = new RangeError('boom')
  const getter = {
    ...base,
    get metadataJson() {
      throw boom
    },
  }
  const proxy = new Proxy(base, {
    get() {
      throw boom
    },
    ownKeys() {
      throw boom
    },
  })
  const { proxy: revoked, revoke } = Proxy.revocable(base, {})
  revoke()
  for (const call of [buildSpanProtoBytes, processSpan]) {
    assert.equal(
      faultOf(() => call(proxy)),
      boom,
    )
    assert.ok(faultOf(() => call(revoked)) instanceof TypeError)
  }
  assert.equal(
    faultOf(() => buildSpanProtoBytes(getter)),
    boom,
  )
  assert.throws(() => buildSpanProtoBytes({ ...base, get kind() { throw 'a string' } }), (thrown) => thrown === 'a string')
})

test('class instances, null prototypes and proxies are objects', () => {
  class Span {}
  assert.equal(buildSpanProtoBytes(Object.assign(new Span(), base)).toString('hex'), BASE_HEX)
  assert.equal(buildSpanProtoBytes(Object.assign(Object.create(null), base)).toString('hex'), BASE_HEX)
  assert.equal(buildSpanProtoBytes(new Proxy(base, {})).toString('hex'), BASE_HEX)
  assert.equal(buildSpanProtoBytes(Object.create(base)).toString('hex'), BASE_HEX)
  assert.equal(buildSpanProtoBytes({ ...base, unknown: 1 }).toString('hex'), BASE_HEX)
})

test('results are plain objects, whatever stands on Object.prototype', () => {
  const results = () => [processSpan({ inputJson: '{}' }), core.processExportPayload('{}'), processSpans([{}])]
  const expected = results()
  Object.defineProperty(Object.prototype, 'spanBytes', { configurable: true, set() { throw new Error('setter') } })
  Object.defineProperty(Object.prototype, 'normalizedJson', { configurable: true, value: 1, writable: false })
  try {
    assert.deepEqual(results(), expected)
  } finally {
    delete Object.prototype.spanBytes
    delete Object.prototype.normalizedJson
  }
  for (const result of expected) {
    assert.equal(Object.getPrototypeOf(result), Object.prototype)
    for (const name of Object.keys(result)) {
      const { writable, enumerable, configurable } = Object.getOwnPropertyDescriptor(result, name)
      assert.ok(writable && enumerable && configurable, name)
    }
  }
})

test('processSpan gives what the published calls give one after the other', () => {
  const inputJson = '{"body":"eyJhIjoxfQ==","z":1.50}'
  const inputMerges = '{"body":{"encoding":1,"decoded_type":1,"match_importance":0}}'
  const outputJson = '[1,{"a":null}]'
  const input = core.processExportPayload(inputJson, inputMerges)
  const output = core.processExportPayload(outputJson)
  const span = processSpan({ name: 'n', kind: 1, inputJson, inputMerges, outputJson: Buffer.from(outputJson) })
  const bytes = buildSpanProtoBytes({
    ...base,
    ...Object.fromEntries(
      ['traceId', 'spanId', 'parentSpanId', 'packageName', 'instrumentationName', 'submoduleName', 'statusMessage'].map(
        (name) => [name, ''],
      ),
    ),
    packageType: 0,
    statusCode: 0,
    isRootSpan: false,
    timestampSeconds: 0,
    timestampNanos: 0,
    durationSeconds: 0,
    durationNanos: 0,
    inputSchemaJson: input.decodedSchemaJson,
    outputSchemaJson: output.decodedSchemaJson,
    inputSchemaHash: input.decodedSchemaHash,
    outputSchemaHash: output.decodedSchemaHash,
    inputValueHash: input.decodedValueHash,
    outputValueHash: output.decodedValueHash,
    inputValueProtoStructBytes: input.protobufStructBytes,
    outputValueProtoStructBytes: output.protobufStructBytes,
  })
  const { messageDepth, ...rest } = span
  assert.equal(messageDepth, 6)
  assert.deepEqual(rest, {
    spanBytes: bytes,
    inputValueHash: input.decodedValueHash,
    outputValueHash: output.decodedValueHash,
    inputSchemaHash: input.decodedSchemaHash,
    outputSchemaHash: output.decodedSchemaHash,
    inputSchemaJson: input.decodedSchemaJson,
    outputSchemaJson: output.decodedSchemaJson,
    inputNormalizedJson: input.normalizedJson,
    outputNormalizedJson: output.normalizedJson,
  })
})

test('processSpan refuses unknown members by name', () => {
  const { code, message } = faultOf(() => processSpan({ name: 'x', trace_id: 'y' }))
  assert.equal(code, 'invalid_argument')
  assert.match(message, /trace_id/)
})

const spanMembers = {
  traceId: 't',
  spanId: 's',
  parentSpanId: 'p',
  name: 'n',
  packageName: 'pn',
  instrumentationName: 'i',
  submoduleName: 'su',
  packageType: 1,
  environment: 'e',
  kind: 2,
  statusCode: 1,
  statusMessage: 'm',
  isPreAppStart: true,
  isRootSpan: true,
  timestampSeconds: 1,
  timestampNanos: 2,
  durationSeconds: 3,
  durationNanos: 4,
  inputJson: '{"a":"eA=="}',
  inputMerges: '{"a":{"encoding":1}}',
  outputJson: '{"b":2}',
  outputMerges: '{"b":{"match_importance":0.5}}',
  metadataJson: '{"c":3}',
}

test('a span is read wherever its members stand', () => {
  const expected = processSpan(spanMembers)
  // What the published calls make of it, by the test above.
  assert.equal(JSON.parse(spanToJson(expected.spanBytes)).metadata.c, 3)
  const entries = Object.entries(spanMembers)
  class Getters {}
  for (const [name, value] of entries) Object.defineProperty(Getters.prototype, name, { get: () => value })
  const hidden = { ...spanMembers }
  for (const name of ['name', 'inputMerges']) Object.defineProperty(hidden, name, { enumerable: false })
  const accessors = Object.defineProperties(
    {},
    Object.fromEntries(entries.map(([name, value]) => [name, { enumerable: true, get: () => value }])),
  )
  const slow = { ...spanMembers, gone: 1 }
  delete slow.gone
  const { name, kind, outputJson, ...others } = spanMembers
  for (const [place, span] of [
    Object.fromEntries([...entries].reverse()),
    Object.fromEntries([...entries.slice(7), ...entries.slice(0, 7)]),
    Object.assign(Object.create(null), spanMembers),
    Object.create(spanMembers),
    Object.assign(Object.create({ name, kind, outputJson }), others),
    new Getters(),
    hidden,
    accessors,
    slow,
    Object.freeze({ ...spanMembers }),
    new Proxy(spanMembers, {}),
    Object.assign(() => {}, others, { kind, outputJson }),
    { ...spanMembers, [Symbol('other')]: 1 },
  ].entries()) {
    // The function has a name of its own, which cannot be assigned.
    if (typeof span === 'function') Object.defineProperty(span, 'name', { value: 'n' })
    assert.deepEqual(processSpan(span), expected, `span ${place}`)
    assert.deepEqual(processSpans([span]).requestBytes, processSpans([spanMembers]).requestBytes, `span ${place}`)
  }
})

test('spans of many kinds in turn are each read as themselves', () => {
  const kinds = Array.from({ length: 40 }, (_, place) => {
    const entries = Object.entries({ ...spanMembers, name: `span ${place}` })
    return Object.fromEntries([...entries.slice(place % 23), ...entries.slice(0, place % 23)].slice(0, 8 + (place % 16)))
  })
  const expected = kinds.map((span) => processSpan({ ...Object.fromEntries(Object.keys(spanMembers).map((each) => [each, undefined])), ...span }))
  for (let round = 0; round < 200; round++) {
    kinds.forEach((span, place) => assert.deepEqual(processSpan({ ...span }).spanBytes, expected[place].spanBytes))
  }
})

test('a member that is no member is refused wherever it stands', () => {
  for (const span of [
    { ...spanMembers, extra: undefined },
    { extra: 1, ...spanMembers },
    { ...spanMembers, 0: 1 },
    { ...spanMembers, '': 1 },
    { ...spanMembers, constructor: 1 },
    Object.defineProperty({ ...spanMembers }, '__proto__', { enumerable: true, value: 1 }),
    ['x'],
    new Uint8Array(1),
  ]) {
    const { code, path, message } = faultOf(() => processSpan(span))
    assert.deepEqual([code, path], ['invalid_argument', '$.span'])
    assert.match(message, /there is no member "(extra|0||constructor|__proto__)"/)
  }
})

test('a getter may delete or add members and read other spans meanwhile', () => {
  const other = { outputJson: '[1]', name: 'other', traceId: 'o' }
  const span = {
    get traceId() {
      delete this.spanId
      return processSpan(other).outputNormalizedJson
    },
    spanId: 's',
    get name() {
      this.kind = 3
      return processSpan({ name: 'third' }).inputNormalizedJson
    },
    inputJson: '{"a":1}',
  }
  const read = JSON.parse(spanToJson(processSpan(span).spanBytes))
  assert.deepEqual([read.traceId, read.spanId ?? '', read.name, read.kind], ['[1]', '', '{}', 3])
  assert.deepEqual(read.inputValue, { a: 1 })
})

test('strings of a span come whole, of every length and alphabet', () => {
  const lengths = [0, 1, 7, 8, 15, 16, 17, 127, 253, 254, 255, 256, 257, 4095, 4096, 4097, 70_000]
  for (const letter of ['a', 'é', '東', '😀', '\ud800']) {
    for (const length of lengths) {
      const text = letter.repeat(length)
      const whole = letter === '\ud800' ? '\ufffd'.repeat(length) : text
      const { spanBytes, inputNormalizedJson } = processSpan({
        ...spanMembers,
        name: text,
        environment: text,
        inputJson: `{"a":"${text}"}`,
        inputMerges: null,
      })
      const read = JSON.parse(spanToJson(spanBytes))
      assert.ok(read.name === whole || (whole === '' && read.name === undefined), `${letter} ${length}`)
      assert.equal(read.environment, whole)
      assert.equal(inputNormalizedJson, `{"a":"${whole}"}`)
    }
  }
})

test('texts of a span may be bytes, some or all', () => {
  const expected = processSpan(spanMembers)
  const texts = ['inputJson', 'inputMerges', 'outputJson', 'outputMerges', 'metadataJson']
  for (const names of [texts, ...texts.map((name) => [name])]) {
    const bytes = names.map((name) => [name, Buffer.from(spanMembers[name])])
    assert.deepEqual(processSpan({ ...spanMembers, ...Object.fromEntries(bytes) }), expected, names.join())
  }
})

test('every member of a span is refused by name when it is of another kind', () => {
  for (const [name, value] of Object.entries(spanMembers)) {
    for (const wrong of [Symbol('x'), {}, () => {}, typeof value === 'boolean' ? 1 : true]) {
      const { code, path } = faultOf(() => processSpan({ ...spanMembers, [name]: wrong }))
      const member = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
      assert.deepEqual([code, path], ['invalid_argument', `$.${member}`])
    }
  }
  for (const [name, value] of [
    ['kind', 2n],
    ['kind', NaN],
    ['timestampNanos', 2 ** 31],
    ['timestampSeconds', Infinity],
    ['timestampSeconds', 2n ** 63n],
  ]) {
    assert.equal(faultOf(() => processSpan({ ...spanMembers, [name]: value })).code, 'invalid_argument')
  }
  const seconds = processSpan({ ...spanMembers, timestampSeconds: 7n, timestampNanos: 2.9, durationSeconds: -1.9 })
  const { timestamp, duration } = JSON.parse(spanToJson(seconds.spanBytes))
  assert.deepEqual([timestamp, duration.seconds], [{ nanos: 2, seconds: 7 }, -1])
})

test('an export request holds the spans as they are', () => {
  const request = buildExportSpansRequestBytes('a', 'b', 'c', 'd', [Buffer.alloc(0), new Uint8Array([0x0a, 1, 0x78])])
  assert.equal(request.toString('hex'), '0a01611201621a01632201642a002a030a0178')
  assert.equal(buildExportSpansRequestBytes('\ud800', '', '', '', []).toString('hex'), '0a03efbfbd')
})

test('an export request refuses what it cannot hold, with the index', () => {
  for (const [spans, index, code] of [
    [[Buffer.alloc(0), Buffer.from([7])], 1, 'invalid_protobuf'],
    [[Buffer.alloc(0), 'x'], 1, 'invalid_argument'],
    [[null], 0, 'invalid_argument'],
    [[[1]], 0, 'invalid_argument'],
    [[, Buffer.alloc(0)], 0, 'invalid_argument'],
  ]) {
    const error = faultOf(() => buildExportSpansRequestBytes('', '', '', '', spans))
    assert.equal(error.index, index)
    assert.equal(error.code, code)
  }
  for (const spans of [undefined, null, 1, 'x', {}, { length: 0 }, new Set(), new Uint8Array(2)]) {
    assert.equal(faultOf(() => buildExportSpansRequestBytes('', '', '', '', spans)).code, 'invalid_argument')
  }
  for (const text of [undefined, null, 1, {}, Buffer.from('x')]) {
    assert.equal(faultOf(() => buildExportSpansRequestBytes(text, '', '', '', [])).code, 'invalid_argument')
  }
})

test('an export request of every size holds the spans as they are', () => {
  const varint = (number) => (number < 0x80 ? [number] : [(number & 0x7f) | 0x80, ...varint(number >>> 7)])
  const field = (bytes) => Buffer.concat([Buffer.from([0x2a, ...varint(bytes.length)]), bytes])
  // Each a span with a name of its own length.
  const span = (length) => Buffer.concat([Buffer.from([0x22, ...varint(length)]), Buffer.alloc(length, 'n')])
  const views = [
    (bytes) => bytes,
    (bytes) => new Uint8Array(bytes),
    (bytes) => Buffer.concat([Buffer.from('xy'), bytes, Buffer.from('z')]).subarray(2, -1),
    (bytes) => new Uint8Array(new SharedArrayBuffer(bytes.length)).fill(0).map((_, at) => bytes[at]),
    (bytes) => {
      const shared = new Uint8Array(new SharedArrayBuffer(bytes.length))
      shared.set(bytes)
      return shared
    },
  ]
  for (const lengths of [[0], [10, 0, 200], [4080], [4086], [4087], [4088], [4089], [4090], [4100], [70_000], Array(600).fill(8000)]) {
    const spans = lengths.map(span)
    const expected = Buffer.concat([Buffer.from([0x12, 1, 0x65]), ...spans.map(field)])
    for (const view of views) {
      const request = buildExportSpansRequestBytes('', 'e', '', '', spans.map(view))
      assert.ok(Buffer.isBuffer(request))
      assert.ok(request.equals(expected))
      request.fill(0)
      assert.ok(spans.every((bytes, index) => bytes.equals(span(lengths[index]))))
    }
  }
})

test('a getter among the spans that detaches an earlier one leaves an empty span', () => {
  const bytes = new Uint8Array(Buffer.from([0x0a, 1, 0x78]))
  const spans = [bytes, Buffer.alloc(5000, Buffer.from([0x0a, 1, 0x78]))]
  Object.defineProperty(spans, 1, {
    get() {
      structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
      return Buffer.from([0x0a, 1, 0x79])
    },
  })
  assert.equal(buildExportSpansRequestBytes('', '', '', '', spans).toString('hex'), '2a002a030a0179')
})

const deep = (levels) => '{"a":'.repeat(levels) + '1' + '}'.repeat(levels)

test('a batch keeps the good spans and reports the bad ones', () => {
  const good = processSpan({ name: 'good' }).spanBytes
  const batch = processSpans(
    [
      { name: 'good' },
      { kind: 9 },
      Buffer.from([7]),
      good,
      null,
      { inputJson: '{' },
      { nmae: 'x' },
      {
        get name() {
          throw new Error('boom')
        },
      },
      { inputJson: deep(40) },
      { kind: NaN },
    ],
    { observableServiceId: 'id', environment: 'env', sdkVersion: 'v', sdkInstanceId: 'i', maxMessageDepth: 100 },
  )
  assert.deepEqual(batch.requestBytes, buildExportSpansRequestBytes('id', 'env', 'v', 'i', [good, good]))
  assert.deepEqual(
    batch.errors.map(({ index, code, path, offset }) => [index, code, path, offset]),
    [
      [1, 'invalid_enum', '$.kind', null],
      [2, 'invalid_protobuf', null, 0],
      [4, 'invalid_argument', '$.span', null],
      [5, 'invalid_json', '$.input_json', 1],
      [6, 'invalid_argument', '$.span', null],
      [7, 'invalid_argument', '$.span', null],
      [8, 'depth_exceeded', null, null],
      [9, 'invalid_argument', '$.kind', null],
    ],
  )
  for (const error of batch.errors) assert.match(error.message, new RegExp(`^span ${error.index}: `))
  assert.deepEqual(batch.messageDepths, [2, null, null, 2, null, null, null, null, 121, null])
})

test('a batch of any size, of texts, buffers and encoded spans, is its spans one after the other', () => {
  const json = (place) => `{"z":${place},"a":["${'aé東😀'[place % 4].repeat(3000 + (place % 7) * 400)}"]}`
  const encoded = processSpan({ name: 'encoded', inputJson: json(1) }).spanBytes
  const kinds = {
    texts: (place) => ({ name: `span ${place}`, outputJson: json(place), inputMerges: '{}' }),
    buffers: (place) => ({ name: `span ${place}`, outputJson: Buffer.from(json(place)), inputJson: '{}' }),
    encoded: () => encoded,
    mixed: (place) => kinds[['texts', 'texts', 'buffers', 'encoded'][Math.floor(place / 9) % 4]](place),
    bad: (place) => (place % 5 === 2 ? { name: `span ${place}`, outputJson: `${json(place)},` } : kinds.mixed(place)),
  }
  // From 16 KiB on, spans are handed to other threads in portions, and from 128 KiB on there are such.
  for (const count of [1, 3, 6, 30, 50, 200]) {
    for (const [name, make] of Object.entries(kinds)) {
      const spans = Array.from({ length: count }, (_, place) => make(place))
      const batch = processSpans(spans, { environment: 'e' })
      const bad = new Set(batch.errors.map(({ index }) => index))
      assert.deepEqual([...bad], name === 'bad' ? [...spans.keys()].filter((place) => place % 5 === 2) : [])
      const good = spans.filter((_, place) => !bad.has(place)).map((span) => (Buffer.isBuffer(span) ? span : processSpan(span).spanBytes))
      const request = buildExportSpansRequestBytes('', 'e', '', '', good)
      assert.ok(batch.requestBytes.equals(request), `${count} ${name}`)
      assert.equal(batch.messageDepths.length, count)
      if (bad.size > 0) assert.equal(faultOf(() => processSpans(spans, { strict: true })).index, 2)
    }
  }
})

test('getters may throw, detach buffers and process batches while other threads work on the spans before', () => {
  const text = `{"a":"${'x'.repeat(8000)}"}`
  const span = (place) => ({ name: `span ${place}`, outputJson: text })
  const bytes = new Uint8Array(Buffer.from(text))
  const spans = Array.from({ length: 120 }, (_, place) => span(place))
  let inner
  spans[60] = { ...span(60), get name() { throw new Error('boom') } }
  spans[61] = { ...span(61), inputJson: bytes }
  spans[80] = { ...span(80), get name() {
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
    inner = processSpans(Array.from({ length: 50 }, (_, place) => span(place)))
    return 'detached'
  } }
  const batch = processSpans(spans)
  // A detached buffer is an empty text, which is no JSON.
  assert.deepEqual(batch.errors.map(({ index, code }) => [index, code]), [[60, 'invalid_argument'], [61, 'invalid_json']])
  const good = [...spans.keys()].filter((place) => place !== 60 && place !== 61)
  const named = good.map((place) => processSpan({ ...span(place), ...(place === 80 && { name: 'detached' }) }).spanBytes)
  assert.ok(batch.requestBytes.equals(buildExportSpansRequestBytes('', '', '', '', named)))
  const fifty = Array.from({ length: 50 }, (_, place) => processSpan(span(place)).spanBytes)
  assert.ok(inner.requestBytes.equals(buildExportSpansRequestBytes('', '', '', '', fifty)))
})

test('a strict batch throws its first error, with the index', () => {
  const error = faultOf(() => processSpans([{}, { kind: 9 }, null], { strict: true }))
  assert.deepEqual([error.index, error.code, error.path], [1, 'invalid_enum', '$.kind'])
  assert.deepEqual(processSpans([{}], { strict: true }).errors, [])
})

test('batch options are checked', () => {
  for (const options of [
    1,
    'x',
    { maxDepth: 1 },
    { maxMessageDepth: -1 },
    { maxMessageDepth: NaN },
    { maxMessageDepth: '1' },
    { strict: 1 },
    { environment: 1 },
  ]) {
    assert.equal(faultOf(() => processSpans([], options)).code, 'invalid_argument')
  }
  const none = processSpans([])
  assert.deepEqual(none, { requestBytes: Buffer.alloc(0), messageDepths: [], errors: [] })
  for (const options of [null, undefined, {}, { strict: null, maxMessageDepth: null, environment: null }]) {
    assert.deepEqual(processSpans([], options), none)
  }
})

test('reading back and differences', () => {
  const [left, right] = ['{"a":1}', '{"a":2}'].map((inputJson) => processSpan({ name: 'n', inputJson }).spanBytes)
  assert.deepEqual(JSON.parse(core.spanToJson(left)).inputValue, { a: 1 })
  const changed = core.diffSpans(left, right)
  assert.deepEqual(
    changed.map(({ kind, path }) => [kind, path]),
    [
      ['changed', '$.inputValue.a'],
      ['changed', '$.inputValueHash'],
    ],
  )
  assert.deepEqual(changed[0], { kind: 'changed', path: '$.inputValue.a', left: '1', right: '2' })
  const requests = [left, right].map((span) => buildExportSpansRequestBytes('', '', '', '', [span]))
  assert.deepEqual(core.diffExportRequests(...requests)[0].path, '$.spans[0].inputValue.a')
  assert.deepEqual(JSON.parse(core.exportRequestToJson(requests[0])).spans.length, 1)
  assert.equal(core.structToJson(core.objectToProtobufStructBytes('{"b":[1,null,true],"a":{}}')), '{"a":{},"b":[1,null,true]}')
  assert.deepEqual(core.diffJson('{"a":1,"b":2}', Buffer.from('{"b":2,"c":"é"}')), [
    { kind: 'removed', path: '$.a', left: '1', right: null },
    { kind: 'added', path: '$.c', left: null, right: '"é"' },
  ])
  assert.equal(faultOf(() => core.diffJson('{}', '{')).offset, 1)
  for (const name of ['spanToJson', 'exportRequestToJson', 'structToJson']) {
    assert.equal(faultOf(() => core[name](Buffer.from([7]))).code, 'invalid_protobuf')
    assert.equal(faultOf(() => core[name]('{}')).code, 'invalid_argument')
    assert.equal(faultOf(() => core[name]()).code, 'invalid_argument')
  }
})
