"""The worker processes: start, ask, and notice when one dies."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
BATCH = 64
# One batch takes milliseconds; only a call that hangs takes this long.
DEADLINE_SECONDS = 300


class Died(Exception):
    """The worker process is gone; `args[0]` says how."""


class Worker:
    """One interpreter with one package loaded, restarted whenever it dies."""

    def __init__(self, command: Sequence[str]) -> None:
        self.command = list(command)
        self.process: subprocess.Popen[bytes] | None = None
        self.buffer = b""
        self.deaths = 0

    def _start(self) -> subprocess.Popen[bytes]:
        if self.process is None or self.process.poll() is not None:
            self.buffer = b""
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONWARNINGS": "ignore"},
            )
        return self.process

    def ask(self, question: Any) -> Any:
        """One line out, one line back."""
        process = self._start()
        assert process.stdin is not None and process.stdout is not None
        line = json.dumps(question).encode("ascii") + b"\n"
        try:
            process.stdin.write(line)
            process.stdin.flush()
        except BrokenPipeError:
            raise Died(self._reason(process)) from None
        descriptor = process.stdout.fileno()
        while b"\n" not in self.buffer:
            ready, _, _ = select.select([descriptor], [], [], DEADLINE_SECONDS)
            chunk = os.read(descriptor, 1 << 20) if ready else b""
            if not chunk:
                if not ready:
                    process.kill()
                raise Died(self._reason(process))
            self.buffer += chunk
        reply, _, self.buffer = self.buffer.partition(b"\n")
        return json.loads(reply)

    def _reason(self, process: subprocess.Popen[bytes]) -> str:
        code = process.wait()
        self.process = None
        self.deaths += 1
        return f"signal {-code}" if code < 0 else f"exit {code}"

    def answers(self, calls: list[Any], alone: list[bool]) -> list[Any]:
        """An answer for each call; a call that kills the process is {"died": how}."""
        result: list[Any] = []
        at = 0
        while at < len(calls):
            size = 1
            while at + size < len(calls) and size < BATCH and not (alone[at] or alone[at + size]):
                size += 1
            batch = calls[at : at + size]
            try:
                result.extend(self.ask(batch))
            except Died as death:
                if size == 1:
                    result.append({"died": str(death)})
                else:
                    # Find the one that did it.
                    result.extend(self.answers(batch, [True] * size))
            at += size
        return result

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            assert self.process.stdin is not None
            self.process.stdin.close()
            self.process.wait()
        self.process = None


class Side:
    """One side: its Python and its Node package."""

    def __init__(self, name: str, python: str, node_directory: str, node: str) -> None:
        self.name = name
        self.workers = {
            "py": Worker([python, "-B", str(HERE / "worker.py")]),
            "node": Worker([node, str(HERE / "worker.cjs"), str(Path(node_directory).resolve())]),
        }

    def answers(self, language: str, calls: list[Any], alone: list[bool]) -> list[Any]:
        return self.workers[language].answers(calls, alone)

    def signatures(self, language: str) -> Any:
        try:
            return self.workers[language].ask("signatures")
        except Died as death:
            print(f"{self.name} {language} does not start: {death}", file=sys.stderr)
            raise SystemExit(2) from None

    def has_numpy(self) -> bool:
        return bool(self.workers["py"].ask("numpy"))

    def stop(self) -> None:
        for worker in self.workers.values():
            worker.stop()


def call_of(language: str, function: str, args: list[Any], kwargs: Any) -> tuple[Any, ...]:
    return (function, args, kwargs) if language == "py" else (function, args)
