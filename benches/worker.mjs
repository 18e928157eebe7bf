// Times calls of a Node binding on request; the twin of worker.py.
// A fresh string for every timed call: V8 flattens and keeps what it has seen.

import { readFileSync, existsSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { join } from "node:path";

const [folder, packageFolder] = process.argv.slice(2);
const binding = createRequire(import.meta.url)(packageFolder);

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  const bytes = readFileSync(join(folder, `${request.payload}.json`));
  const mergesFile = join(folder, `${request.payload}.merges.json`);
  const merges = existsSync(mergesFile) ? readFileSync(mergesFile, "utf8") : undefined;
  const call = binding[request.call];
  const make = request.bytes ? () => Buffer.from(bytes) : () => bytes.toString("utf8");
  const repeat = Math.max(1, Math.floor(200_000 / bytes.length));
  const rounds = [];
  for (let round = 0; round < request.rounds; round++) {
    const prepared = Array.from({ length: repeat }, make);
    const start = process.hrtime.bigint();
    for (const payload of prepared) {
      if (request.call === "processExportPayload") call(payload, merges);
      else call(payload);
    }
    rounds.push(Number(process.hrtime.bigint() - start) / repeat);
  }
  process.stdout.write(`${JSON.stringify(rounds)}\n`);
}
