"""What is changed in each service, and what `drift replay` has to name then: that, and nothing else."""

from __future__ import annotations

# The texts that go, each with what comes in its place.
Edits = list[tuple[str, str]]
# The beginning of the test's name, the code, and a part of the path or of the description.
Finding = tuple[str, str, str]
# The edits by service.
Change = tuple[dict[str, Edits], set[Finding]]

STORES: dict[str, Change] = {
    "a renamed field": (
        {
            "flask_store.py": [('"payment": payment["id"]', '"payment_id": payment["id"]')],
            "express_store.cjs": [("payment: payment.id", "payment_id: payment.id")],
        },
        {("POST /orders", "BODY_REMOVED", "$.payment"), ("POST /orders", "BODY_ADDED", "$.payment_id")},
    ),
    "a changed status": (
        {
            "flask_store.py": [('payment["id"]}), 201', 'payment["id"]}), 200')],
            "express_store.cjs": [("response.status(201)", "response.status(200)")],
        },
        {("POST /orders", "STATUS_CHANGED", "")},
    ),
    "a removed query": (
        {
            "flask_store.py": [
                (
                    """rows("SELECT count(*) FROM orders WHERE customer = %s AND state = 'open'", (customer,))""",
                    "[(1,)]",
                )
            ],
            "express_store.cjs": [
                (
                    "const counted = await database.query(\n"
                    "    \"SELECT count(*)::int AS open FROM orders WHERE customer = $1 AND state = 'open'\",\n"
                    "    [customer],\n  );\n  const { open } = counted.rows[0];",
                    "const open = 1;",
                )
            ],
        },
        {("GET /orders", "CALL_MISSING", "SELECT count(*)"), ("GET /orders", "BODY_CHANGED", "$.open")},
    ),
    # Its failure is put up with, as that of a beacon is: nothing recorded can answer it.
    "an extra call": (
        {
            "flask_store.py": [
                (
                    "    payment = requests.post(",
                    '    with contextlib.suppress(Exception):\n        requests.get(f"{UPSTREAM}/boot")\n'
                    "    payment = requests.post(",
                ),
                ("import json\n", "import contextlib\nimport json\n"),
            ],
            "express_store.cjs": [
                (
                    "  const answer = await fetch(",
                    "  await fetch(`${UPSTREAM}/boot`).catch(() => {});\n  const answer = await fetch(",
                )
            ],
        },
        {("POST /orders", "CALL_NEW", "/boot")},
    ),
    "a new header": (
        {
            "flask_store.py": [
                (
                    'return jsonify({"limits": LIMITS})',
                    'answer = jsonify({"limits": LIMITS})\n    answer.headers["Cache-Control"] = "no-store"\n'
                    "    return answer",
                )
            ],
            "express_store.cjs": [
                ("response.json({ limits });", 'response.set("cache-control", "no-store").json({ limits });')
            ],
        },
        {("GET /limits", "HEADER_ADDED", "cache-control")},
    ),
}

# These have no database: the call that goes is one to the upstream.
RELAYS: dict[str, Change] = {
    "a renamed field": (
        {
            "flask_service.py": [('{"customer": found', '{"buyer": found')],
            "express_service.cjs": [("{ customer: found", "{ buyer: found")],
        },
        {("GET /customers", "BODY_REMOVED", "$.customer"), ("GET /customers", "BODY_ADDED", "$.buyer")},
    ),
    "a changed status": (
        {
            "flask_service.py": [('"lines": wanted["lines"]})', '"lines": wanted["lines"]}), 202')],
            "express_service.cjs": [
                ("response.json({ accepted: true", "response.status(202).json({ accepted: true")
            ],
        },
        {("POST /orders", "STATUS_CHANGED", "")},
    ),
    "a removed call": (
        {
            "flask_service.py": [
                (
                    """requests.get(
        f"{UPSTREAM}/orders", params={"customer": number, "open": "true"}, timeout=10
    ).json()""",
                    "[]",
                )
            ],
            "express_service.cjs": [
                (
                    "await getJson(`${UPSTREAM}/orders?customer=${request.params.number}&open=true`)",
                    "[]",
                )
            ],
        },
        {
            ("GET /customers", "CALL_MISSING", "/orders"),
            ("GET /customers", "BODY_REMOVED", "$.orders"),
            ("GET /customers", "BODY_CHANGED", "$.total"),
        },
    ),
    "an extra call": (
        {
            "flask_service.py": [
                (
                    "    payment = requests.post(",
                    '    with contextlib.suppress(Exception):\n        requests.get(f"{UPSTREAM}/news")\n'
                    "    payment = requests.post(",
                ),
                ("import json\n", "import contextlib\nimport json\n"),
            ],
            "express_service.cjs": [
                (
                    "  const answer = await viaFetch(",
                    '  await viaFetch("GET", `${UPSTREAM}/news`).catch(() => {});\n  const answer = await viaFetch(',
                )
            ],
        },
        {("POST /orders", "CALL_NEW", "/news")},
    ),
    "a new header": (
        {
            "flask_service.py": [
                (
                    '"lines": wanted["lines"]})',
                    '"lines": wanted["lines"]}), 200, {"Cache-Control": "no-store"}',
                )
            ],
            "express_service.cjs": [
                (
                    "response.json({ accepted: true",
                    'response.set("cache-control", "no-store").json({ accepted: true',
                )
            ],
        },
        {("POST /orders", "HEADER_ADDED", "cache-control")},
    ),
}
