"use strict";
// Decodes an export request (bytes on standard input) with the official generated types of
// @use-tusk/drift-schemas and prints it as JSON; 64-bit integers are printed as numbers.

const fs = require("node:fs");

const { ExportSpansRequest } = require("@use-tusk/drift-schemas/backend/span_export_service");
const { Struct } = require("@use-tusk/drift-schemas/google/protobuf/struct");

const request = ExportSpansRequest.fromBinary(fs.readFileSync(0));
for (const span of request.spans) {
  for (const name of ["inputValue", "outputValue", "metadata"]) {
    if (span[name] !== undefined) span[name] = Struct.toJson(span[name]);
  }
}
process.stdout.write(JSON.stringify(request, (_, value) => (typeof value === "bigint" ? Number(value) : value)));
