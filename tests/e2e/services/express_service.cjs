"use strict";
// The Express service under recording: the published Node SDK, unchanged, as its manual says.
//
// It shares its routes and settings with flask_service.py, except for the header `X-Via: fetch`,
// which makes it call the upstream with fetch instead of node:http.

// The SDK has to come first: it does not record what was loaded before it.
const { TuskDrift } = require("@use-tusk/drift-node-sdk");

TuskDrift.initialize({ env: "development", apiKey: process.env.E2E_API_KEY });

const express = require("express");
const fs = require("node:fs");
const http = require("node:http");
const zlib = require("node:zlib");

const UPSTREAM = process.env.E2E_UPSTREAM;
const CLOSED = process.env.E2E_CLOSED;
const FORWARDED = ["content-type", "x-case", "x-many"];

function viaHttp(method, url, headers = {}, body = undefined) {
  return new Promise((resolve, reject) => {
    const sent = body === undefined ? headers : { ...headers, "content-length": body.length };
    const call = http.request(url, { method, headers: sent }, (answer) => {
      const chunks = [];
      answer.on("data", (chunk) => chunks.push(chunk));
      answer.on("error", reject);
      answer.on("end", () => {
        const raw = Buffer.concat(chunks);
        const zipped = answer.headers["content-encoding"] === "gzip";
        const type = answer.headers["content-type"] ?? "text/plain";
        resolve({ status: answer.statusCode, type, body: zipped ? zlib.gunzipSync(raw) : raw });
      });
    });
    call.on("error", reject);
    call.end(body);
  });
}

async function viaFetch(method, url, headers = {}, body = undefined) {
  const answer = await fetch(url, { method, headers, body });
  const type = answer.headers.get("content-type") ?? "text/plain";
  return { status: answer.status, type, body: Buffer.from(await answer.arrayBuffer()) };
}

async function getJson(url) {
  return JSON.parse((await viaHttp("GET", url)).body.toString("utf8"));
}

const app = express();
app.use(express.raw({ type: () => true, limit: "2mb" }));

app.all("/relay/*name", async (request, response) => {
  const query = request.originalUrl.includes("?") ? request.originalUrl.slice(request.originalUrl.indexOf("?")) : "";
  const url = `${UPSTREAM}/${request.params.name.join("/")}${query}`;
  const headers = {};
  for (const key of FORWARDED) {
    if (request.headers[key] !== undefined) headers[key] = request.headers[key];
  }
  const body = Buffer.isBuffer(request.body) && request.body.length > 0 ? request.body : undefined;
  const call = request.headers["x-via"] === "fetch" ? viaFetch : viaHttp;
  const answer = await call(request.method, url, headers, body);
  response.status(200).setHeader("content-type", answer.type);
  response.end(answer.body);
});

app.get("/customers/:number", async (request, response) => {
  const found = await getJson(`${UPSTREAM}/customers/${request.params.number}`);
  const orders = await getJson(`${UPSTREAM}/orders?customer=${request.params.number}&open=true`);
  response.json({ customer: found, orders, total: orders.reduce((sum, order) => sum + order.price, 0) });
});

app.post("/orders", async (request, response) => {
  const wanted = JSON.parse(request.body.toString("utf8"));
  const body = Buffer.from(JSON.stringify({ amount: wanted.amount, note: wanted.note ?? null }));
  const answer = await viaFetch("POST", `${UPSTREAM}/payments`, { "content-type": "application/json" }, body);
  response.json({ accepted: true, payment: JSON.parse(answer.body.toString("utf8")), lines: wanted.lines });
});

app.get("/resilient", async (request, response) => {
  const reached = await viaHttp("GET", `${CLOSED}/nobody`).then(
    () => true,
    () => false,
  );
  const broken = await viaHttp("GET", `${UPSTREAM}/broken`);
  response.json({ reached, broken: broken.status });
});

app.get("/page", (request, response) => {
  response.type("html").send("<p>not recorded</p>");
});

async function main() {
  // A call made before the service is ready lands in a trace of its own.
  await viaHttp("GET", `${UPSTREAM}/boot`);
  const server = app.listen(Number(process.env.PORT ?? 0), "127.0.0.1", () => {
    TuskDrift.markAppAsReady();
    if (process.env.E2E_READY === undefined) return;
    const unfinished = `${process.env.E2E_READY}.part`;
    fs.writeFileSync(unfinished, JSON.stringify({ port: server.address().port }));
    fs.renameSync(unfinished, process.env.E2E_READY);
    // It leaves when the parent that it told has gone.
    process.stdin.resume().on("end", () => process.exit(0));
  });
}

main();
