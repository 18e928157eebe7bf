"""What `drift replay` can do besides: learn rules, measure coverage, write results, run at once, outlive a crash."""

from __future__ import annotations

import base64
import gzip
import json
import re
import shutil
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
import zstandard
from support.harness import MODULES, Run
from support.pairs import paired
from support.replaying import Project, Replayed
from support.upstream import Upstream

DESKS = ("flask_desk.py", "express_desk.cjs")
# All of these make the same three calls, and each was recorded with other answers.
QUEUE = tuple(
    f"/queue/{name}?priority=1" for name in ("ada", "ben", "cem", "dia", "eva", "fay", "gus", "hal")
)
STEADY = ("/today", "/greeting", *QUEUE)
# Without the route whose answer is another one each time.
STEADY_FILTER = "path=^/(today|greeting|queue)"
RECORDED_DAY = {"flask_desk.py": "Monday 03 February 2025", "express_desk.cjs": "Mon, 03 Feb 2025"}
RECORDED_SECONDS = 1_738_584_000
MATCHES_EXACTLY = 1


@pytest.fixture(scope="module")
def desks() -> Iterator[dict[str, Project]]:
    with Run("options") as run:
        made: dict[str, Project] = {}
        try:
            with Upstream() as upstream:
                for service in DESKS:
                    made[service] = Project.make(
                        run.folder / service,
                        service,
                        upstream.url,
                        {"E2E_GREETING": "recorded"},
                        "recording:\n  enable_env_var_recording: true\n",
                    )
                for project in made.values():
                    # A tolerance for what counts would not even hold until the end of these tests.
                    (project.folder / "tickets").write_text("1000", "utf-8")
                    project.start_recording()
                for project in made.values():
                    for path in ("/ticket", *STEADY):
                        assert project.ask("GET", path) == 200
                for project in made.values():
                    project.end_recording()
                for project in made.values():
                    project.wait_recorded()
                    log = project.record_log()
                    assert log.count("recorded ") == 1 + len(STEADY), log
            for project in made.values():
                # What the service finds here is not what it was recorded with.
                project.environment["E2E_GREETING"] = "of this machine"
                record_long_ago(project)
            yield made
        finally:
            for project in made.values():
                project.stop()


@pytest.fixture(scope="module")
def plain(desks: dict[str, Project]) -> dict[str, Replayed]:
    """One replay of each service as it was recorded, one test after the other, over a Unix socket."""
    for project in desks.values():
        project.configure("unix")
    with ThreadPoolExecutor(len(desks)) as pool:
        replays = pool.map(lambda project: project.replay("--filter", STEADY_FILTER), desks.values())
        return dict(paired(list(desks), replays))


def record_long_ago(project: Project) -> None:
    """Makes the recording of the day one of another day, as if it had been recorded then."""
    [file] = [file for file in project.traces.glob("*.jsonl") if '"/today"' in file.read_text("utf-8")]
    spans = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    for span in spans:
        span["timestamp"]["seconds"] = RECORDED_SECONDS
        if span["isRootSpan"]:
            answer = json.loads(base64.b64decode(span["outputValue"]["body"]))
            answer["today"] = RECORDED_DAY[project.service.name]
            span["outputValue"]["body"] = base64.b64encode(json.dumps(answer).encode()).decode()
    file.write_text("".join(json.dumps(span) + "\n" for span in spans), "utf-8")


def outcome(replayed: Replayed) -> dict[str, Any]:
    """What was found of each test, without what is another number in each run."""
    kept = ("name", "state", "actual_status", "deviations", "calls", "error")
    found = {
        test["trace_id"]: {key: test.get(key) for key in kept if key in test}
        for test in replayed.results["tests"]
    }
    assert len(found) == len(replayed.results["tests"]), "a test has two results"
    return found


@pytest.mark.parametrize("transport", ["unix", "tcp"])
@pytest.mark.parametrize("service", DESKS)
def test_the_service_sees_the_recorded_day_and_variable(
    desks: dict[str, Project], plain: dict[str, Replayed], service: str, transport: str
) -> None:
    project = desks[service]
    replayed = plain[service]
    if transport == "tcp":
        project.configure(transport)
        replayed = project.replay("--filter", STEADY_FILTER)
    assert replayed.deviations == [], replayed.errors
    assert (replayed.code, replayed.results["totals"]["passed"]) == (0, len(STEADY)), replayed.errors


@pytest.mark.parametrize("service", DESKS)
def test_without_the_recorded_variables_the_service_sees_ours(
    desks: dict[str, Project], service: str
) -> None:
    project = desks[service]
    traces = project.folder / "without-variables"
    shutil.copytree(project.traces, traces)
    [snapshot] = [file for file in traces.iterdir() if "ENV_VARS_SNAPSHOT" in file.read_text("utf-8")]
    snapshot.unlink()
    project.configure("unix")
    replayed = project.replay("--trace-dir", str(traces), "--filter", "path=^/greeting")
    assert replayed.deviations == [("GET /greeting", "BODY_CHANGED", "$.greeting")], replayed.errors
    [test] = replayed.results["tests"]
    assert test["deviations"][0]["actual"] == '"of this machine"'


@pytest.mark.parametrize("service", DESKS)
def test_learn_names_the_fields_that_vary_and_a_change_is_still_found(
    desks: dict[str, Project], service: str
) -> None:
    project = desks[service]
    project.configure("unix")
    learned = project.drift("replay", "--learn", "3", "--quiet")
    assert learned.returncode == 0, learned.stderr
    rules = yaml.safe_load(learned.stdout)["comparison"]["rules"]
    assert {rule["path"] for rule in rules} == {"$.number", "$.token"}, learned.stdout
    assert {"path": "$.number", "presence": True} in rules, learned.stdout
    project.settings += learned.stdout
    project.configure("unix")
    replayed = project.replay()
    assert replayed.deviations == [], replayed.errors
    assert (replayed.code, replayed.results["totals"]["passed"]) == (0, 1 + len(STEADY))
    # The price is another, and what was a token is none.
    digits = {
        "flask_desk.py": "secrets.token_hex(8)",
        "express_desk.cjs": 'crypto.randomBytes(8).toString("hex")',
    }
    price = {"flask_desk.py": '"price": 45', "express_desk.cjs": "price: 45"}[service]
    project.change([(price, price.replace("45", "46")), (digits[service], '"none today"')])
    try:
        replayed = project.replay()
    finally:
        project.restore()
    assert sorted(replayed.deviations) == [
        ("GET /ticket", "BODY_CHANGED", "$.price"),
        ("GET /ticket", "BODY_CHANGED", "$.token"),
    ], replayed.errors
    assert replayed.code == 1


@dataclass
class Measured:
    """The lines of one file of an LCOV text, and the totals that it gives itself."""

    lines: dict[int, int] = field(default_factory=dict)
    found: int = 0
    hit: int = 0


def lcov(file: Path) -> dict[str, Measured]:
    measured: dict[str, Measured] = {}
    current = Measured()
    for line in file.read_text("utf-8").splitlines():
        key, _, value = line.partition(":")
        if key == "SF":
            current = measured.setdefault(value, Measured())
        elif key == "DA":
            number, count = value.split(",")
            current.lines[int(number)] = int(count)
        elif key == "LF":
            current.found = int(value)
        elif key == "LH":
            current.hit = int(value)
    return measured


def line_of(source: Path, text: str) -> int:
    [number] = [
        number for number, line in enumerate(source.read_text("utf-8").splitlines(), 1) if text in line
    ]
    return number


def test_coverage_of_flask_names_the_lines_that_the_tests_ran(desks: dict[str, Project]) -> None:
    project = desks["flask_desk.py"]
    project.configure("unix")
    ran = project.drift(
        "replay", "--filter", "path=^/greeting", "--show-coverage", "--coverage-output", "out/lcov.info"
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    measured = lcov(project.folder / "out" / "lcov.info")
    assert list(measured) == [str(project.service)]
    of_service = measured[str(project.service)]
    assert of_service.lines[line_of(project.service, 'jsonify({"greeting"')] == 1
    assert of_service.lines[line_of(project.service, 'jsonify({"today"')] == 0
    hit = sum(count > 0 for count in of_service.lines.values())
    assert (of_service.found, of_service.hit) == (len(of_service.lines), hit)
    assert 0 < hit < len(of_service.lines)
    assert f"coverage: {hit} of {len(of_service.lines)} lines" in ran.stderr


def test_coverage_leaves_out_what_the_configuration_excludes(desks: dict[str, Project]) -> None:
    project = desks["flask_desk.py"]
    plain = project.settings
    project.settings += "coverage:\n  enabled: true\n  exclude: ['flask_*.py']\n"
    project.configure("unix")
    project.settings = plain
    ran = project.drift("replay", "--filter", "path=^/greeting", "--coverage-output", "excluded.info")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert lcov(project.folder / "excluded.info") == {}
    assert "coverage.exclude" in ran.stderr
    project.settings += "coverage:\n  include: ['src/[']\n"
    project.configure("unix")
    project.settings = plain
    ran = project.drift("replay")
    assert ran.returncode == 2
    assert "coverage.include: `src/[`" in ran.stderr


def test_without_the_package_coverage_the_user_is_told_to_install_it(desks: dict[str, Project]) -> None:
    project = desks["flask_desk.py"]
    project.configure("unix")
    project.environment["PYTHONPATH"] = str(MODULES / "no_coverage")
    try:
        ran = project.drift("replay", "--filter", "path=^/greeting", "--show-coverage")
    finally:
        del project.environment["PYTHONPATH"]
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "pip install coverage" in ran.stderr
    assert ran.stderr.count("notice:") == 1, ran.stderr


def test_the_node_sdk_is_not_waited_for_where_it_has_no_coverage(desks: dict[str, Project]) -> None:
    project = desks["express_desk.cjs"]
    project.configure("unix")
    # It would leave every question open until its time is over, a minute for each test.
    ran = project.drift("replay", "--filter", STEADY_FILTER, "--show-coverage")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "0.1.27" in ran.stderr
    assert "0.1.28" in ran.stderr


@pytest.mark.parametrize("service", DESKS)
def test_one_deviation_is_the_same_in_every_form_of_results(desks: dict[str, Project], service: str) -> None:
    project = desks[service]
    project.configure("unix")
    limit = {"flask_desk.py": '"limit": opened', "express_desk.cjs": "limit: opened"}[service]
    project.change([(limit, limit.replace("limit", "bound"))])
    try:
        replayed = project.replay(
            *("--filter", STEADY_FILTER, "--junit", "out/junit.xml", "--save-results", "json"),
            *("--results-dir", "out/results"),
        )
    finally:
        project.restore()
    tests = len(STEADY)
    assert replayed.code == 1
    assert sorted(replayed.deviations) == [
        ("GET /today", "BODY_ADDED", "$.bound"),
        ("GET /today", "BODY_REMOVED", "$.limit"),
    ]
    totals = replayed.results["totals"]
    assert (totals["tests"], totals["passed"], totals["deviated"]) == (tests, tests - 1, 1)
    assert (totals["failed"], totals["deviations"]) == (0, 2)

    suites = ElementTree.parse(project.folder / "out" / "junit.xml").getroot()
    [suite] = suites
    for element in (suites, suite):
        assert [element.get(key) for key in ("tests", "failures", "errors")] == [str(tests), "1", "0"]
    assert suite.get("skipped") == "0"
    cases = suite.findall("testcase")
    assert len(cases) == tests
    [(case, failure)] = [(case, failure) for case in cases for failure in case]
    assert failure.tag == "failure"
    assert (case.get("name") or "").startswith("GET /today")
    assert "$.limit" in (failure.get("message") or "") or "$.bound" in (failure.get("message") or "")
    assert "$.limit" in (failure.text or "")
    assert "$.bound" in (failure.text or "")

    [run] = (project.folder / "out" / "results").iterdir()
    saved = json.loads((run / "results.json").read_text("utf-8"))
    results = saved["trace_test_results"]
    assert {result["trace_test_id"] for result in results} == set(outcome(replayed))
    [failed] = [result for result in results if not result["test_success"]]
    assert failed["test_failure_reason"] == 2
    assert "$.limit" in failed["test_failure_message"]
    levels = [
        span["match_level"] for result in results for span in result["span_results"] if "match_level" in span
    ]
    # Three calls of each in the queue, and the one of the day.
    assert len(levels) == 3 * len(QUEUE) + 1
    assert {level["match_type"] for level in levels} == {MATCHES_EXACTLY}


@pytest.mark.parametrize("service", DESKS)
def test_tests_that_run_at_once_get_their_own_answers(
    desks: dict[str, Project], plain: dict[str, Replayed], service: str
) -> None:
    project = desks[service]
    project.configure("unix")
    most_waiting = project.folder / "most-waiting"
    most_waiting.unlink()
    at_once = project.replay("--filter", STEADY_FILTER, "--concurrency", "4")
    assert outcome(at_once) == outcome(plain[service])
    assert at_once.code == 0, at_once.errors
    assert {test["state"] for test in at_once.results["tests"]} == {"passed"}
    at_most = int(most_waiting.read_text("utf-8"))
    if service == "flask_desk.py":
        assert at_most == 1
        assert "the clock of a Python service" in at_once.errors
    else:
        assert 1 < at_most <= 4
        assert "clock" not in at_once.errors


@pytest.mark.parametrize("service", DESKS)
def test_after_a_crash_every_test_has_one_result(desks: dict[str, Project], service: str) -> None:
    project = desks[service]
    project.configure("unix")
    edit = {
        "flask_desk.py": (
            '    return jsonify({"greeting"',
            '    print("out of paper", flush=True)\n    os._exit(7)\n    return jsonify({"greeting"',
        ),
        "express_desk.cjs": (
            "  response.json({ greeting",
            '  console.log("out of paper");\n  process.exit(7);\n  response.json({ greeting',
        ),
    }
    project.change([edit[service]])
    try:
        replayed = project.replay("--filter", STEADY_FILTER, "--concurrency", "4")
    finally:
        project.restore()
    assert replayed.code == 1, replayed.errors
    found = outcome(replayed)
    assert sorted(re.sub(r"\?.*", "", test["name"]) for test in found.values()) == sorted(
        "GET " + path.split("?")[0] for path in STEADY
    )
    [crashed] = [test for test in replayed.results["tests"] if test["state"] != "passed"]
    assert crashed["name"].startswith("GET /greeting")
    assert (crashed["state"], crashed["crashed_server"]) == ("failed", True)
    assert "7" in crashed["error"]
    assert "out of paper" in crashed["service_output"]
    assert "the service was lost" in replayed.errors


@pytest.mark.parametrize("service", DESKS)
def test_compressed_recordings_replay_as_plain_ones(
    desks: dict[str, Project], plain: dict[str, Replayed], service: str
) -> None:
    project = desks[service]
    project.configure("unix")
    packed = project.folder / "packed"
    packed.mkdir()
    for number, file in enumerate(sorted(project.traces.glob("*.jsonl"))):
        data = file.read_bytes()
        # One after the other, so that each kind holds tests.
        if number % 2:
            (packed / f"{file.name}.gz").write_bytes(gzip.compress(data))
        else:
            (packed / f"{file.name}.zst").write_bytes(zstandard.compress(data))
    unpacked = project.replay("--filter", STEADY_FILTER, "--trace-dir", str(packed))
    assert outcome(unpacked) == outcome(plain[service])
    assert unpacked.code == 0, unpacked.errors
    files = {Path(test["file"]).suffix for test in unpacked.results["tests"]}
    assert files == {".gz", ".zst"}
