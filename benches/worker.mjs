// Times calls of a Node binding on request; the twin of worker.py.
// A fresh string for every timed call: V8 flattens and keeps what it has seen.
// What earlier rounds left is collected before a round starts, what the round
// itself leaves inside it, when V8 likes.

import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";

const [folder, packageFolder] = process.argv.slice(2);
const binding = createRequire(import.meta.url)(packageFolder);
const BATCH = 512;
const FIELDS = {
  traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
  spanId: "00f067aa0ba902b7",
  parentSpanId: "",
  name: "GET /api/v1/orders",
  packageName: "http",
  instrumentationName: "fetch",
  submoduleName: "GET",
  packageType: 1,
  environment: "production",
  kind: 2,
  statusCode: 1,
  statusMessage: "",
  isPreAppStart: false,
  isRootSpan: true,
  timestampSeconds: 1790000000,
  timestampNanos: 123456789,
  durationSeconds: 0,
  durationNanos: 5000000,
};
const HEADER = ["service", "production", "0.2.0", "instance"];

class Corpus {
  constructor(name) {
    this.documents = [];
    for (;;) {
      const file = join(folder, `${name}.${this.documents.length}.json`);
      if (!existsSync(file)) break;
      this.documents.push(readFileSync(file));
    }
    const merges = join(folder, `${name}.merges.json`);
    this.merges = existsSync(merges) ? readFileSync(merges, "utf8") : undefined;
    this.next = 0;
  }

  take(count) {
    return Array.from({ length: count }, () => this.documents[this.next++ % this.documents.length]);
  }
}

const corpora = new Map();

function corpus(name) {
  if (!corpora.has(name)) {
    for (const old of corpora.keys()) if (!old.startsWith("request-")) corpora.delete(old);
    corpora.set(name, new Corpus(name));
  }
  return corpora.get(name);
}

/** Nanoseconds a call; the first argument warms up, since another process ran meanwhile. */
function timed(call, prepared) {
  globalThis.gc();
  call(prepared[0]);
  const start = process.hrtime.bigint();
  for (let place = 1; place < prepared.length; place++) call(prepared[place]);
  return Number(process.hrtime.bigint() - start) / (prepared.length - 1);
}

const text = (bytes) => bytes.toString("utf8");
/** Memory of its own: `Buffer.from` of small ones shares a pool. */
const copy = (bytes) => Buffer.from(Uint8Array.prototype.slice.call(bytes).buffer);

function plainCall({ call, way, payload, calls }) {
  const documents = corpus(payload);
  const prepared = documents.take(calls + 1).map(way === "bytes" ? copy : text);
  const run = binding[call];
  const { merges } = documents;
  return call === "processExportPayload" ? timed((each) => run(each, merges), prepared) : timed((each) => run(each), prepared);
}

function publishedSpan([requestJson, responseJson]) {
  const request = binding.processExportPayload(requestJson);
  const response = binding.processExportPayload(responseJson);
  return binding.buildSpanProtoBytes({
    ...FIELDS,
    inputSchemaJson: request.decodedSchemaJson,
    outputSchemaJson: response.decodedSchemaJson,
    inputSchemaHash: request.decodedSchemaHash,
    outputSchemaHash: response.decodedSchemaHash,
    inputValueHash: request.decodedValueHash,
    outputValueHash: response.decodedValueHash,
    inputValueProtoStructBytes: request.protobufStructBytes,
    outputValueProtoStructBytes: response.protobufStructBytes,
  });
}

function wholeSpan({ payload, calls }) {
  const requests = corpus(`request-341B-${payload.split("-").at(-1)}`).take(calls + 1).map(text);
  const responses = corpus(payload).take(calls + 1).map(text);
  const pairs = requests.map((request, place) => [request, responses[place]]);
  if (binding.processSpan === undefined) return timed(publishedSpan, pairs);
  return timed(
    (span) => binding.processSpan(span),
    pairs.map(([inputJson, outputJson]) => ({ ...FIELDS, inputJson, outputJson })),
  );
}

function batch({ payload, calls }) {
  const spans = () =>
    corpus(payload)
      .take(BATCH)
      .map((bytes) => ({ ...FIELDS, outputJson: text(bytes) }));
  return timed((each) => binding.processSpans(each), Array.from({ length: calls + 1 }, spans));
}

/** The spans that `run.py` wrote, each in memory of its own. */
function encodedSpans() {
  const lengths = JSON.parse(readFileSync(join(folder, "spans.json"), "utf8"));
  const all = readFileSync(join(folder, "spans.bin"));
  let start = 0;
  return lengths.map((length) => copy(all.subarray(start, (start += length))));
}

function exportRequest(part, { calls }) {
  const lists = Array(calls + 1).fill(encodedSpans());
  if (part === "join") return timed((spans) => Buffer.concat(spans), lists);
  return timed((spans) => binding.buildExportSpansRequestBytes(...HEADER, spans), lists);
}

const isAscii = (texts) => texts.every((each) => Buffer.byteLength(each) === each.length);
const encodings = (texts) => (isAscii(texts) ? ["latin1", "utf16le", "utf8"] : ["utf16le", "utf8"]);

function waysToRead(texts) {
  const target = Buffer.alloc(4 * Math.max(...texts.map((each) => each.length)));
  const ways = encodings(texts).map((encoding) => [
    encoding,
    timed(
      (each) => target.write(each, encoding),
      texts.map((each) => text(Buffer.from(each))),
    ),
  ]);
  return Object.fromEntries(ways);
}

function waysToMake(texts) {
  const ways = encodings(texts).map((encoding) => [
    encoding,
    timed(
      (bytes) => bytes.toString(encoding),
      texts.map((each) => Buffer.from(each, encoding)),
    ),
  ]);
  return Object.fromEntries(ways);
}

function results({ call, payload }, texts) {
  const { merges } = corpus(payload);
  if (call === "deterministicHash") return texts.map((each) => [binding.deterministicHash(each)]);
  if (call === "normalizeAndHash") return texts.map((each) => Object.values(binding.normalizeAndHash(each)));
  return texts.map((each) => {
    const { decodedJson, ...result } = binding.processExportPayload(each, merges);
    // Without merges both texts are equal: one string.
    return [...Object.values(result), ...(merges === undefined ? [] : [decodedJson])];
  });
}

function host(request) {
  const texts = corpus(request.payload)
    .take(request.calls + 1)
    .map(text);
  const ways = request.way === "bytes" ? {} : { argument: waysToRead(texts) };
  const made = results(request, texts);
  made[0].forEach((output, place) => {
    const column = made.map((outputs) => outputs[place]);
    ways[`output ${place}`] =
      typeof output === "string" ? waysToMake(column) : { copy: timed((bytes) => Buffer.from(bytes), column) };
  });
  return ways;
}

function answer(part, request) {
  if (part === "host") return host(request);
  if (request.call === "exportRequest") return exportRequest(part, request);
  if (request.call === "processSpan") return wholeSpan(request);
  if (request.call === "processSpans") return batch(request);
  return plainCall(request);
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  const answers = request.parts.map((part) => [part, answer(part, request)]);
  process.stdout.write(`${JSON.stringify(Object.fromEntries(answers))}\n`);
}
