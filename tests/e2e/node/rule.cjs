"use strict";
// What the published Node SDK hashes, written once more: reads [{value, schema}] (JSON texts) from
// standard input and prints for each the decoded value as JavaScript writes it (as it is, and sorted) and both hashes.

const crypto = require("node:crypto");
const fs = require("node:fs");

const BASE64 = 1;
const JSON_TYPE = 1;

function decode(value, schema) {
  const decoded = { ...value };
  for (const [key, property] of Object.entries(schema.properties)) {
    if (!property.encoding || typeof value[key] !== "string") continue;
    let text = value[key];
    if (property.encoding === BASE64) text = Buffer.from(text, "base64").toString("utf8");
    if (property.decodedType === JSON_TYPE || !property.decodedType) {
      try {
        decoded[key] = JSON.parse(text);
      } catch {
        // A body that calls itself JSON and is not stays base64; one of unknown type becomes text.
        decoded[key] = property.decodedType === JSON_TYPE ? value[key] : text;
      }
    } else {
      decoded[key] = text;
    }
  }
  return decoded;
}

function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key])]),
  );
}

const hash = (text) => crypto.createHash("sha256").update(text).digest("hex");

const results = JSON.parse(fs.readFileSync(0, "utf8")).map(({ value, schema }) => {
  const shape = JSON.parse(schema);
  const decoded = decode(JSON.parse(value), shape);
  const hashed = JSON.stringify(sorted(decoded));
  return {
    decoded: JSON.stringify(decoded),
    sorted: hashed,
    valueHash: hash(hashed),
    schemaHash: hash(JSON.stringify(sorted(shape))),
  };
});
process.stdout.write(JSON.stringify(results));
