"use strict";
// Calls the Node binding: reads [[function, ...arguments]] from standard input and prints for each
// {result}, or {error} where it raises. Bytes come back as {hex}. DRIFT_NODE_BINDING is the folder of the package.

const fs = require("node:fs");

const binding = require(process.env.DRIFT_NODE_BINDING);

function plain(value) {
  if (value instanceof Uint8Array) return { hex: Buffer.from(value).toString("hex") };
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}

const results = JSON.parse(fs.readFileSync(0, "utf8")).map(([name, ...given]) => {
  try {
    return { result: plain(binding[name](...given)) };
  } catch (error) {
    return { error: String(error) };
  }
});
process.stdout.write(JSON.stringify(results));
