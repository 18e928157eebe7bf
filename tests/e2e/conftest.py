"""Records once for all tests: eight services, the same requests to each, then they are stopped."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from support import checks, exported, harness, traffic
from support.collector import Collector, Received
from support.harness import Service
from support.pairs import paired
from support.recording import Span, read
from support.traffic import Reply
from support.upstream import Upstream

# Longer than the flush period of the slower recorder, the Node one, which is 5 s.
QUIET_SECONDS = 5.5

# By name: the service, and the module that stands before the installed binding.
RECORDERS = {
    "python": ("python", "spy"),
    "python without binding": ("python", "absent"),
    "python with a raising binding": ("python", "raising"),
    "node": ("node", None),
}


@dataclass(frozen=True)
class Recording:
    """What one recorder left behind, in files or as export requests."""

    service: Service
    replies: dict[str, Reply]
    lines: list[str]
    requests: list[Received]
    calls: list[dict[str, str | None]]

    @property
    def spans(self) -> list[Span]:
        return read(self.lines)

    @property
    def bodies(self) -> list[bytes]:
        return [request.body for request in self.requests]


@dataclass(frozen=True)
class Recordings:
    files: dict[str, Recording]
    exports: dict[str, Recording]


_table = checks.Table()
_logs: dict[str, str] = {}


@pytest.fixture(scope="session")
def table() -> checks.Table:
    return _table


@pytest.fixture(scope="session")
def recordings(request: pytest.FixtureRequest) -> Iterator[Recordings]:
    with Upstream() as upstream, Collector() as collector, harness.Run("e2e") as run:
        yield record(upstream, collector, run)
        if request.session.testsfailed:
            _logs.update({service.name: service.log_tail() for service in run.services})


def expected_spans(recorder: str) -> int:
    return traffic.EXPECTED_SPANS - len(lost_spans(recorder))


def lost_spans(recorder: str) -> list[str]:
    """Test cases of which the SDK's own Python code loses a span; with our binding it loses none."""
    return ["relay lone-surrogate"] if recorder.startswith("python with") else []


def record(upstream: Upstream, collector: Collector, run: harness.Run) -> Recordings:
    files: dict[str, Service] = {}
    exports: dict[str, Service] = {}
    for name, (kind, module) in RECORDERS.items():
        folder = name.replace(" ", "-")
        files[name] = run.start(folder, kind, upstream.url, module=module)
        exports[name] = run.start(
            f"export-{folder}", kind, upstream.url, module=module, export_url=collector.url(folder)
        )
    services = [*files.values(), *exports.values()]
    for service in services:
        service.wait_until_ready()
    with ThreadPoolExecutor(len(services)) as pool:
        replies = dict(
            paired(
                [service.name for service in services],
                pool.map(traffic.send_all, [service.port for service in services]),
            )
        )

    def received(name: str) -> list[Received]:
        return collector.requests(name.replace(" ", "-"))

    def counts() -> list[int]:
        return [service.bytes_written() for service in services] + [len(received(name)) for name in exports]

    def flushed() -> bool:
        written = all(len(service.lines()) >= expected_spans(name) for name, service in files.items())
        return written and all(
            exported.count_spans(request.body for request in received(name)) >= expected_spans(name)
            for name in exports
        )

    # When spans are missing, the tests say which, as this could not.
    with contextlib.suppress(TimeoutError):
        harness.wait_for("all spans", flushed, 60, pause=0.5)
    # Nothing more must come either.
    harness.wait_until_quiet(counts, QUIET_SECONDS)
    for service in services:
        service.stop()

    def recording(name: str, service: Service) -> Recording:
        requests = received(name) if service in exports.values() else []
        return Recording(service, replies[service.name], service.lines(), requests, service.calls())

    return Recordings(
        {name: recording(name, service) for name, service in files.items()},
        {name: recording(name, service) for name, service in exports.items()},
    )


@pytest.fixture(params=list(RECORDERS))
def recorder(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for name, text in _logs.items():
        terminalreporter.section(f"end of the log of {name}")
        terminalreporter.write_line(text)
    lines = _table.lines()
    if lines:
        terminalreporter.section("recorded hashes")
        for line in lines:
            terminalreporter.write_line(line)
