"""Shows the program `drift`: two services are recorded, replayed without their upstream, changed, and replayed again.

    make demo        builds what this needs, then runs it after scripts/demo.py

Everything runs on 127.0.0.1 and is gone afterwards, but for the reports under target/demo. The exit
code is 0 only if the unchanged services replay green and the change of each is named.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = ROOT / "target" / "env" / "e2e-python"
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

if __name__ == "__main__" and Path(sys.prefix).resolve() != ENVIRONMENT.resolve():
    interpreter = ENVIRONMENT / "bin" / "python"
    if not interpreter.exists():
        sys.exit("the demo's environment is not there yet: run `make demo`")
    os.execv(interpreter, [str(interpreter), *sys.argv])

from demo import REQUESTS, paint, say, section  # noqa: E402
from support import harness  # noqa: E402
from support.replaying import DRIFT, Project  # noqa: E402
from support.traffic import send  # noqa: E402
from support.upstream import Upstream  # noqa: E402

REPORTS = ROOT / "target" / "demo"
# What a developer might do to each: a member of the answer gets another name.
CHANGES = {
    "flask_service.py": ('"accepted": True', '"ok": True'),
    "express_service.cjs": ("accepted: true", "ok: true"),
}


def typed(command: str) -> None:
    say(paint(f"  $ {command}", "1"))


def shown(text: str) -> None:
    for line in text.splitlines():
        say(f"    {line}")


class Story:
    def __init__(self) -> None:
        self.wrong: list[str] = []
        self.projects: dict[str, Project] = {}

    def run(self) -> int:
        began = time.monotonic()
        REPORTS.mkdir(parents=True, exist_ok=True)
        with harness.Run("demo-replay") as run:
            try:
                self.record(run)
                self.replay()
                self.change()
            finally:
                for project in self.projects.values():
                    project.stop()
        say()
        say("Cleaned up: the services are stopped, their folders removed; the reports stay in target/demo.")
        if self.wrong:
            say(paint(f"WRONG: {'; '.join(self.wrong)}", "1;31"))
            return 1
        say(paint(f"Recorded, replayed, and the change found, in {time.monotonic() - began:.0f} s.", "1;32"))
        return 0

    def record(self, run: harness.Run) -> None:
        section(
            8,
            "Record with the program drift",
            "drift runs each service in RECORD mode, shows the traces that arrive, and stops it when its SDK\n"
            "has written all of them.",
        )
        with Upstream() as upstream:
            for service in CHANGES:
                self.projects[service] = Project.make(run.folder / service, service, upstream.url)
            for project in self.projects.values():
                project.start_recording()
            for case in REQUESTS:
                for project in self.projects.values():
                    send(project.port, case)
            for project in self.projects.values():
                project.end_recording()
            for service, project in self.projects.items():
                if not project.wait_recorded():
                    self.wrong.append(f"recording {service}")
                typed(f"drift record -- {Path(project.command[0]).name} {service}")
                lines = [
                    line
                    for line in project.record_log().splitlines()
                    if "recorded " in line or "traces, " in line
                ]
                shown("\n".join(lines).replace(f"{project.folder}/", ""))
                say()
        say("  The upstream is stopped now.")

    def replay(self) -> None:
        section(
            9,
            "Replay them, offline",
            "drift starts each service again, sends it what was recorded, answers its calls from the recording,\n"
            "and compares.",
        )
        for service, project in self.projects.items():
            code, output = self.drift(project, "replay")
            if code != 0:
                self.wrong.append(f"{service} unchanged does not replay green")
            typed(f"drift replay    # {service}")
            shown(output)

    def change(self) -> None:
        section(
            10,
            "Change them, and replay again",
            "In each service one member of one answer gets another name.",
        )
        for service, project in self.projects.items():
            old, new = CHANGES[service]
            project.change([(old, new)])
            report = REPORTS / f"{Path(service).stem}.html"
            code, output = self.drift(project, "replay", "--quiet", "--report", str(report))
            if code != 1 or "$.accepted" not in output or "$.ok" not in output:
                self.wrong.append(f"the change of {service} is not named")
            typed(f"drift replay --quiet --report {report.name}    # {service}: {old} is now {new}")
            shown(output)
            say(f"    the page: {paint(str(report.relative_to(ROOT)), '36')}")
            say()

    def drift(self, project: Project, *arguments: str) -> tuple[int, str]:
        ran = subprocess.run(
            [str(DRIFT), *arguments],
            cwd=project.folder,
            env=project.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=300,
        )
        return ran.returncode, ran.stdout.replace(f"{project.folder}/", "").replace(f"{ROOT}/", "")


if __name__ == "__main__":
    sys.exit(Story().run())
