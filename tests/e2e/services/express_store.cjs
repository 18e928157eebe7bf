"use strict";
// A small shop on Express, PostgreSQL (pg), Redis (ioredis) and an HTTP upstream, instrumented as the
// SDK's manual says. It shares its routes and settings with flask_store.py.

// The SDK has to come first: it does not record what was loaded before it.
const { TuskDrift } = require("@use-tusk/drift-node-sdk");

TuskDrift.initialize({ env: "development" });

const express = require("express");
const Redis = require("ioredis");
const { Pool } = require("pg");

const UPSTREAM = process.env.E2E_UPSTREAM;
const cache = new Redis(process.env.E2E_REDIS);
const database = new Pool({ connectionString: process.env.E2E_POSTGRES, max: 2 });
let limits;

const app = express();
app.use(express.json());

app.get("/products/:number", async (request, response) => {
  const number = Number(request.params.number);
  const cached = await cache.get(`product:${number}`);
  if (cached !== null) {
    response.json({ product: JSON.parse(cached), cached: true });
    return;
  }
  const found = await database.query("SELECT id, name, price_cents FROM products WHERE id = $1", [number]);
  await cache.set(`product:${number}`, JSON.stringify(found.rows[0]));
  response.json({ product: found.rows[0], cached: false });
});

app.get("/orders", async (request, response) => {
  const { customer } = request.query;
  const found = await database.query(
    "SELECT o.id, p.name AS product, o.quantity FROM orders o JOIN products p ON p.id = o.product_id" +
      " WHERE o.customer = $1 ORDER BY o.id",
    [customer],
  );
  const counted = await database.query(
    "SELECT count(*)::int AS open FROM orders WHERE customer = $1 AND state = 'open'",
    [customer],
  );
  const { open } = counted.rows[0];
  response.json({ customer, orders: found.rows, open });
});

app.post("/orders", async (request, response) => {
  const wanted = request.body;
  const answer = await fetch(`${UPSTREAM}/payments`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ customer: wanted.customer, quantity: wanted.quantity }),
  });
  const payment = await answer.json();
  const made = await database.query(
    "INSERT INTO orders (customer, product_id, quantity, state) VALUES ($1, $2, $3, 'open') RETURNING id",
    [wanted.customer, wanted.product, wanted.quantity],
  );
  const number = await cache.incr("orders");
  response.status(201).json({ order: made.rows[0].id, number, payment: payment.id });
});

// More queries than there are connections: some wait until another one, or this function, gives one back.
app.get("/prices", async (request, response) => {
  const held = await database.connect();
  const asked = [1, 2, 2, 1].map((number) =>
    database.query("SELECT price_cents FROM products WHERE id = $1", [number]),
  );
  const counted = await held.query("SELECT count(*)::int AS products FROM products");
  held.release();
  const found = await Promise.all(asked);
  response.json({ products: counted.rows[0].products, prices: found.map((one) => one.rows[0].price_cents) });
});

app.get("/limits", (request, response) => {
  response.json({ limits });
});

async function main() {
  // Asked before the service is ready, as many services read their settings.
  limits = await (await fetch(`${UPSTREAM}/boot`)).json();
  app.listen(Number(process.env.PORT), "127.0.0.1", () => TuskDrift.markAppAsReady());
}

main();
