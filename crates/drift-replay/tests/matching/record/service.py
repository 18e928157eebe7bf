"""One route per library; each makes the calls that the cases are about."""

from __future__ import annotations

from typing import Any

from drift import TuskDrift

sdk = TuskDrift.initialize(env="development")

import time  # noqa: E402
import warnings  # noqa: E402

import grpc  # noqa: E402
import httpx  # noqa: E402
import psycopg  # noqa: E402
import psycopg2  # noqa: E402
import redis  # noqa: E402
import requests  # noqa: E402
import sqlalchemy  # noqa: E402
from flask import Flask, Response, jsonify  # noqa: E402
from google.protobuf import wrappers_pb2  # noqa: E402

warnings.simplefilter("ignore")
UPSTREAM = "http://127.0.0.1:18777"
TLS = "https://127.0.0.1:18779"
DSN = "host=127.0.0.1 port=15499 user=recorder dbname=postgres"
app = Flask(__name__)
cache = redis.Redis(port=16399)
engine = sqlalchemy.create_engine("postgresql+psycopg2://recorder@127.0.0.1:15499/postgres")


def pause() -> None:
    """Keeps the calls' times apart."""
    time.sleep(0.01)


def run_psycopg2(query: str, parameters: Any = None) -> str:
    connection = psycopg2.connect(DSN)
    connection.autocommit = True
    cursor = connection.cursor()
    if parameters is None:
        cursor.execute(query)
    else:
        cursor.execute(query, parameters)
    rows = cursor.fetchall() if cursor.description else cursor.rowcount
    connection.close()
    pause()
    return str(rows)


def run_psycopg(query: str, parameters: Any = None) -> str:
    connection = psycopg.connect(DSN, autocommit=True)
    cursor = connection.cursor()
    cursor.execute(query, parameters)
    rows = cursor.fetchall() if cursor.description else cursor.rowcount
    connection.close()
    pause()
    return str(rows)


def run_sqlalchemy(query: str, parameters: Any = None) -> str:
    with engine.begin() as connection:
        result = connection.execute(sqlalchemy.text(query), parameters or {})
        rows = result.fetchall() if result.returns_rows else result.rowcount
    pause()
    return str(rows)


def run_graphql(query: str, variables: dict[str, Any] | None = None) -> int:
    pause()
    request = {"query": query, "variables": variables or {}}
    return httpx.post(UPSTREAM + "/graphql", json=request).json()["answer"]


@app.get("/http")
def http_route() -> Response:
    headers = {"X-Request-Id": "r-1", "X-Sent-At": "2026-11-25T10:00:00Z"}
    answers = []

    def send(method: str, url: str, **options: Any) -> None:
        pause()
        url = url if url.startswith("https") else UPSTREAM + url
        answers.append(requests.request(method, url, headers=headers, **options).json()["answer"])

    send("GET", "/orders/1?page=1")
    send("GET", "/orders/2?page=1")
    send("GET", "/orders?status=open&page=1")
    send("POST", "/orders", json={"item": "pen", "count": 2, "at": "2026-11-25T10:00:00Z"})
    send("POST", "/orders", json={"item": "cup", "count": 1, "at": "2026-11-25T10:00:05Z"})
    for _ in range(3):
        send("GET", "/jobs/7")
    send("PUT", "/orders/1", json={"count": 3})
    send("DELETE", "/orders/2")
    send("POST", "/login", data={"user": "ann", "pin": "1234"})
    send("GET", TLS + "/secure/1?key=a", verify=False)
    send("GET", TLS + "/secure/2?key=a", verify=False)
    return jsonify(answers)


@app.get("/graphql")
def graphql_route() -> Response:
    user = "query GetUser($id: ID!) {\n  user(id: $id) {\n    id\n    name\n  }\n}"
    orders = "query ListOrders($first: Int) { orders(first: $first) { id total } }"
    add = "mutation AddOrder($item: String!) { addOrder(item: $item) { id } }"
    return jsonify(
        [
            run_graphql(user, {"id": "1"}),
            run_graphql(user, {"id": "2"}),
            run_graphql(orders, {"first": 10}),
            run_graphql(add, {"item": "pen"}),
            run_graphql('{ product(sku: "a1") { title } }'),
        ]
    )


@app.get("/psycopg2")
def psycopg2_route() -> Response:
    run = run_psycopg2
    answers = [
        run("SELECT id, name FROM users WHERE id = %s", (1,)),
        run("SELECT id, name FROM users WHERE id = %s", (2,)),
        run("SELECT email FROM users WHERE name = 'ann' LIMIT 1"),
        run("SELECT id, total FROM orders WHERE user_id = %s AND total > %s ORDER BY id", (1, 10)),
        run("INSERT INTO orders (user_id, total) VALUES (%s, %s) RETURNING user_id", (1, 25)),
        run("UPDATE users SET email = %(email)s WHERE id = %(id)s", {"email": "a@x", "id": 1}),
        run("SELECT name FROM users WHERE id IN (%s, %s)", (1, 2)),
    ]
    for number in range(3):
        answers.append(run("SELECT count(*) FROM orders"))
        run(f"DELETE FROM orders WHERE user_id = 99 AND total = {number}")
    return jsonify(answers)


@app.get("/psycopg")
def psycopg_route() -> Response:
    run = run_psycopg
    join = "SELECT u.name, o.total FROM users u JOIN orders o ON o.user_id = u.id WHERE o.total >= %s"
    return jsonify(
        [
            run("SELECT id, name FROM users WHERE id = %s", (1,)),
            run("SELECT id, name FROM users WHERE id = %s", (2,)),
            run("SELECT email FROM users WHERE name = 'ann' LIMIT 1"),
            run(join, (10,)),
            run("INSERT INTO orders (user_id, total) VALUES (%s, %s) RETURNING user_id", (2, 7)),
            run("UPDATE users SET name = %s WHERE id = %s", ("bob", 2)),
            run("SELECT count(*) FROM orders"),
            run("SELECT count(*) FROM orders"),
        ]
    )


@app.get("/sqlalchemy")
def sqlalchemy_route() -> Response:
    run = run_sqlalchemy
    orders = "SELECT id, total FROM orders WHERE user_id = :user AND total > :least"
    insert = "INSERT INTO orders (user_id, total) VALUES (:user, :total)"
    return jsonify(
        [
            run("SELECT id, name FROM users WHERE id = :id", {"id": 1}),
            run("SELECT id, name FROM users WHERE id = :id", {"id": 2}),
            run("SELECT email FROM users WHERE name = 'ann' LIMIT 1"),
            run(orders, {"user": 1, "least": 10}),
            run(insert, {"user": 1, "total": 5}),
            run("SELECT count(*) FROM orders"),
            run("SELECT count(*) FROM orders"),
        ]
    )


@app.get("/redis")
def redis_route() -> Response:
    answers = []
    for command in [
        ("SET", "user:1", "ann"),
        ("GET", "user:1"),
        ("GET", "user:2"),
        ("SET", "session:9", "t0", "EX", 60),
        ("MGET", "user:1", "user:2"),
        ("HSET", "cart:1", "pen", 2),
        ("HGET", "cart:1", "pen"),
        ("INCR", "hits"),
        ("INCR", "hits"),
        ("INCR", "hits"),
        ("DEL", "tmp"),
    ]:
        pause()
        answers.append(str(cache.execute_command(*command)))
    pipeline = cache.pipeline(transaction=False)
    pipeline.set("a", 1)
    pipeline.incr("a")
    answers.append(str(pipeline.execute()))
    return jsonify(answers)


@app.get("/grpc")
def grpc_route() -> Response:
    channel = grpc.insecure_channel("127.0.0.1:18778")
    answers = []
    for path, value in [
        ("/shop.Orders/Get", "17"),
        ("/shop.Orders/Get", "18"),
        ("/shop.Orders/List", "open"),
        ("/shop.Users/Get", "17"),
        ("/shop.Jobs/Poll", "7"),
        ("/shop.Jobs/Poll", "7"),
    ]:
        pause()
        call = channel.unary_unary(
            path,
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=wrappers_pb2.StringValue.FromString,
        )
        answers.append(call(wrappers_pb2.StringValue(value=value), timeout=5).value)
    return jsonify(answers)


requests.get(UPSTREAM + "/config?service=shop")
requests.get(UPSTREAM + "/config?service=mail")
run_psycopg2("SELECT name FROM settings WHERE service = %s", ("shop",))
cache.get("flags")
sdk.mark_app_as_ready()
app.run(host="127.0.0.1", port=18770)
