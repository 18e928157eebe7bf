'use strict'
// One side of the comparison in Node: `node worker.cjs PACKAGE_DIRECTORY`. Every line
// of standard input is a list of calls, every line of standard output the list of
// their answers; spec.py says how values look on the way.

const fs = require('node:fs')
const path = require('node:path')
const readline = require('node:readline')

const directory = path.resolve(process.argv[2])
const core = require(directory)

class Inherited {}

const OBJECTS = {
  String: (v) => new String(v),
  Number: (v) => new Number(v),
  BigInt: () => 1n,
  Symbol: () => Symbol('x'),
  Date: () => new Date(0),
  Set: (v) => new Set(v),
  arrayLike: () => ({ length: 0 }),
  function: () => () => 1,
  // The members of v, none of them its own.
  inherited: (v) => Object.assign(Object.create(v), {}),
  classInstance: (v) => Object.assign(new Inherited(), v),
  getterThrows: (v) =>
    Object.defineProperty({ ...v }, 'name', {
      get() {
        throw new RangeError('boom')
      },
    }),
  proxyThrows: (v) =>
    new Proxy(v, {
      get(target, key) {
        if (key === 'name') throw new RangeError('boom')
        return target[key]
      },
    }),
  sparse: (v) => {
    const array = []
    array[1] = v
    return array
  },
}

function buffer(kind, data) {
  const bytes = data.buffer.slice(data.byteOffset, data.byteOffset + data.length)
  switch (kind) {
    case 'Uint8Array':
      return new Uint8Array(bytes)
    case 'ArrayBuffer':
      return bytes
    case 'DataView':
      return new DataView(bytes)
    case 'Shared': {
      const shared = new Uint8Array(new SharedArrayBuffer(data.length))
      shared.set(data)
      return shared
    }
    case 'Subarray':
      return Buffer.concat([Buffer.from('xx'), data, Buffer.from('yy')]).subarray(2, 2 + data.length)
    default:
      return new globalThis[kind](bytes)
  }
}

function value(spec) {
  if (spec === null || typeof spec === 'boolean' || typeof spec === 'string') return spec
  const tag = Object.keys(spec)[0]
  const what = spec[tag]
  switch (tag) {
    case 's':
      return what.map((c) => String.fromCodePoint(c)).join('')
    case 'n':
      return Number(what)
    case 'i':
      return what.startsWith('-') ? -Number('0x' + what.slice(1)) : Number('0x' + what)
    case 'b':
      return Buffer.from(what, 'hex')
    case 'buf':
      return buffer(what[0], Buffer.from(what[1], 'hex'))
    case 'u':
      return undefined
    case 'l':
      return what.map(value)
    case 'd':
      return Object.fromEntries(what.map(([k, v]) => [value(k), value(v)]))
    case 'o':
      return OBJECTS[what[0]](what.length > 1 ? value(what[1]) : undefined)
    default:
      throw new Error('unknown specification ' + tag)
  }
}

function text(string) {
  const points = Array.from(string, (c) => c.codePointAt(0))
  return points.some((p) => p >= 0xd800 && p <= 0xdfff) ? { s: points } : string
}

function spec(result) {
  if (result === null || typeof result === 'boolean') return result
  if (result === undefined) return { u: 1 }
  if (typeof result === 'string') return text(result)
  if (typeof result === 'number') return { n: Object.is(result, -0) ? '-0' : String(result) }
  if (Buffer.isBuffer(result)) return { b: result.toString('hex') }
  if (Array.isArray(result)) return { l: result.map(spec) }
  if (Object.getPrototypeOf(result) === Object.prototype) {
    return { d: Object.keys(result).map((k) => [k, spec(result[k])]) }
  }
  return { type: result.constructor ? result.constructor.name : typeof result }
}

function classes(error) {
  const names = []
  for (let p = Object.getPrototypeOf(error); p; p = Object.getPrototypeOf(p)) names.push(p.constructor.name)
  return names
}

function answer([name, args]) {
  const values = args.map(value)
  try {
    return { ok: spec(core[name](...values)) }
  } catch (error) {
    const message = JSON.stringify(String(error && error.message)).slice(1, 200)
    const mro = error instanceof Error ? classes(error) : ['not an Error']
    return { error: { class: mro[0], mro, code: error && error.code === undefined ? null : error.code, message } }
  }
}

function signatures() {
  const found = { functions: Object.keys(core).filter((k) => typeof core[k] === 'function') }
  const types = JSON.parse(fs.readFileSync(path.join(directory, 'package.json'), 'utf8')).types
  found.declarations = fs.readFileSync(path.join(directory, types || 'index.d.ts'), 'utf8')
  return found
}

const input = readline.createInterface({ input: process.stdin, crlfDelay: Infinity })
input.on('line', (line) => {
  const calls = JSON.parse(line)
  const reply = calls === 'signatures' ? signatures() : calls.map(answer)
  process.stdout.write(JSON.stringify(reply) + '\n')
})
