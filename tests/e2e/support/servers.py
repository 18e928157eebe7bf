"""PostgreSQL and Redis from Debian's packages, each started for one test on a free port of 127.0.0.1."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from support.harness import wait_for

# The role, and the only database there is before one is made.
ROLE = "drift"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def accepts(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class _Server:
    """A process of its own that is stopped with a signal and leaves nothing behind."""

    stop_signal = signal.SIGTERM

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        raise NotImplementedError

    def _run(self, command: Sequence[str]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with open(self.folder / "server.log", "ab") as log:
            self._process = subprocess.Popen(
                command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )

        def ready() -> bool:
            if self._process is not None and self._process.poll() is not None:
                log = (self.folder / "server.log").read_text(encoding="utf-8", errors="replace")
                raise RuntimeError(f"{command[0]} ended before it was ready:\n{log}")
            return accepts(self.port)

        wait_for(f"{command[0]} to accept connections", ready, 60)

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.send_signal(self.stop_signal)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def __enter__(self) -> _Server:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class Redis(_Server):
    def start(self) -> None:
        server = program("redis-server")
        self._run(
            [server, "--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--appendonly", "no"]
        )

    def address_of(self, database: int) -> str:
        return f"redis://127.0.0.1:{self.port}/{database}"


class Postgres(_Server):
    # Fast shutdown: it does not wait for clients to leave.
    stop_signal = signal.SIGINT

    def start(self) -> None:
        data = self.folder / "data"
        if not data.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            subprocess.run(
                [
                    *as_somebody(),
                    postgres_program("initdb"),
                    f"--pgdata={data}",
                    f"--username={ROLE}",
                    "--auth=trust",
                    "--no-sync",
                    "--encoding=UTF8",
                    "--no-locale",
                ],
                check=True,
                capture_output=True,
            )
        settings = (
            "fsync=off",
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            f"port={self.port}",
        )
        options = [word for setting in settings for word in ("-c", setting)]
        self._run([*as_somebody(), postgres_program("postgres"), "-D", str(data), *options])
        wait_for("PostgreSQL to answer", self._answers, 60)

    def _answers(self) -> bool:
        check = [postgres_program("pg_isready"), "--quiet", "--host=127.0.0.1", f"--port={self.port}"]
        return subprocess.run(check, check=False).returncode == 0

    def run(self, statements: str, database: str = "postgres") -> None:
        """Runs statements; the first that fails is an error."""
        address = self.address_of(database)
        command = [postgres_program("psql"), "--quiet", "--set=ON_ERROR_STOP=1", "--no-psqlrc", address]
        subprocess.run(command, input=statements.encode(), check=True, capture_output=True)

    def address_of(self, database: str) -> str:
        return f"postgresql://{ROLE}@127.0.0.1:{self.port}/{database}"


def as_somebody() -> list[str]:
    """What stands before PostgreSQL's programs, which refuse to run as root: a namespace of
    users in which root has another number, so that the data stay in the folder of the test."""
    if os.geteuid() != 0:
        return []
    return ["unshare", "--user", "--map-user=1000", "--map-group=1000"]


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise RuntimeError(f"{name} is not on the PATH: run scripts/servers.sh")
    return found


def postgres_program(name: str) -> str:
    """Debian keeps the servers of each version in a folder of their own, and only some programs on the PATH."""
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    return str(versions[-1]) if versions else program(name)
