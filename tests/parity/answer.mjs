// Answers fixtures line by line through every Node entry point.
//
// One JSON object with `call` and `args` in; out comes an object with one
// answer an entry point, which must all be equal. The twin of answer.py:
//   node answer.mjs PACKAGE_FOLDER

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const core = createRequire(import.meta.url)(process.argv[2]);

const FIELDS = [
  "trace_id", "span_id", "parent_span_id", "name", "package_name", "instrumentation_name", "submodule_name",
  "package_type", "environment", "kind", "status_code", "status_message", "is_pre_app_start", "is_root_span",
  "timestamp_seconds", "timestamp_nanos", "duration_seconds", "duration_nanos",
];
const HASHES = ["input_schema_hash", "output_schema_hash", "input_value_hash", "output_value_hash"];
const INTEGERS = new Set([
  "package_type", "kind", "status_code", "timestamp_seconds", "timestamp_nanos", "duration_seconds", "duration_nanos",
]);

const camel = (name) => name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
const hex = (bytes) => Buffer.from(bytes).toString("hex");
const unhex = (text) => Buffer.from(text, "hex");

function refusal(error) {
  if (typeof error.code !== "string" || !(error instanceof Error)) throw error;
  const answer = { error: error.code, offset: error.offset, path: error.path, index: error.index };
  return Object.fromEntries(Object.entries(answer).filter(([, value]) => value !== undefined && value !== null));
}

function attempt(call) {
  try {
    return call();
  } catch (error) {
    return refusal(error);
  }
}

async function attemptAsync(call) {
  try {
    return await call();
  } catch (error) {
    return refusal(error);
  }
}

function argument(args, name) {
  if (`${name}_hex` in args) return unhex(args[`${name}_hex`]);
  return typeof args[name] === "string" ? Buffer.from(args[name]) : undefined;
}

// One text in every form in which it can be passed.
function forms(bytes) {
  if (bytes === undefined) return {};
  const all = { buffer: bytes, uint8array: new Uint8Array(bytes) };
  const text = bytes.toString("utf8");
  if (Buffer.from(text).equals(bytes)) all.string = text;
  return all;
}

function normalize(args) {
  const options = { profile: args.profile ?? "drift" };
  const one = (text) => {
    const { normalizedJson, deterministicHash } = core.normalizeAndHash(text, options);
    if (core.normalizeJson(text, options) !== normalizedJson) throw new Error("normalizeJson differs");
    if (core.deterministicHash(text, options) !== deterministicHash) throw new Error("deterministicHash differs");
    const blake3 = core.deterministicHash(text, { ...options, algorithm: "blake3" });
    return { normalized: normalizedJson, sha256: deterministicHash, blake3 };
  };
  return Object.fromEntries(
    Object.entries(forms(argument(args, "input"))).map(([name, text]) => [name, attempt(() => one(text))]),
  );
}

async function payload(args) {
  const data = argument(args, "input");
  const merges = argument(args, "merges");
  const mergesForms = forms(merges);
  const shown = (result, text) => ({
    normalized: result.normalizedJson,
    decoded: result.decodedJson,
    value_hash: result.decodedValueHash,
    schema: result.decodedSchemaJson,
    schema_hash: result.decodedSchemaHash,
    struct_hex: hex(result.protobufStructBytes),
    field_count: core.objectToProtobufStructFieldCount(text),
  });
  const answers = {};
  for (const [name, text] of Object.entries(forms(data))) {
    const mergesText = mergesForms[name] ?? merges;
    answers[name] = attempt(() => {
      const answer = shown(core.processExportPayload(text, mergesText), text);
      if (hex(core.objectToProtobufStructBytes(text)) !== answer.struct_hex) throw new Error("Struct bytes differ");
      return answer;
    });
    answers[`${name} async`] = await attemptAsync(async () =>
      shown(await core.processExportPayloadAsync(text, mergesText), text),
    );
  }
  return answers;
}

// A number as JavaScript has it; 64-bit seconds that no double holds are BigInt.
function integer(text) {
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : BigInt(text);
}

function fieldsOf(args) {
  const fields = {};
  for (const name of FIELDS) {
    if (args[name] === undefined || args[name] === null) continue;
    fields[camel(name)] = INTEGERS.has(name) ? integer(args[name]) : args[name];
  }
  return fields;
}

function span(args) {
  const defaults = Object.fromEntries(
    FIELDS.filter((name) => name !== "environment").map((name) => [
      camel(name),
      INTEGERS.has(name) ? 0 : name.startsWith("is_") ? false : "",
    ]),
  );
  const one = (pick) => {
    const input = { ...defaults, ...fieldsOf(args) };
    for (const name of HASHES) input[camel(name)] = args[name] ?? "";
    for (const name of ["input_schema", "output_schema"]) {
      const text = argument(args, name);
      input[`${camel(name)}Json`] = text === undefined ? pick(Buffer.from("{}")) : pick(text);
    }
    for (const name of ["metadata", "input_value", "output_value"]) {
      const text = argument(args, name);
      if (text !== undefined) input[`${camel(name)}Json`] = pick(text);
    }
    for (const name of ["input_value_proto_struct", "output_value_proto_struct"]) {
      const bytes = argument(args, name);
      if (bytes !== undefined) input[`${camel(name)}Bytes`] = bytes;
    }
    return { span_hex: hex(core.buildSpanProtoBytes(input)) };
  };
  // A path names the member as this language calls it: inputSchemaJson is input_schema in Python.
  const renamed = (answer) => (answer.path ? { ...answer, path: answer.path.replace(/_json\b/, "") } : answer);
  const answers = { buffer: renamed(attempt(() => one((bytes) => bytes))) };
  const texts = ["input_schema", "output_schema", "metadata", "input_value", "output_value"];
  if (texts.every((name) => !(`${name}_hex` in args))) {
    answers.string = renamed(attempt(() => one((bytes) => bytes.toString("utf8"))));
  }
  return answers;
}

function exportRequest(args) {
  const header = ["observable_service_id", "environment", "sdk_version", "sdk_instance_id"].map(
    (name) => args[name] ?? "",
  );
  const one = (pick) => ({
    request_hex: hex(core.buildExportSpansRequestBytes(...header, args.spans_hex.map((text) => pick(unhex(text))))),
  });
  return {
    buffer: attempt(() => one((bytes) => bytes)),
    uint8array: attempt(() => one((bytes) => new Uint8Array(bytes))),
  };
}

const read = (call) => (args) => ({
  buffer: attempt(() => ({ json: call(unhex(args.hex)) })),
  uint8array: attempt(() => ({ json: call(new Uint8Array(unhex(args.hex))) })),
});

const difference = (call, fromText) => (args) => {
  const shown = (list) => ({
    differences: list.map(({ kind, path, left, right }) => ({ kind, path, left: left ?? null, right: right ?? null })),
  });
  const [left, right] = [argument(args, "left"), argument(args, "right")];
  const answers = { buffer: attempt(() => shown(call(left, right))) };
  if (fromText && "string" in forms(left) && "string" in forms(right)) {
    answers.string = attempt(() => shown(call(left.toString("utf8"), right.toString("utf8"))));
  }
  return answers;
};

function spanInput(args) {
  const input = fieldsOf(args);
  for (const name of ["input_json", "output_json", "metadata_json", "input_merges", "output_merges"]) {
    const text = argument(args, name);
    if (text === undefined) continue;
    input[camel(name)] = `${name}_hex` in args ? text : text.toString("utf8");
  }
  return input;
}

async function processSpan(args) {
  const input = spanInput(args.span ?? args);
  const shown = (result) => {
    const answer = { span_hex: hex(result.spanBytes), message_depth: result.messageDepth };
    for (const name of [...HASHES, "input_schema_json", "output_schema_json", "input_normalized_json",
      "output_normalized_json"]) {
      answer[name] = result[camel(name)];
    }
    return answer;
  };
  return {
    object: attempt(() => shown(core.processSpan(input))),
    "object async": await attemptAsync(async () => shown(await core.processSpanAsync(input))),
  };
}

async function processSpans(args) {
  const list = args.spans.map((each) => ("encoded_hex" in each ? unhex(each.encoded_hex) : spanInput(each)));
  const options = {};
  for (const name of ["observable_service_id", "environment", "sdk_version", "sdk_instance_id", "max_message_depth", "strict"]) {
    if (args[name] !== undefined && args[name] !== null) options[camel(name)] = args[name];
  }
  const shown = (batch) => ({
    request_hex: hex(batch.requestBytes),
    message_depths: batch.messageDepths.map((depth) => depth ?? null),
    errors: batch.errors.map(refusalOfObject),
  });
  return {
    array: attempt(() => shown(core.processSpans(list, options))),
    "array async": await attemptAsync(async () => shown(await core.processSpansAsync(list, options))),
  };
}

function refusalOfObject({ code, offset, path, index }) {
  return Object.fromEntries(
    Object.entries({ error: code, offset, path, index }).filter(([, value]) => value !== undefined && value !== null),
  );
}

const CALLS = {
  normalize,
  payload,
  span,
  export: exportRequest,
  read_span: read(core.spanToJson),
  read_export: read(core.exportRequestToJson),
  read_struct: read(core.structToJson),
  diff_json: difference(core.diffJson, true),
  diff_spans: difference(core.diffSpans, false),
  diff_export_requests: difference(core.diffExportRequests, false),
  process_span: processSpan,
  process_spans: processSpans,
};

for await (const line of createInterface({ input: process.stdin })) {
  const { call, args } = JSON.parse(line);
  process.stdout.write(`${JSON.stringify(await CALLS[call](args))}\n`);
}
