"""A ticket desk on Flask whose answers hang on chance, the clock, the environment and an upstream that counts.

It shares its routes and settings with express_desk.cjs. Settings come from the environment: PORT,
E2E_UPSTREAM (base address of the upstream), E2E_GREETING. In its folder it keeps `tickets`, how many
were given out over all its lives, and `most-waiting`, how many requests it had in its queue at once.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
from pathlib import Path

from drift import TuskDrift

# The SDK has to come first: it patches libraries while they are imported.
sdk = TuskDrift.initialize(env="development")

import requests  # noqa: E402
from flask import Flask, Response, jsonify, request  # noqa: E402

UPSTREAM = os.environ["E2E_UPSTREAM"]
TICKETS = Path("tickets")
MOST_WAITING = Path("most-waiting")

app = Flask(__name__)
queue = threading.Lock()
waiting = 0
most_waiting = 0


@app.get("/ticket")
def ticket() -> Response:
    number = int(TICKETS.read_text(encoding="utf-8")) + 1 if TICKETS.exists() else 1
    TICKETS.write_text(str(number), encoding="utf-8")
    return jsonify({"event": "concert", "price": 45, "number": number, "token": secrets.token_hex(8)})


@app.get("/today")
def today() -> Response:
    opened = requests.get(f"{UPSTREAM}/boot", timeout=10).json()
    return jsonify({"today": time.strftime("%A %d %B %Y"), "limit": opened["features"]["limit"]})


@app.get("/greeting")
def greeting() -> Response:
    return jsonify({"greeting": os.environ["E2E_GREETING"]})


@app.get("/queue/<name>")
def queued(name: str) -> Response:
    global waiting, most_waiting
    with queue:
        waiting += 1
        most_waiting = max(most_waiting, waiting)
        MOST_WAITING.write_text(str(most_waiting), encoding="utf-8")
    try:
        numbers = [requests.get(f"{UPSTREAM}/count", timeout=10).json()["number"] for _ in range(3)]
    finally:
        with queue:
            waiting -= 1
    return jsonify({"name": name, "priority": request.args.get("priority"), "numbers": numbers})


if __name__ == "__main__":
    sdk.mark_app_as_ready()
    app.run(host="127.0.0.1", port=int(os.environ["PORT"]), threaded=True)
