"""The server the recorded services call: canned answers, byte for byte, on a free port of 127.0.0.1."""

from __future__ import annotations

import gzip
import hashlib
import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True)
class Answer:
    body: bytes
    content_type: str | None = JSON
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


def _nested(levels: int) -> bytes:
    """`levels` objects, one inside the other, around a number."""
    return b'{"n":' * levels + b"1" + b"}" * levels


# Numbers as text: what a parser would make of them is what is under test.
NUMBERS = (
    b'{"ratio":0.1,"many_digits":123456789.123456789,"third":0.3333333333333333,"pi":3.141592653589793,'
    b'"tiny":1e-7,"micro":0.000001,"hundredth_milli":0.00001,"smallest":5e-324,"largest":1.7976931348623157e308,'
    b'"exponent":1e5,"big_exponent":1E+22,"integral":1.0,"zero":0,"minus_zero":-0.0,"minus":-17,'
    b'"price":[19.99,0.30000000000000004,100.10]}'
)
BIG_INTEGERS = (
    b'{"two_53_and_one":9007199254740993,"i64_max":9223372036854775807,"two_63":9223372036854775808,'
    b'"u64_max":18446744073709551615,"two_70":1180591620717411303424,"i64_min":-9223372036854775808,'
    b'"ids":[10000000000000000001,10000000000000000002]}'
)
UNICODE = (
    '{"greeting":"Grüße aus Zürich","name":"Łukasz Żółć","japanese":"東京都","emoji":"👩‍👩‍👧 🇨🇭",'
    '"composed":"é","decomposed":"e\u0301","é":1,"e\u0301":2,"line":"a\u2028b","delete":"\x7f",'
    '"escaped":"\\u00e9\\ud83d\\ude00\\n\\t\\"\\\\\\/","ключ":"значение"}'
).encode()
ORDERS = (
    b'[{"id":9007199254740993,"price":19.5,"tags":["new","gift"],"address":{"city":"Bern","zip":"3011"}},'
    b'{"id":2,"price":0.25,"tags":[],"address":null}]'
)

ANSWERS: dict[str, Answer] = {
    "boot": Answer(b'{"features":{"beta":true,"limit":25}}'),
    "customers/1": Answer(
        '{"id":1,"name":"Zoë","since":"2019-04-01","score":0.875,"tags":["a","b"]}'.encode()
    ),
    "customers/7": Answer('{"id":7,"name":"李雷","since":"2021-12-31","score":1e-7,"tags":[]}'.encode()),
    "orders": Answer(ORDERS),
    "payments": Answer(b'{"id":"p-1","state":"captured","fee":0.29}', status=201),
    "broken": Answer(b'{"error":"out of order"}', status=503),
    "numbers": Answer(NUMBERS),
    "big-integers": Answer(BIG_INTEGERS),
    "unicode": Answer(UNICODE, content_type="application/json; charset=utf-8"),
    "list": Answer(b'[1,2,{"three":[3]},null,true,"six",[]]'),
    "scalar": Answer(b"42"),
    "null": Answer(b"null"),
    "string": Answer(b'"just a string"'),
    "spaced": Answer(b' {\n  "b" : [ 1 , 2 ] ,\r\n\t"a" : { }\n}\n'),
    "integer-keys": Answer(b'{"10":"ten","9":"nine","2":{"1":1},"b":0,"a":0,"":"empty key"}'),
    "key-order": Answer('{"\U0001f600":1,"\ue000":2,"z":3,"é":4,"Z":5}'.encode()),
    "repeated": Answer(b'{"a":1,"b":2,"a":3}'),
    "not-a-number": Answer(b'{"mean":NaN,"count":0}'),
    "cut-off": Answer(b'{"cut":'),
    "untyped": Answer(b'{"typed":false}', content_type="application/x-thing"),
    "deep-30": Answer(_nested(30)),
    "deep-60": Answer(_nested(60)),
    "deep-127": Answer(_nested(127)),
    "deep-150": Answer(_nested(150)),
    "empty": Answer(b""),
    "empty-text": Answer(b"", content_type=TEXT),
    "no-content": Answer(b"", content_type=None, status=204),
    "text": Answer("plain text, ünïcode,\nsecond line\n".encode(), content_type=TEXT),
    "latin-1": Answer("caf\xe9 \xff\xfe end".encode("latin-1"), content_type="text/plain"),
    "bom": Answer(b'\xef\xbb\xbf{"bom":true}'),
    "gzip": Answer(gzip.compress(b'{"zipped":[1,2,3]}', mtime=0), headers=(("Content-Encoding", "gzip"),)),
    "cookies": Answer(
        b'{"ok":true}', headers=(("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("X-Twice", "1"))
    ),
    "large": Answer(json.dumps({"rows": [{"id": i, "text": "é" * 20} for i in range(2000)]}).encode()),
    "lone-surrogate": Answer(b'{"half":"\\ud83d","pair":"\\ud83d\\ude00"}'),
}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Upstream

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        name = self.path.split("?")[0].strip("/")
        with self.server.lock:
            answer = self.server.answers.get(name)
            if name == "count":
                self.server.counted += 1
                answer = Answer(json.dumps({"number": self.server.counted}).encode())
        if name == "echo":
            seen = {
                "method": self.command,
                "path": self.path,
                "type": self.headers.get("Content-Type"),
                "length": len(body),
                "sha256": hashlib.sha256(body).hexdigest(),
                "many": self.headers.get_all("X-Many"),
            }
            answer = Answer(json.dumps(seen).encode())
        if answer is None:
            answer = Answer(b'{"error":"no such answer"}', status=404)
        self.send_response(answer.status)
        if answer.content_type is not None:
            self.send_header("Content-Type", answer.content_type)
        for header, value in answer.headers:
            self.send_header(header, value)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if answer.status != 204:
            self.wfile.write(answer.body)

    do_GET = do_POST = do_PUT = _answer

    def log_message(self, format: str, *args: object) -> None:
        pass


class Upstream(ThreadingHTTPServer):
    """The server in a thread of its own; a threading one, since keep-alive blocks any other."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = dict(ANSWERS)
        # What `count` answers is never the same twice.
        self.counted = 0
        self.lock = threading.Lock()
        self._thread = threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def change(self, name: str, answer: Answer) -> None:
        with self.lock:
            self.answers[name] = answer

    def __enter__(self) -> Upstream:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join()
