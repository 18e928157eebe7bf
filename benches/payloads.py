"""Seeded payloads of the kinds that services record, as UTF-8 JSON text.

`python benches/payloads.py FOLDER` writes one file a payload, and the merges
of the payloads that have some beside it (`NAME.merges.json`).
"""

from __future__ import annotations

import base64
import json
import random
import sys
from pathlib import Path
from typing import Any, Optional

SEED = 20261121

ASCII_WORDS = "alpha beta gamma delta order customer invoice shipped pending refund north account".split()
OTHER_WORDS = "größe naïve café 東京 Москва résumé coöperate señor 数据 emoji🙂 Ωmega straße".split()

Payload = tuple[str, Optional[dict[str, Any]]]


def words(rng: random.Random, ascii_only: bool, count: int) -> str:
    pool = ASCII_WORDS if ascii_only else ASCII_WORDS + OTHER_WORDS
    return " ".join(rng.choice(pool) for _ in range(count))


def http_request(rng: random.Random, ascii_only: bool) -> dict[str, Any]:
    return {
        "method": "POST",
        "url": f"http://127.0.0.1:8080/api/v1/orders/{rng.randrange(10**6)}",
        "headers": {
            "User-Agent": "python-requests/2.34.2",
            "Accept": "application/json",
            "X-Request-Id": f"{rng.getrandbits(128):032x}",
            "Accept-Encoding": "gzip, deflate",
            "Content-Type": "application/json",
        },
        "protocol": "http",
        "query": {"page": "2", "note": words(rng, ascii_only, 3)},
        "bodySize": rng.randrange(1000),
    }


def row(rng: random.Random, ascii_only: bool) -> dict[str, Any]:
    return {
        "id": rng.randrange(10**9),
        "customer_name": words(rng, ascii_only, 2),
        "email": f"user{rng.randrange(10**5)}@example.com",
        "created_at": f"2026-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}T10:{rng.randrange(60):02}:00.123Z",
        "amount": round(rng.uniform(0, 10**4), 2),
        "quantity": rng.randrange(100),
        "active": rng.random() < 0.5,
        "parent_id": None,
        "description": words(rng, ascii_only, 8),
        "score": rng.random(),
        "tags": [words(rng, ascii_only, 1) for _ in range(3)],
    }


def rows(rng: random.Random, ascii_only: bool, count: int) -> dict[str, Any]:
    return {"rowCount": count, "command": "SELECT", "rows": [row(rng, ascii_only) for _ in range(count)]}


def nested(rng: random.Random, ascii_only: bool, depth: int) -> Any:
    if depth == 0:
        return rng.choice([rng.randrange(1000), rng.random(), words(rng, ascii_only, 4), True, None])
    if rng.random() < 0.4:
        return [nested(rng, ascii_only, depth - 1) for _ in range(rng.randrange(2, 6))]
    keys = rng.sample(["zeta", "id", "name", "items", "meta", "status", "value", "children", "alpha"], 5)
    return {key: nested(rng, ascii_only, depth - 1) for key in keys}


def large_nested(rng: random.Random, ascii_only: bool, size: int) -> dict[str, Any]:
    document: dict[str, Any] = {}
    while len(dump(document)) < size:
        document[f"section_{len(document)}"] = nested(rng, ascii_only, 5)
    return document


def dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def payloads() -> dict[str, Payload]:
    """Every payload by name: its text and its merges."""
    made: dict[str, Payload] = {}
    for ascii_only in (True, False):
        kind = "ascii" if ascii_only else "unicode"
        rng = random.Random(SEED + ascii_only)
        made[f"request-341B-{kind}"] = (dump(http_request(rng, ascii_only)), None)
        made[f"rows-7kB-{kind}"] = (dump(rows(rng, ascii_only, 24)), None)
        made[f"nested-107kB-{kind}"] = (dump(large_nested(rng, ascii_only, 105_000)), None)
        made[f"rows-2MB-{kind}"] = (dump(rows(rng, ascii_only, 6500)), None)
        body = base64.b64encode(dump(rows(rng, ascii_only, 24)).encode()).decode()
        merges = {"headers": {"match_importance": 0.0}, "body": {"encoding": 1, "decoded_type": 1}}
        made[f"body-11kB-{kind}"] = (dump({**http_request(rng, ascii_only), "body": body}), merges)
    rng = random.Random(SEED)
    numbers = {"series": [[rng.randrange(10**6), rng.random(), rng.uniform(-1e9, 1e9)] for _ in range(2300)]}
    made["numbers-107kB-ascii"] = (dump(numbers), None)
    strings = {"lines": [words(rng, True, 30) + '\n"quoted"' for _ in range(500)]}
    made["strings-107kB-ascii"] = (dump(strings), None)
    return made


def write(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, (text, merges) in payloads().items():
        (folder / f"{name}.json").write_text(text, encoding="utf-8")
        if merges is not None:
            (folder / f"{name}.merges.json").write_text(dump(merges), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
