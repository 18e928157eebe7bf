// One route per library; each makes the calls that the cases are about.
"use strict";

const { TuskDrift } = require("@use-tusk/drift-node-sdk");
TuskDrift.initialize({ env: "development" });

const path = require("path");
const http = require("http");
const https = require("https");
const express = require("express");
const { Pool, Client } = require("pg");
const mysql = require("mysql2/promise");
const Redis = require("ioredis");
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
const UPSTREAM = "http://127.0.0.1:18777";
const POSTGRES = "postgres://recorder@127.0.0.1:15499/postgres";
const HEADERS = { "x-request-id": "r-1", "x-sent-at": "2026-11-25T10:00:00Z" };
const shop = grpc.loadPackageDefinition(loader.loadSync(path.join(__dirname, "shop.proto"))).shop;
const app = express();

// Keeps the calls' times apart: they are written in milliseconds.
const pause = () => new Promise((resolve) => setTimeout(resolve, 12));

async function send(method, target, body, library = http, port = 18777, headers = {}) {
  await pause();
  const all = { ...HEADERS, ...headers };
  const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
  if (text !== undefined) {
    all["content-type"] ||= "application/json";
    all["content-length"] = Buffer.byteLength(text);
  }
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, path: target, method, headers: all };
    const request = library.request(options, (response) => {
      let answer = "";
      response.on("data", (chunk) => (answer += chunk));
      response.on("end", () => resolve(JSON.parse(answer).answer));
    });
    request.on("error", reject);
    if (text) request.write(text);
    request.end();
  });
}

async function sendByFetch(method, target, body) {
  await pause();
  const response = await fetch(UPSTREAM + target, {
    method,
    headers: { ...HEADERS, ...(body ? { "content-type": "application/json" } : {}) },
    body: body ? JSON.stringify(body) : undefined,
  });
  return (await response.json()).answer;
}

async function inTurn(calls, run) {
  const answers = [];
  for (const call of calls) {
    await pause();
    answers.push(await run(...call));
  }
  return answers;
}

const pen = { item: "pen", count: 2, at: "2026-11-25T10:00:00Z" };
const cup = { item: "cup", count: 1, at: "2026-11-25T10:00:05Z" };

app.get("/http", async (_, response) => {
  const form = { "content-type": "application/x-www-form-urlencoded" };
  response.json([
    await send("GET", "/orders/1?page=1"),
    await send("GET", "/orders/2?page=1"),
    await send("GET", "/orders?status=open&page=1"),
    await send("POST", "/orders", pen),
    await send("POST", "/orders", cup),
    await send("GET", "/jobs/7"),
    await send("GET", "/jobs/7"),
    await send("GET", "/jobs/7"),
    await send("DELETE", "/orders/2"),
    await send("POST", "/login", "user=ann&pin=1234", http, 18777, form),
    await send("GET", "/secure/1?key=a", undefined, https, 18779),
    await send("GET", "/secure/2?key=a", undefined, https, 18779),
  ]);
});

app.get("/fetch", async (_, response) => {
  response.json([
    await sendByFetch("GET", "/orders/1?page=1"),
    await sendByFetch("GET", "/orders/2?page=1"),
    await sendByFetch("GET", "/orders?status=open&page=1"),
    await sendByFetch("POST", "/orders", pen),
    await sendByFetch("POST", "/orders", cup),
    await sendByFetch("GET", "/jobs/7"),
    await sendByFetch("GET", "/jobs/7"),
    await sendByFetch("PUT", "/orders/1", { count: 3 }),
  ]);
});

app.get("/graphql", async (_, response) => {
  const user = "query GetUser($id: ID!) {\n  user(id: $id) {\n    id\n    name\n  }\n}";
  const orders = "query ListOrders($first: Int) { orders(first: $first) { id total } }";
  const add = "mutation AddOrder($item: String!) { addOrder(item: $item) { id } }";
  const run = (query, variables) => sendByFetch("POST", "/graphql", { query, variables });
  response.json([
    await run(user, { id: "1" }),
    await run(user, { id: "2" }),
    await run(orders, { first: 10 }),
    await run(add, { item: "pen" }),
  ]);
});

app.get("/pg", async (_, response) => {
  const client = new Client(POSTGRES);
  await client.connect();
  const answers = await inTurn(
    [
      ["SELECT id, name FROM users WHERE id = $1", [1]],
      ["SELECT id, name FROM users WHERE id = $1", [2]],
      ["SELECT email FROM users WHERE name = 'ann' LIMIT 1"],
      ["SELECT id, total FROM orders WHERE user_id = $1 AND total > $2 ORDER BY id", [1, 10]],
      ["INSERT INTO orders (user_id, total) VALUES ($1, $2) RETURNING user_id", [1, 25]],
      ["SELECT name FROM users WHERE id IN ($1, $2)", [1, 2]],
      ["SELECT count(*) FROM orders"],
      ["SELECT count(*) FROM orders"],
    ],
    async (...call) => (await client.query(...call)).rows.length,
  );
  await client.end();
  const pool = new Pool({ connectionString: POSTGRES });
  answers.push((await pool.query("SELECT name FROM users WHERE id = $1", [1])).rows);
  answers.push((await pool.query("SELECT name FROM users WHERE id = $1", [2])).rows);
  response.json(answers);
});

app.get("/mysql2", async (_, response) => {
  const connection = await mysql.createConnection({
    host: "127.0.0.1",
    port: 13399,
    user: "recorder",
    database: "shop",
  });
  const answers = await inTurn(
    [
      ["SELECT id, name FROM users WHERE id = ?", [1]],
      ["SELECT id, name FROM users WHERE id = ?", [2]],
      ["SELECT `name` FROM `users` WHERE name = 'ann' LIMIT 1", undefined],
      ["UPDATE users SET name = ? WHERE id = ?", ["bob", 2]],
      ["SELECT name FROM users WHERE id IN (?, ?)", [1, 2]],
      ["SELECT count(*) AS n FROM users", undefined],
      ["SELECT count(*) AS n FROM users", undefined],
    ],
    async (...call) => (await connection.query(...call))[0],
  );
  answers.push((await connection.execute("SELECT name FROM users WHERE id = ?", [1]))[0]);
  await connection.end();
  response.json(answers);
});

const redis = new Redis(16399, "127.0.0.1");
app.get("/redis", async (_, response) => {
  const answers = await inTurn(
    [
      ["set", "user:1", "ann"],
      ["get", "user:1"],
      ["get", "user:2"],
      ["set", "session:9", "t0", "EX", "60"],
      ["mget", "user:1", "user:2"],
      ["hset", "cart:1", "pen", "2"],
      ["incr", "hits"],
      ["incr", "hits"],
    ],
    (command, ...words) => redis[command](...words),
  );
  answers.push(await redis.pipeline().set("a", 1).incr("a").exec());
  response.json(answers);
});

app.get("/grpc", async (_, response) => {
  const call = (service, method, value) =>
    new Promise((resolve, reject) => {
      const client = new shop[service]("127.0.0.1:18778", grpc.credentials.createInsecure());
      client[method]({ value }, (error, answer) => (error ? reject(error) : resolve(answer)));
    });
  response.json(
    await inTurn(
      [
        ["Orders", "Get", "17"],
        ["Orders", "Get", "18"],
        ["Orders", "List", "open"],
        ["Users", "Get", "17"],
        ["Jobs", "Poll", "7"],
        ["Jobs", "Poll", "7"],
      ],
      call,
    ),
  );
});

(async () => {
  await send("GET", "/config?service=shop");
  await send("GET", "/config?service=mail");
  const client = new Client(POSTGRES);
  await client.connect();
  await client.query("SELECT name FROM settings WHERE service = $1", ["shop"]);
  await client.end();
  app.listen(18771, "127.0.0.1", () => TuskDrift.markAppAsReady());
})();
