"""A small shop on Flask, PostgreSQL (psycopg2), Redis and an HTTP upstream, instrumented as the SDK's manual says.

It shares its routes and settings with express_store.cjs. Settings come from the environment: PORT,
E2E_UPSTREAM (base address of the upstream), E2E_POSTGRES and E2E_REDIS (addresses of the servers).
"""

from __future__ import annotations

import json
import os
import threading

from drift import TuskDrift

# The SDK has to come first: it patches libraries while they are imported.
sdk = TuskDrift.initialize(env="development")

import psycopg2  # noqa: E402
import redis  # noqa: E402
import requests  # noqa: E402
from flask import Flask, Response, jsonify, request  # noqa: E402

UPSTREAM = os.environ["E2E_UPSTREAM"]

app = Flask(__name__)
cache = redis.Redis.from_url(os.environ["E2E_REDIS"])
database = psycopg2.connect(os.environ["E2E_POSTGRES"])
database.autocommit = True
# The recorder keeps the state of a cursor on the connection, so one statement runs at a time.
one_at_a_time = threading.Lock()


def rows(statement: str, parameters: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    """One cursor for each statement: the recorder loses the rows of a cursor's second one."""
    with one_at_a_time, database.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()


@app.get("/products/<int:number>")
def product(number: int) -> Response:
    cached = cache.get(f"product:{number}")
    if cached is not None:
        return jsonify({"product": json.loads(cached), "cached": True})
    found = rows("SELECT id, name, price_cents FROM products WHERE id = %s", (number,))
    item = {"id": found[0][0], "name": found[0][1], "price_cents": found[0][2]}
    cache.set(f"product:{number}", json.dumps(item))
    return jsonify({"product": item, "cached": False})


@app.get("/orders")
def orders() -> Response:
    customer = request.args["customer"]
    found = rows(
        "SELECT o.id, p.name, o.quantity FROM orders o JOIN products p ON p.id = o.product_id"
        " WHERE o.customer = %s ORDER BY o.id",
        (customer,),
    )
    counted = rows("SELECT count(*) FROM orders WHERE customer = %s AND state = 'open'", (customer,))
    listed = [{"id": row[0], "product": row[1], "quantity": row[2]} for row in found]
    return jsonify({"customer": customer, "orders": listed, "open": counted[0][0]})


@app.post("/orders")
def order() -> Response:
    wanted = request.get_json()
    payment = requests.post(
        f"{UPSTREAM}/payments",
        json={"customer": wanted["customer"], "quantity": wanted["quantity"]},
        timeout=10,
    ).json()
    made = rows(
        "INSERT INTO orders (customer, product_id, quantity, state) VALUES (%s, %s, %s, 'open') RETURNING id",
        (wanted["customer"], wanted["product"], wanted["quantity"]),
    )
    number = cache.incr("orders")
    return jsonify({"order": made[0][0], "number": number, "payment": payment["id"]}), 201


@app.get("/prices")
def prices() -> Response:
    found = [rows("SELECT price_cents FROM products WHERE id = %s", (number,)) for number in (1, 2, 2, 1)]
    counted = rows("SELECT count(*) FROM products")
    return jsonify({"products": counted[0][0], "prices": [one[0][0] for one in found]})


@app.get("/limits")
def limits() -> Response:
    return jsonify({"limits": LIMITS})


# Asked before the service is ready, as many services read their settings.
LIMITS = requests.get(f"{UPSTREAM}/boot", timeout=10).json()

if __name__ == "__main__":
    sdk.mark_app_as_ready()
    app.run(host="127.0.0.1", port=int(os.environ["PORT"]), threaded=True)
