"""The Flask service under recording: the published Python SDK, unchanged, as its manual says.

It shares its routes with express_service.cjs. Settings come from the environment: E2E_UPSTREAM
(base address of the upstream), E2E_CLOSED (an address nobody listens on), PORT (a free one if it
is not there), E2E_READY (file to write once it listens), E2E_API_KEY (only where spans are exported).
"""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path

from drift import TuskDrift

# The SDK has to come first: it patches flask and requests while they are imported.
sdk = TuskDrift.initialize(env="development", api_key=os.environ.get("E2E_API_KEY"))

import requests  # noqa: E402
from drift.core.rust_core_binding import get_rust_core_startup_status  # noqa: E402
from flask import Flask, Response, jsonify, request  # noqa: E402
from werkzeug.serving import make_server  # noqa: E402

UPSTREAM = os.environ["E2E_UPSTREAM"]
CLOSED = os.environ["E2E_CLOSED"]
FORWARDED = ("Content-Type", "X-Case", "X-Many")

app = Flask(__name__)


def reply(upstream: requests.Response) -> Response:
    """Passes the upstream's bytes on untouched, so that no digit of a number is lost."""
    content_type = upstream.headers.get("Content-Type", "text/plain")
    return Response(upstream.content, status=200, content_type=content_type)


@app.route("/relay/<path:name>", methods=["GET", "POST", "PUT"])
def relay(name: str) -> Response:
    query = request.query_string.decode("ascii")
    url = f"{UPSTREAM}/{name}" + (f"?{query}" if query else "")
    headers = {key: request.headers[key] for key in FORWARDED if key in request.headers}
    body = request.get_data() or None
    return reply(requests.request(request.method, url, data=body, headers=headers, timeout=10))


@app.get("/customers/<int:number>")
def customer(number: int) -> Response:
    found = requests.get(f"{UPSTREAM}/customers/{number}", timeout=10).json()
    orders = requests.get(
        f"{UPSTREAM}/orders", params={"customer": number, "open": "true"}, timeout=10
    ).json()
    return jsonify({"customer": found, "orders": orders, "total": sum(order["price"] for order in orders)})


@app.post("/orders")
def order() -> Response:
    wanted = request.get_json()
    payment = requests.post(
        f"{UPSTREAM}/payments", json={"amount": wanted["amount"], "note": wanted.get("note")}, timeout=10
    ).json()
    return jsonify({"accepted": True, "payment": payment, "lines": wanted["lines"]})


@app.get("/resilient")
def resilient() -> Response:
    try:
        requests.get(f"{CLOSED}/nobody", timeout=5)
        reached = True
    except requests.ConnectionError:
        reached = False
    broken = requests.get(f"{UPSTREAM}/broken", timeout=10)
    return jsonify({"reached": reached, "broken": broken.status_code})


@app.get("/page")
def page() -> Response:
    return Response("<p>not recorded</p>", content_type="text/html")


def main() -> None:
    # A call made before the service is ready lands in a trace of its own.
    requests.get(f"{UPSTREAM}/boot", timeout=10)
    server = make_server("127.0.0.1", int(os.environ.get("PORT", "0")), app, threaded=True)
    sdk.mark_app_as_ready()
    if "E2E_READY" in os.environ:
        tell_the_parent(server.server_port)
    server.serve_forever()


def tell_the_parent(port: int) -> None:
    """Says where it listens and with which binding, and leaves when the parent has gone."""
    binding = sys.modules.get("drift_core")
    ready = {
        "port": port,
        "binding": get_rust_core_startup_status(),
        "binding_file": getattr(binding, "__file__", None),
    }
    unfinished = Path(os.environ["E2E_READY"] + ".part")
    unfinished.write_text(json.dumps(ready), encoding="utf-8")
    unfinished.rename(os.environ["E2E_READY"])

    def leave_with_the_parent() -> None:
        sys.stdin.buffer.read()
        os._exit(0)

    threading.Thread(target=leave_with_the_parent, daemon=True).start()


if __name__ == "__main__":
    main()
