"""Stands in for the service that SDKs export to: keeps the bytes of each request, answers success."""

from __future__ import annotations

import threading
from collections import defaultdict
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

# ExportSpansResponse{success: true}
_SUCCESS = b"\x08\x01"


@dataclass(frozen=True)
class Received:
    path: str
    content_type: str | None
    api_key: str | None
    body: bytes


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        _, run, rest = self.path.split("/", 2)
        received = Received("/" + rest, self.headers.get("Content-Type"), self.headers.get("x-api-key"), body)
        with self.server.lock:
            self.server.received[run].append(received)
        self.send_response(200)
        self.send_header("Content-Type", "application/protobuf")
        self.send_header("Content-Length", str(len(_SUCCESS)))
        self.end_headers()
        self.wfile.write(_SUCCESS)

    def log_message(self, format: str, *args: object) -> None:
        pass


class Collector(ThreadingHTTPServer):
    """Listens on a free port of 127.0.0.1; each run has an address of its own."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: dict[str, list[Received]] = defaultdict(list)
        self.lock = threading.Lock()
        self._thread = threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )

    def url(self, run: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{run}"

    def requests(self, run: str) -> list[Received]:
        with self.lock:
            return list(self.received[run])

    def __enter__(self) -> Collector:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join()
