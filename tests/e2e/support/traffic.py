"""The requests that are sent to a service under recording, and what each must leave behind."""

from __future__ import annotations

import http.client
from dataclasses import dataclass

JSON = "application/json"


@dataclass(frozen=True)
class Case:
    """One request; `outbound` counts the calls it makes the service do."""

    name: str
    path: str
    method: str = "GET"
    body: bytes | None = None
    content_type: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    outbound: int = 1
    status: int = 200
    recorded: bool = True


def _relay(name: str, query: str = "", **rest: object) -> Case:
    return Case(name=f"relay {name}{query}", path=f"/relay/{name}{query}", **rest)  # type: ignore[arg-type]


_RELAYED = (
    "numbers",
    "big-integers",
    "unicode",
    "list",
    "scalar",
    "null",
    "string",
    "spaced",
    "integer-keys",
    "key-order",
    "repeated",
    "not-a-number",
    "cut-off",
    "untyped",
    "deep-30",
    "deep-60",
    "deep-127",
    "deep-150",
    "empty",
    "empty-text",
    "no-content",
    "text",
    "latin-1",
    "bom",
    "gzip",
    "cookies",
    "large",
    "lone-surrogate",
)
_FETCH = (("X-Via", "fetch"),)

ORDER = (
    '{"amount":1234.5,"note":"für Łukasz 🎁",'
    '"lines":[{"sku":"A-1","count":2,"options":{"size":"L","gift":true}},{"sku":"B-2","count":1,"options":{}}],"id":9007199254740993}'
).encode()

CASES: tuple[Case, ...] = (
    Case("customer 1", "/customers/1", outbound=2),
    Case("customer 7", "/customers/7?verbose=1", outbound=2),
    Case("order", "/orders", "POST", ORDER, JSON),
    Case("resilient", "/resilient", outbound=2),
    *(_relay(name) for name in _RELAYED),
    *(
        Case(f"fetch {name}", f"/relay/{name}", headers=_FETCH)
        for name in ("numbers", "unicode", "integer-keys", "text", "empty", "gzip", "untyped")
    ),
    _relay("echo", "?q=a&q=b&name=Z%C3%BCrich&empty=&flag"),
    _relay(
        "echo", "?json", method="POST", body=b'{"b":[1,2.50,{"c":null}],"a":"\xc3\xa9"}', content_type=JSON
    ),
    _relay(
        "echo",
        "?numbers",
        method="POST",
        body=b'{"n":123456789.123456789,"i":9007199254740993}',
        content_type=JSON,
    ),
    _relay("echo", "?put", method="PUT", body=b"[]", content_type=JSON),
    _relay(
        "echo", "?text", method="POST", body="schlichter Text, größer".encode(), content_type="text/plain"
    ),
    _relay("echo", "?not-json", method="POST", body=b"not json {", content_type=JSON),
    _relay(
        "echo", "?form", method="POST", body=b"a=1&b=%C3%A9", content_type="application/x-www-form-urlencoded"
    ),
    _relay("echo", "?bytes", method="POST", body=bytes(range(256)), content_type="application/octet-stream"),
    _relay("echo", "?no-type", method="POST", body=b'{"untyped":1.0}'),
    _relay("echo", "?no-body", method="POST", body=b""),
    _relay(
        "echo",
        "?many",
        headers=(("X-Many", "one"), ("X-Many", "two"), ("X-Empty", ""), ("X-Latin", "caf\xe9")),
    ),
    # What the SDKs refuse to record: an error status and HTML.
    Case("missing", "/missing", outbound=0, status=404, recorded=False),
    Case("page", "/page", outbound=0, recorded=False),
)

# The call before the service is ready and the snapshot of the environment, each in a trace of its own.
ALONE = 2
EXPECTED_SPANS = ALONE + sum(1 + case.outbound for case in CASES if case.recorded)


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes


def send(port: int, case: Case) -> Reply:
    """Sends one request with exactly the case's headers, which a high-level client would tidy up."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.putrequest(case.method, case.path, skip_accept_encoding=True)
        connection.putheader("X-Case", case.name)
        for header, value in case.headers:
            connection.putheader(header, value)
        if case.content_type is not None:
            connection.putheader("Content-Type", case.content_type)
        if case.body is not None:
            connection.putheader("Content-Length", str(len(case.body)))
        connection.endheaders(case.body)
        answer = connection.getresponse()
        return Reply(answer.status, answer.read())
    finally:
        connection.close()


def send_all(port: int, cases: tuple[Case, ...] = CASES) -> dict[str, Reply]:
    replies: dict[str, Reply] = {}
    for case in cases:
        reply = send(port, case)
        if reply.status != case.status:
            raise AssertionError(
                f"{case.name}: status {reply.status} instead of {case.status}: {reply.body[:300]!r}"
            )
        replies[case.name] = reply
    return replies
