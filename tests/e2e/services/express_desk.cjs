"use strict";
// A ticket desk on Express whose answers hang on chance, the clock, the environment and an upstream
// that counts. It shares its routes, settings and files with flask_desk.py.

// The SDK has to come first: it does not record what was loaded before it.
const { TuskDrift } = require("@use-tusk/drift-node-sdk");

TuskDrift.initialize({ env: "development" });

const crypto = require("node:crypto");
const fs = require("node:fs");
const express = require("express");

const UPSTREAM = process.env.E2E_UPSTREAM;
let waiting = 0;
let mostWaiting = 0;

const app = express();

async function ask(path) {
  return (await fetch(`${UPSTREAM}/${path}`)).json();
}

app.get("/ticket", (request, response) => {
  const number = fs.existsSync("tickets") ? Number(fs.readFileSync("tickets", "utf8")) + 1 : 1;
  fs.writeFileSync("tickets", String(number));
  response.json({ event: "concert", price: 45, number, token: crypto.randomBytes(8).toString("hex") });
});

app.get("/today", async (request, response) => {
  const opened = await ask("boot");
  response.json({ today: new Date().toUTCString().slice(0, 16), limit: opened.features.limit });
});

app.get("/greeting", (request, response) => {
  response.json({ greeting: process.env.E2E_GREETING });
});

app.get("/queue/:name", async (request, response) => {
  waiting += 1;
  mostWaiting = Math.max(mostWaiting, waiting);
  fs.writeFileSync("most-waiting", String(mostWaiting));
  const numbers = [];
  try {
    while (numbers.length < 3) numbers.push((await ask("count")).number);
  } finally {
    waiting -= 1;
  }
  response.json({ name: request.params.name, priority: request.query.priority ?? null, numbers });
});

app.listen(Number(process.env.PORT), "127.0.0.1", () => TuskDrift.markAppAsReady());
