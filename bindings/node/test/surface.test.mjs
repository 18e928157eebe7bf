// What the package exports, to `require` and to `import`, and what its
// declarations say.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import * as imported from '@use-tusk/drift-core-node'
import { normalizeJson, processExportPayload, processSpans } from '@use-tusk/drift-core-node'

const folder = new URL('../', import.meta.url)
const required = createRequire(import.meta.url)('@use-tusk/drift-core-node')
const declarations = readFileSync(new URL('index.d.ts', folder), 'utf8')

const PUBLISHED = [
  'normalizeJson',
  'deterministicHash',
  'normalizeAndHash',
  'objectToProtobufStructBytes',
  'objectToProtobufStructFieldCount',
  'processExportPayload',
  'buildSpanProtoBytes',
  'buildExportSpansRequestBytes',
]
const NEW = [
  'processSpan',
  'processSpans',
  'spanToJson',
  'exportRequestToJson',
  'structToJson',
  'diffJson',
  'diffSpans',
  'diffExportRequests',
  'processExportPayloadAsync',
  'buildSpanProtoBytesAsync',
  'buildExportSpansRequestBytesAsync',
  'processSpanAsync',
  'processSpansAsync',
]

const functionsOf = (module) =>
  Object.keys(module)
    .filter((name) => typeof module[name] === 'function')
    .sort()

test('require gives the published functions and the new ones, and no more', () => {
  assert.deepEqual(functionsOf(required), [...PUBLISHED, ...NEW].sort())
})

test('import gives the same functions by name', () => {
  assert.equal(normalizeJson, required.normalizeJson)
  assert.equal(processExportPayload, required.processExportPayload)
  assert.equal(processSpans, required.processSpans)
  for (const name of [...PUBLISHED, ...NEW]) assert.equal(imported[name], required[name], name)
  assert.equal(imported.default, required)
})

test('index.js can be required by its file name, as of the published package', () => {
  assert.equal(createRequire(import.meta.url)('@use-tusk/drift-core-node/index.js'), required)
})

test('every declared function is exported and every exported one declared', () => {
  const declared = [...declarations.matchAll(/^export declare function (\w+)\(/gm)].map(([, name]) => name)
  assert.deepEqual(declared.sort(), functionsOf(required))
})

test('every async function has a synchronous one with the same arguments', () => {
  const signature = new Map(
    [...declarations.matchAll(/^export declare function (\w+)\((.*)\): (.*)$/gm)].map(([, name, args, result]) => [
      name,
      { args, result },
    ]),
  )
  const asynchronous = [...signature.keys()].filter((name) => name.endsWith('Async'))
  assert.equal(asynchronous.length, 5)
  for (const name of asynchronous) {
    const twin = signature.get(name.slice(0, -'Async'.length))
    assert.deepEqual(signature.get(name), { args: twin.args, result: `Promise<${twin.result}>` })
  }
})

test('the error codes of the declarations are those of the contract', () => {
  const type = declarations.slice(declarations.indexOf('export type ErrorCode'))
  const codes = [...type.slice(0, type.indexOf('/**')).matchAll(/'(\w+)'/g)].map(([, code]) => code)
  assert.deepEqual(codes, [
    'invalid_json',
    'invalid_utf8',
    'depth_exceeded',
    'number_out_of_range',
    'duplicate_key',
    'lone_surrogate',
    'unsupported_type',
    'invalid_key',
    'cycle',
    'invalid_merges',
    'invalid_enum',
    'invalid_argument',
    'invalid_protobuf',
    'internal',
  ])
})

test('a strict type checker takes a program that uses every function', () => {
  const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc')
  execFileSync(process.execPath, [compiler, '-p', fileURLToPath(new URL('test/types', folder))], { stdio: 'inherit' })
  const program = readFileSync(new URL('test/types/usage.ts', folder), 'utf8')
  for (const name of [...PUBLISHED, ...NEW]) assert.match(program, new RegExp(`core\\.${name}\\(`), name)
})

test('results are the same where there is no Buffer to make them with', () => {
  for (const change of ['delete globalThis.Buffer', 'Buffer.allocUnsafe = () => ({})', 'globalThis.Buffer = () => { throw 1 }']) {
    const program = `
      const from = Buffer.from
      ${change}
      const core = require(${JSON.stringify(fileURLToPath(folder))})
      const text = from('{"b":1,"a":"é"}')
      const span = core.processSpan({ inputJson: text })
      console.log(JSON.stringify([core.processExportPayload(text), span, core.normalizeAndHash(text)]))`
    const text = Buffer.from('{"b":1,"a":"é"}')
    const expected = [required.processExportPayload(text), required.processSpan({ inputJson: text }), required.normalizeAndHash(text)]
    const output = execFileSync(process.execPath, ['-e', program], { encoding: 'utf8' })
    assert.deepEqual(JSON.parse(output), JSON.parse(JSON.stringify(expected)))
  }
})

test('the versions of package, lock file and workspace are one', () => {
  const own = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8')).version
  const lock = JSON.parse(readFileSync(new URL('package-lock.json', folder), 'utf8'))
  const workspace = readFileSync(new URL('../../Cargo.toml', folder), 'utf8')
  assert.equal(lock.version, own)
  assert.equal(lock.packages[''].version, own)
  assert.equal(/\[workspace\.package\]\nversion = "(.*)"/.exec(workspace)[1], own)
})
