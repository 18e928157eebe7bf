"""`drift record` and `drift replay` on copies of the services, as a user runs them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.harness import E2E, NODE_ENV, PYTHON_ENV, closed_address, node_program, wait_for
from support.servers import accepts, free_port

ROOT = E2E.parents[1]
DRIFT = ROOT / "target" / "debug" / "drift"
# Longer than the flush period of the slower recorder.
SETTLE_SECONDS = 7


@dataclass
class Replayed:
    """What one `drift replay` said."""

    code: int
    results: dict[str, Any]
    errors: str

    @property
    def deviations(self) -> list[tuple[str, str, str]]:
        """The test, the code and where, of every deviation."""
        return [
            (test["name"], deviation["code"], deviation.get("path") or deviation["description"])
            for test in self.results["tests"]
            for deviation in test.get("deviations", [])
        ]


@dataclass
class Project:
    """A folder with a service of its own: its code, its configuration, its traces."""

    folder: Path
    service: Path
    port: int
    environment: dict[str, str]
    mock_port: int = 0
    # YAML that stands behind the rest of the configuration.
    settings: str = ""
    recorder: subprocess.Popen[bytes] | None = None

    @classmethod
    def make(
        cls,
        folder: Path,
        service: str,
        upstream: str,
        extra: dict[str, str] | None = None,
        settings: str = "",
    ) -> Project:
        (folder / ".tusk").mkdir(parents=True)
        source = folder / service
        shutil.copy(E2E / "services" / service, source)
        # The SDKs look for their configuration beside these.
        (folder / "requirements.txt").write_text("", encoding="utf-8")
        (folder / "package.json").write_text("{}\n", encoding="utf-8")
        port = free_port()
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
            "NODE_PATH": str(NODE_ENV / "node_modules"),
            "PORT": str(port),
            "E2E_UPSTREAM": upstream,
            "E2E_CLOSED": closed_address(),
            **(extra or {}),
        }
        project = cls(folder, source, port, environment, settings=settings)
        project.configure("unix")
        return project

    @property
    def command(self) -> list[str]:
        is_python = self.service.suffix == ".py"
        program = str(PYTHON_ENV / "bin" / "python") if is_python else node_program()
        return [program, self.service.name]

    def configure(self, transport: str) -> None:
        self.mock_port = free_port()
        lines = [
            "service:",
            "  id: shop",
            "  name: shop",
            f"  port: {self.port}",
            "  start:",
            f"    command: exec {' '.join(self.command)}",
            "  communication:",
            f"    type: {transport}",
            f"    tcp_port: {self.mock_port}",
        ]
        text = "\n".join(lines) + "\n" + self.settings
        (self.folder / ".tusk" / "config.yaml").write_text(text, encoding="utf-8")

    @property
    def traces(self) -> Path:
        return self.folder / ".tusk" / "traces"

    def ask(self, method: str, path: str, body: dict[str, object] | None = None) -> int:
        """Sends the service a request; gives the status."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", method=method)
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, data, timeout=30) as answer:
            answer.read()
            return int(answer.status)

    def drift(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(DRIFT), *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    def start_recording(self) -> None:
        arguments = ["record", "--settle", str(SETTLE_SECONDS), "--", *self.command]
        with open(self.folder / "record.log", "wb") as log:
            self.recorder = subprocess.Popen(
                [str(DRIFT), *arguments],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        wait_for(f"{self.service.name} to listen", self._listens, 90)

    def _listens(self) -> bool:
        if self.recorder is not None and self.recorder.poll() is not None:
            raise RuntimeError(f"drift record ended with {self.recorder.returncode}:\n{self.record_log()}")
        return accepts(self.port)

    def end_recording(self) -> None:
        if self.recorder is not None:
            self.recorder.send_signal(signal.SIGTERM)

    def wait_recorded(self) -> bool:
        """Whether the recorder ended as SIGTERM has it end."""
        return self.recorder is None or self.recorder.wait(90) == 128 + signal.SIGTERM

    def record_log(self) -> str:
        return (self.folder / "record.log").read_text(encoding="utf-8", errors="replace")

    def replay(self, *arguments: str) -> Replayed:
        ran = self.drift("replay", "--json", *arguments)
        if not ran.stdout.strip():
            raise AssertionError(f"drift replay ended with {ran.returncode} and said:\n{ran.stderr}")
        return Replayed(ran.returncode, json.loads(ran.stdout), ran.stderr)

    def stop(self) -> None:
        if self.recorder is not None and self.recorder.poll() is None:
            self.recorder.kill()
            self.recorder.wait()

    def change(self, edits: Sequence[tuple[str, str]]) -> None:
        """Edits the service; each text that goes has to be there exactly once."""
        text = self.service.read_text(encoding="utf-8")
        for old, new in edits:
            if text.count(old) != 1:
                raise AssertionError(f"{old!r} is {text.count(old)} times in {self.service.name}")
            text = text.replace(old, new)
        self.service.write_text(text, encoding="utf-8")

    def restore(self) -> None:
        shutil.copy(E2E / "services" / self.service.name, self.service)
