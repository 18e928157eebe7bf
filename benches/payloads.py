"""Seeded payloads of the kinds that services record, as UTF-8 JSON text.

`python benches/payloads.py FOLDER` writes the documents of every payload,
`NAME.0.json` and so on, and the merges of the payloads that have some beside
them (`NAME.merges.json`).

Documents of one payload have the shapes of one service and other values: a
service sends the same objects again and again, never the same text. Only
`irregular` documents share no shape, for what no cache can help.
"""

from __future__ import annotations

import base64
import json
import random
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

SEED = 20261121

ASCII_WORDS = (
    "alpha beta gamma delta order customer invoice shipped pending refund north account "
    "payment cancelled warehouse express return partial carrier label summary window"
).split()
# What a host takes for a character depends on the highest one: up to U+00FF, up to U+FFFF, beyond.
LATIN_WORDS = "größe naïve café résumé coöperate señor straße Zürich".split()
LETTER_WORDS = [*LATIN_WORDS, *"東京 Москва 数据 Ωmega".split()]
EMOJI_WORDS = [*LETTER_WORDS, "🙂", "🚀", "👍🏽"]
OTHER_WORDS = {"ascii": [], "latin": LATIN_WORDS, "unicode": LETTER_WORDS, "emoji": EMOJI_WORDS}
# Words in other letters, of all words.
OTHER_SHARE = 0.25

Maker = Callable[[random.Random, "Words"], dict[str, Any]]


class Words:
    """Words of one alphabet: `ascii`, `latin`, `unicode` (other letters too), `emoji` (those too)."""

    def __init__(self, rng: random.Random, alphabet: str) -> None:
        self.rng = rng
        self.other = OTHER_WORDS[alphabet]

    def __call__(self, count: int) -> str:
        rng, other = self.rng, self.other
        picked = (
            rng.choice(other if other and rng.random() < OTHER_SHARE else ASCII_WORDS) for _ in range(count)
        )
        return " ".join(picked)


@dataclass(frozen=True)
class Payload:
    """A kind of payload in one alphabet: its documents and the merges of all of them."""

    name: str
    documents: list[str]
    merges: dict[str, Any] | None

    @property
    def size(self) -> int:
        """UTF-8 bytes of the first document."""
        return len(self.documents[0].encode())


def time_of_day(rng: random.Random) -> str:
    date = f"2026-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}"
    return f"{date}T{rng.randrange(24):02}:{rng.randrange(60):02}:{rng.randrange(60):02}.{rng.randrange(1000):03}Z"


def http_request(rng: random.Random, words: Words) -> dict[str, Any]:
    return {
        "method": "POST",
        "url": f"http://127.0.0.1:8080/api/v1/orders/{rng.randrange(10**5, 10**6)}",
        "headers": {
            "User-Agent": "python-requests/2.34.2",
            "Accept": "application/json",
            "X-Request-Id": f"{rng.getrandbits(128):032x}",
            "Content-Type": "application/json",
        },
        "protocol": "http",
        "query": {"page": str(rng.randrange(1, 10)), "note": words(4)},
        "bodySize": rng.randrange(100, 1000),
        "tls": False,
    }


def row(rng: random.Random, words: Words) -> dict[str, Any]:
    return {
        "id": rng.randrange(10**9),
        "customer_name": words(2),
        "email": f"user{rng.randrange(10**5)}@example.com",
        "created_at": time_of_day(rng),
        "amount": round(rng.uniform(0, 10**4), 2),
        "quantity": rng.randrange(100),
        "active": rng.random() < 0.5,
        "parent_id": None if rng.random() < 0.7 else rng.randrange(10**9),
        "description": words(8),
        "score": rng.random(),
        "tags": [words(1) for _ in range(3)],
    }


def rows(count: int) -> Maker:
    def make(rng: random.Random, words: Words) -> dict[str, Any]:
        return {"rowCount": count, "command": "SELECT", "rows": [row(rng, words) for _ in range(count)]}

    return make


def request_with_body(rng: random.Random, words: Words) -> dict[str, Any]:
    body = dump(rows(25)(rng, words)).encode()
    return {**http_request(rng, words), "body": base64.b64encode(body).decode()}


BODY_MERGES = {"headers": {"match_importance": 0.0}, "body": {"encoding": 1, "decoded_type": 1}}


def money(rng: random.Random) -> dict[str, Any]:
    return {"amount": round(rng.uniform(1, 500), 2), "currency": rng.choice(["EUR", "USD", "JPY"])}


def variant(rng: random.Random, words: Words) -> dict[str, Any]:
    made: dict[str, Any] = {
        "sku": f"SKU-{rng.randrange(10**8):08}",
        "title": words(2),
        "price": money(rng),
        "available": rng.random() < 0.8,
        "weight_kg": round(rng.uniform(0, 20), 3),
        "options": [{"name": "size", "value": rng.choice("SML")}, {"name": "colour", "value": words(1)}],
    }
    if rng.random() < 0.2:
        made["compare_at_price"] = money(rng)
    return made


def product(rng: random.Random, words: Words) -> dict[str, Any]:
    made: dict[str, Any] = {
        "id": f"gid://shop/Product/{rng.randrange(10**10)}",
        "title": words(4),
        "description": words(20) + ("\n\n" + words(10) if rng.random() < 0.5 else ""),
        "vendor": {"id": rng.randrange(10**6), "name": words(2), "rating": rng.random() * 5},
        "variants": [variant(rng, words) for _ in range(rng.randrange(1, 5))],
        "images": [
            {"url": f"http://127.0.0.1:8080/i/{rng.getrandbits(64):016x}.jpg", "width": 1200, "height": 800}
            for _ in range(rng.randrange(3))
        ],
        # A map, not a record: its keys are values.
        "stock": {f"loc-{rng.randrange(40)}": rng.randrange(500) for _ in range(rng.randrange(1, 4))},
        "seo": {"title": words(5), "description": None},
        "updated_at": time_of_day(rng),
    }
    if rng.random() < 0.3:
        made["badge"] = {"text": words(1), "until": time_of_day(rng)}
    return made


def nested(rng: random.Random, words: Words) -> dict[str, Any]:
    """The answer of a shop's interface: records in records, optional members, maps."""
    return {
        "data": {
            "shop": {
                "name": words(2),
                "collections": [
                    {
                        "id": f"gid://shop/Collection/{rng.randrange(10**10)}",
                        "handle": f"collection-{place}",
                        "title": words(3),
                        "products": {
                            "nodes": [product(rng, words) for _ in range(10)],
                            "pageInfo": {"hasNextPage": True, "endCursor": f"{rng.getrandbits(96):024x}"},
                        },
                    }
                    for place in range(9)
                ],
            }
        },
        "extensions": {"cost": {"requested": 912, "actual": rng.randrange(900)}, "trace": None},
    }


def irregular_value(rng: random.Random, words: Words, depth: int) -> Any:
    if depth == 0:
        return rng.choice([rng.randrange(1000), rng.random(), words(4), True, None])
    if rng.random() < 0.4:
        return [irregular_value(rng, words, depth - 1) for _ in range(rng.randrange(2, 6))]
    keys = rng.sample("zeta id name items meta status value children alpha".split(), 5)
    return {key: irregular_value(rng, words, depth - 1) for key in keys}


def irregular(rng: random.Random, words: Words) -> dict[str, Any]:
    """Objects with any of many keys in any order, under new names at the top."""
    document: dict[str, Any] = {}
    size = 0
    while size < 100_000:
        value = irregular_value(rng, words, 4)
        document[f"section_{rng.randrange(10**6)}"] = value
        size += len(dump(value).encode()) + 18
    return document


def numbers(rng: random.Random, words: Words) -> dict[str, Any]:
    def point() -> list[Any]:
        return [rng.randrange(10**6), rng.random(), round(rng.uniform(-1e4, 1e4), 3), rng.uniform(-1e9, 1e9)]

    return {"unit": "ms", "series": [point() for _ in range(1910)]}


def strings(rng: random.Random, words: Words) -> dict[str, Any]:
    return {"lines": [words(30) + '\n"quoted"' for _ in range(455)]}


def dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


# Name, makers of one document, merges, alphabets, documents.
KINDS: list[tuple[str, Maker, dict[str, Any] | None, list[str], int]] = [
    ("request-341B", http_request, None, ["ascii", "unicode"], 64),
    ("rows-7kB", rows(23), None, ["ascii", "unicode", "emoji"], 32),
    ("body-11kB", request_with_body, BODY_MERGES, ["ascii", "unicode"], 32),
    ("nested-107kB", nested, None, ["ascii", "unicode"], 8),
    ("irregular-107kB", irregular, None, ["ascii"], 8),
    ("numbers-107kB", numbers, None, ["ascii"], 8),
    ("strings-107kB", strings, None, ["ascii", "unicode"], 8),
    # For batches and export requests: a span of it is 8 kB.
    ("span-8kB", rows(13), None, ["ascii"], 512),
    ("rows-2MB", rows(6_750), None, ["ascii", "unicode"], 4),
]


def names() -> list[str]:
    return [f"{kind}-{alphabet}" for kind, _, _, alphabets, _ in KINDS for alphabet in alphabets]


def payloads(only: Callable[[str], bool] = lambda name: True) -> list[Payload]:
    """The payloads whose names are asked for; each has a seed of its own."""
    made = []
    for kind, make, merges, alphabets, count in KINDS:
        for alphabet in alphabets:
            name = f"{kind}-{alphabet}"
            if only(name):
                rng = random.Random(f"{SEED} {name}")
                words = Words(rng, alphabet)
                made.append(Payload(name, [dump(make(rng, words)) for _ in range(count)], merges))
    return made


def write(folder: Path, made: list[Payload]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for payload in made:
        for place, text in enumerate(payload.documents):
            (folder / f"{payload.name}.{place}.json").write_text(text, encoding="utf-8")
        if payload.merges is not None:
            (folder / f"{payload.name}.merges.json").write_text(dump(payload.merges), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]), payloads())
