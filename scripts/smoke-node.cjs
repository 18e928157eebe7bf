// A quick proof that an installed @use-tusk/drift-core-node works: the eight published functions, from
// `require` and from `import`, and their errors. Needs nothing but Node and the package. Every expected
// value is a literal: the hashes are sha256sum of the canonical text, the bytes were read field by field.
//
//   node smoke-node.cjs [EXPECTED_VERSION]        from a folder where the package is installed
'use strict'

const assert = require('node:assert/strict')

const NAME = '@use-tusk/drift-core-node'
const TEXT = '{"b":[1.50,"é"],"a":{"n":null,"t":true}}'
const NORMALIZED = '{"a":{"n":null,"t":true},"b":[1.5,"é"]}'
const HASH = '3cb5d0d2c48278b0a92893891db79f812602dd5d86c2a158cce8ee58f2951bc8'
const STRUCT =
  '0a190a016112142a120a070a016e120208000a070a01741202200' +
  '10a180a0162121332110a0911000000000000f83f0a041a02c3a9'
const PAYLOAD = '{"body":"eyJrIjoxfQ==","id":7}'
const MERGES = '{"body":{"encoding":1,"decoded_type":1,"match_importance":0.5}}'
const PROCESSED = {
  normalizedJson: PAYLOAD,
  decodedJson: '{"body":{"k":1},"id":7}',
  decodedValueHash: 'e7eacec1b0d69f347a597bfbe4e53b71eda84ed4ad53958fb3f0c1c3cc16cf4b',
  decodedSchemaJson:
    '{"properties":{"body":{"decoded_type":1,"encoding":1,"match_importance":0.5,' +
    '"properties":{"k":{"properties":{},"type":1}},"type":6},"id":{"properties":{},"type":1}},"type":6}',
  decodedSchemaHash: '99ea5a9fd3d1abfe28553733987d75768607c22f8e5ab7aa064155f327aa691e',
  protobufStructBytes: Buffer.from(
    '0a160a04626f6479120e1a0c65794a72496a6f7866513d3d0a0f0a0269641209110000000000001c40',
    'hex',
  ),
}
const SPAN = {
  traceId: 't1',
  spanId: 's1',
  parentSpanId: '',
  name: 'GET /',
  packageName: 'http',
  instrumentationName: 'flask',
  submoduleName: '',
  packageType: 1,
  kind: 1,
  inputSchemaJson: '{"type":6,"properties":{}}',
  outputSchemaJson: '{"type":6,"properties":{}}',
  inputSchemaHash: 'ih',
  outputSchemaHash: 'oh',
  inputValueHash: 'iv',
  outputValueHash: 'ov',
  statusCode: 0,
  statusMessage: '',
  isPreAppStart: false,
  isRootSpan: true,
  timestampSeconds: 1700000000,
  timestampNanos: 5,
  durationSeconds: 1,
  durationNanos: 2,
  inputValueJson: '{"a":1}',
  outputValueJson: '{}',
}
const SPAN_BYTES =
  '0a027431120273312205474554202f2a04687474703205666c61736b40014a100a0e0a0161120911000000000000f03f' +
  '52005a020806620208066a02696872026f687a0269768201026f76880101920100a201080880e2cfaa061005aa0104080110' +
  '02b00101ba0100'
const EXPORT_BYTES = '0a037376631204746573741a05302e322e302204696e73742a69' + SPAN_BYTES

function raises(code, offset, call) {
  assert.throws(call, (error) => {
    assert.ok(error instanceof Error)
    assert.equal(error.code, code)
    assert.equal(error.offset ?? null, offset)
    return true
  })
}

function check(how, core) {
  assert.equal(core.normalizeJson(TEXT), NORMALIZED)
  assert.equal(core.deterministicHash(TEXT), HASH)
  assert.equal(core.deterministicHash(Buffer.from(TEXT)), HASH)
  assert.deepEqual(core.normalizeAndHash(TEXT), { normalizedJson: NORMALIZED, deterministicHash: HASH })
  assert.deepEqual(core.objectToProtobufStructBytes(TEXT), Buffer.from(STRUCT, 'hex'))
  assert.equal(core.objectToProtobufStructFieldCount(TEXT), 2)
  assert.deepEqual({ ...core.processExportPayload(PAYLOAD, MERGES) }, PROCESSED)
  const span = core.buildSpanProtoBytes(SPAN)
  assert.equal(span.toString('hex'), SPAN_BYTES)
  const request = core.buildExportSpansRequestBytes('svc', 'test', '0.2.0', 'inst', [span])
  assert.equal(request.toString('hex'), EXPORT_BYTES)

  raises('invalid_json', 3, () => core.normalizeJson('[1,]'))
  raises('number_out_of_range', 0, () => core.normalizeJson('1e400'))
  raises('depth_exceeded', 127, () => core.normalizeJson('['.repeat(128) + ']'.repeat(128)))
  raises('invalid_enum', null, () => core.buildSpanProtoBytes({ ...SPAN, kind: 6 }))
  raises('invalid_merges', null, () => core.processExportPayload('{}', '{"b":null}'))
  console.log(`  ok  ${how}`)
}

async function main() {
  const { version } = require(`${NAME}/package.json`)
  console.log(`${NAME} ${version} on Node ${process.version}, ${process.platform} ${process.arch}`)
  if (process.argv[2] !== undefined) assert.equal(version, process.argv[2])
  check('require', require(NAME))
  const imported = await import(NAME)
  check('import, named', imported)
  check('import, default', imported.default)
  console.log('smoke test passed')
}

main().catch((error) => {
  console.error(error)
  process.exitCode = 1
})
