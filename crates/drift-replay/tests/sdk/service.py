"""A service with a hand-made SDK, for tests of the driver. Standard library only.

python3 service.py PORT, in REPLAY mode. RUNTIME=1 says Node, 2 Python (the
default); SDK=none connects to nothing; SDK_VERSION is what it says it is;
COVERAGE=none refuses questions for coverage, COVERAGE=silent does not answer them.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import socket
import struct
import sys
import threading
import time
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


def varint(number: int) -> bytes:
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def part(tag: int, content: str | bytes) -> bytes:
    content = content.encode() if isinstance(content, str) else content
    return varint(tag << 3 | 2) + varint(len(content)) + content


def number(tag: int, value: int) -> bytes:
    return varint(tag << 3) + varint(value)


def fields(data: bytes) -> dict[int, Any]:
    found, at = {}, 0

    def read() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = read()
        if key & 7 == 0:
            value = read()
        elif key & 7 == 1:
            value, at = struct.unpack("<d", data[at : at + 8])[0], at + 8
        elif key & 7 == 2:
            length = read()
            value, at = data[at : at + length], at + length
        else:
            value, at = data[at : at + 4], at + 4
        found[key >> 3] = value
    return found


def connect() -> socket.socket:
    if os.environ.get("TUSK_MOCK_SOCKET"):
        link = socket.socket(socket.AF_UNIX)
        link.connect(os.environ["TUSK_MOCK_SOCKET"])
    else:
        link = socket.create_connection((os.environ["TUSK_MOCK_HOST"], int(os.environ["TUSK_MOCK_PORT"])))
    return link


def exactly(link: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = link.recv(count - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def send(link: socket.socket, message: bytes) -> None:
    link.sendall(struct.pack(">I", len(message)) + message)


def receive(link: socket.socket) -> dict[int, Any]:
    return fields(exactly(link, struct.unpack(">I", exactly(link, 4))[0]))


def mock(trace: str, name: str) -> bool:
    link = connect()
    url = part(1, part(1, "url") + part(2, part(3, name)))
    span = part(4, name) + part(5, "http") + part(9, url) + number(17, 3)
    request = part(1, "m") + part(2, trace) + part(3, span)
    send(link, number(1, 2) + part(2, "m") + part(4, request))
    answer = fields(receive(link)[4])
    link.close()
    return bool(answer.get(2))


class Sdk:
    clock = None
    main = None
    requests = 0

    @classmethod
    def start(cls) -> None:
        cls.main = connect()
        hello = part(1, "shop") + part(2, os.environ.get("SDK_VERSION", "0.1.29")) + part(3, "0.1.0")
        hello += number(5, int(os.environ.get("RUNTIME", "2")))
        send(cls.main, number(1, 1) + part(2, "hello") + part(3, hello))
        receive(cls.main)
        threading.Thread(target=cls.serve, daemon=True).start()

    @classmethod
    def serve(cls) -> None:
        while True:
            try:
                message = receive(cls.main)
            except (EOFError, OSError):
                return
            head = number(1, message[1]) + part(2, message[2])
            if message[1] == 6:
                cls.clock = fields(message[7])[1]
                send(cls.main, head + part(8, number(1, 1)))
            elif message[1] == 7 and os.environ.get("COVERAGE") == "silent":
                pass
            elif message[1] == 7 and os.environ.get("COVERAGE") == "none":
                send(cls.main, head + part(9, part(2, "Coverage not initialized")))
            elif message[1] == 7:
                ran = number(2, 0 if fields(message[8]).get(1) else 1)
                lines = part(1, part(1, "3") + ran)
                send(cls.main, head + part(9, number(1, 1) + part(3, part(1, "/app/a.py") + part(2, lines))))

    @classmethod
    def inbound(cls, trace: str) -> None:
        if cls.main:
            send(cls.main, number(1, 3) + part(2, "span") + part(5, part(1, part(1, trace))))


together = threading.Barrier(3)


class Handler(BaseHTTPRequestHandler):
    def do(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        trace = self.headers.get("x-td-trace-id", "")
        path, _, query = self.path.partition("?")
        status, headers, answer = 200, {}, b""
        if path == "/echo":
            answer = json.dumps(
                {
                    "method": self.command,
                    "target": self.path,
                    "headers": self.headers.items(),
                    "body": base64.b64encode(body).decode(),
                    "clock": Sdk.clock,
                    "env": dict(os.environ),
                }
            ).encode()
        elif path == "/call":
            answer = json.dumps([mock(trace, name) for name in query.split(",")]).encode()
        elif path == "/background":
            mock("", "background")
        elif path == "/late":
            threading.Thread(target=lambda: (time.sleep(0.1), mock(trace, "late"))).start()
        elif path == "/crash":
            print("about to die of", query, flush=True)
            os._exit(7)
        elif path == "/crash-once":
            if not os.path.exists("crashed-" + query):
                open("crashed-" + query, "w").close()
                os._exit(7)
        elif path == "/close":
            self.close_connection = True
            return
        elif path == "/slow":
            time.sleep(600)
        elif path == "/together":
            together.wait(20)
        elif path == "/status":
            status = int(query)
        elif path == "/redirect":
            status, headers = 302, {"Location": "/echo"}
        elif path == "/gzip":
            headers, answer = {"Content-Encoding": "gzip"}, gzip.compress(b"a" * 1000)
        elif path == "/deflate":
            headers, answer = {"Content-Encoding": "deflate"}, zlib.compress(b"b" * 1000)
        elif path == "/raw-deflate":
            squeeze = zlib.compressobj(wbits=-15)
            headers, answer = {"Content-Encoding": "deflate"}, squeeze.compress(b"c" * 1000) + squeeze.flush()
        elif path == "/brotli":
            headers, answer = {"Content-Encoding": "br"}, b"\x0b\x02\x80text\x03"
        elif path == "/binary":
            answer = bytes(range(256))
        elif path == "/chunked":
            self.wfile.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
            self.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for piece in (
                b"5;x=y\r\nhello\r\n",
                b"1\r\n \r\n",
                b"A\r\n0123456789\r\n",
                b"0\r\nTrailer: x\r\n\r\n",
            ):
                self.wfile.write(piece)
                self.wfile.flush()
            self.close_connection = True
            return
        elif path == "/cut":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")
            self.close_connection = True
            return
        elif path == "/odd":
            self.wfile.write(b"SMTP 220 hello\r\n\r\n")
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)
        self.wfile.flush()
        Sdk.inbound(trace)

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = do

    def log_message(self, *arguments: object) -> None:
        pass


if __name__ == "__main__":
    if os.environ.get("SDK") != "none":
        Sdk.start()
        mock("", "boot")
    ThreadingHTTPServer.daemon_threads = True
    print("serving", flush=True)
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
