"""Starts and stops services under recording; everything they write goes into `.run/`.

A run folder belongs to one process and is removed when it ends, however it ends; on failure the
end of each service's log is printed first. Services also leave by themselves when their parent
is gone, since their standard input then ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

E2E = Path(__file__).resolve().parents[1]
ROOT = E2E.parents[1]
PYTHON_ENV = ROOT / "target" / "env" / "e2e-python"
NODE_ENV = ROOT / "target" / "env" / "e2e-node"
MODULES = E2E / "modules"
API_KEY = "e2e-key"
SERVICE_ID = "e2e-service"

T = TypeVar("T")


def wait_for(what: str, condition: Callable[[], T | None], seconds: float, pause: float = 0.05) -> T:
    """Polls until the condition gives something true; the deadline is a failure that says what for."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() >= deadline:
            raise TimeoutError(f"waited {seconds:g} s in vain for {what}")
        time.sleep(pause)


def closed_address() -> str:
    """An address of this machine at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return f"http://127.0.0.1:{port}"


def _config(export_url: str | None) -> str:
    lines = [
        "service:",
        f"  id: {SERVICE_ID}",
        "  name: e2e",
        "recording:",
        "  enable_env_var_recording: true",
        f"  export_spans: {'true' if export_url else 'false'}",
    ]
    if export_url:
        lines += ["tusk_api:", f"  url: {export_url}"]
    return "\n".join(lines) + "\n"


@dataclass
class Service:
    """One service under recording."""

    name: str
    kind: str
    folder: Path
    process: subprocess.Popen[bytes]
    ready: dict[str, Any] = field(default_factory=dict)

    @property
    def port(self) -> int:
        return int(self.ready["port"])

    @property
    def traces(self) -> Path:
        return self.folder / ".tusk" / "traces"

    @property
    def log(self) -> Path:
        return self.folder / "service.log"

    @property
    def spy(self) -> Path:
        return self.folder / "spy.jsonl"

    def lines(self) -> list[str]:
        """The recorded spans that are written completely, one JSON text each."""
        found: list[str] = []
        for file in sorted(self.traces.glob("*.jsonl")):
            text = file.read_bytes().decode("utf-8")
            found += [line for line in text[: text.rfind("\n") + 1].split("\n") if line.strip()]
        return found

    def bytes_written(self) -> int:
        return sum(file.stat().st_size for file in self.traces.glob("*.jsonl"))

    def calls(self) -> list[dict[str, str | None]]:
        """What the watching or the raising binding wrote down."""
        if not self.spy.exists():
            return []
        return [json.loads(line) for line in self.spy.read_text(encoding="utf-8").splitlines()]

    def wait_until_ready(self, seconds: float = 60) -> None:
        file = self.folder / "ready.json"

        def ready() -> bool:
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.name} ended with {self.process.returncode} before it was ready")
            return file.exists()

        wait_for(f"{self.name} to listen", ready, seconds)
        self.ready = json.loads(file.read_text(encoding="utf-8"))

    def stop(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()

    def log_tail(self, count: int = 40) -> str:
        if not self.log.exists():
            return "(no log)"
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-count:])


def _is_running(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ValueError, PermissionError):
        return True
    except ProcessLookupError:
        return False
    return True


class Run:
    """A folder under `.run/` and the services in it, for the length of a `with` block."""

    def __init__(self, label: str) -> None:
        self.folder = ROOT / ".run" / f"{label}-{os.getpid()}"
        self.services: list[Service] = []
        self._old_handler: Any = None

    def __enter__(self) -> Run:
        for folder in self.folder.parent.glob("*-*"):
            # A run that was killed outright could not remove its own.
            if not _is_running(folder.name.rpartition("-")[2]):
                shutil.rmtree(folder, ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)

        def leave(_number: int, _frame: object) -> None:
            raise KeyboardInterrupt

        self._old_handler = signal.signal(signal.SIGTERM, leave)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(failed=kind is not None and not issubclass(kind, KeyboardInterrupt))

    def close(self, failed: bool) -> None:
        for service in self.services:
            service.stop()
        if failed:
            for service in self.services:
                print(f"--- end of the log of {service.name} ---\n{service.log_tail()}", file=sys.stderr)
        shutil.rmtree(self.folder, ignore_errors=True)
        # It stays where another run is using it.
        with contextlib.suppress(OSError):
            self.folder.parent.rmdir()
        if self._old_handler is not None:
            signal.signal(signal.SIGTERM, self._old_handler)

    def start(
        self,
        name: str,
        kind: str,
        upstream: str,
        *,
        module: str | None = None,
        export_url: str | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> Service:
        """Starts `kind` ("python" or "node") without waiting for it.

        `module` names a folder of tests/e2e/modules that stands before the installed packages.
        """
        folder = self.folder / name
        (folder / ".tusk").mkdir(parents=True)
        (folder / ".tusk" / "config.yaml").write_text(_config(export_url), encoding="utf-8")
        # The SDKs look for their configuration beside these.
        (folder / "requirements.txt").write_text("", encoding="utf-8")
        (folder / "package.json").write_text("{}\n", encoding="utf-8")
        # Nothing of the caller's environment goes in: it would be recorded, or steer the SDK.
        environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "TUSK_DRIFT_MODE": "RECORD",
            "TUSK_SAMPLING_RATE": "1",
            "TUSK_RECORDING_SAMPLING_RATE": "1",
            "E2E_UPSTREAM": upstream,
            "E2E_CLOSED": closed_address(),
            "E2E_READY": str(folder / "ready.json"),
            "E2E_SPY": str(folder / "spy.jsonl"),
            **(extra or {}),
        }
        if export_url:
            environment["E2E_API_KEY"] = API_KEY
        if kind == "python":
            environment["PYTHONDONTWRITEBYTECODE"] = "1"
            if module:
                environment["PYTHONPATH"] = str(MODULES / module)
            command = [str(PYTHON_ENV / "bin" / "python"), str(E2E / "services" / "flask_service.py")]
        else:
            # The service's file is outside the folder its packages are installed in.
            environment["NODE_PATH"] = str(NODE_ENV / "node_modules")
            command = [node_program(), str(E2E / "services" / "express_service.cjs")]
        with open(folder / "service.log", "wb") as log:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        service = Service(name, kind, folder, process)
        self.services.append(service)
        return service


def node_program() -> str:
    found = shutil.which("node")
    if found is None:
        raise RuntimeError("node is not on the PATH")
    return found


def wait_until_quiet(counts: Callable[[], object], quiet: float, seconds: float = 60) -> None:
    """Waits until the counts have not changed for `quiet` seconds, longer than a recorder's flush period."""
    last, since = counts(), time.monotonic()

    def settled() -> bool:
        nonlocal last, since
        now = counts()
        if now != last:
            last, since = now, time.monotonic()
        return time.monotonic() - since >= quiet

    wait_for("the recorders to fall quiet", settled, seconds, pause=0.2)
