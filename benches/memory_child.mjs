// The peak of memory of one `processExportPayload`, in a process of its own;
// the twin of memory_child.py.
//
//     node --expose-gc benches/memory_child.mjs FILE text|bytes PACKAGE
//
// A string's size is what V8 takes for it: one byte a unit while all are
// Latin-1, else two.

import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const [file, way, packageFolder] = process.argv.slice(2);
const binding = createRequire(import.meta.url)(packageFolder);

const status = (field) =>
  1024 * Number(new RegExp(`^${field}:\\s*(\\d+) kB$`, "m").exec(readFileSync("/proc/self/status", "utf8"))[1]);
// Without a regular expression, which would flatten and search 100 MB.
const isLatin1 = (text) => {
  for (let place = 0; place < text.length; place++) if (text.charCodeAt(place) > 0xff) return false;
  return true;
};
const size = (value) => (typeof value === "string" ? value.length * (isLatin1(value) ? 1 : 2) : value.length);

binding.processExportPayload('{"a":[1]}');
const payload = readFileSync(file, way === "bytes" ? undefined : "utf8");
const argument = size(payload);
for (let turn = 0; turn < 3; turn++) globalThis.gc();
// Buffers are freed by a task after the collection.
await new Promise((resolve) => setImmediate(resolve));
const before = status("VmRSS");
writeFileSync("/proc/self/clear_refs", "5");
const result = binding.processExportPayload(payload);
const peak = status("VmHWM") - before;

const { normalizedJson, decodedJson, ...rest } = result;
const outputs = [normalizedJson, ...Object.values(rest)].reduce((sum, value) => sum + size(value), 0);
// Equal texts may be one string; nothing tells from here, so they count once.
const decoded = decodedJson === normalizedJson ? 0 : size(decodedJson);
process.stdout.write(`${JSON.stringify({ argument, outputs: outputs + decoded, peak })}\n`);
