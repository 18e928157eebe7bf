"""Services recorded against real servers are replayed with those servers stopped, and every change is named."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from support import changes, traffic
from support.harness import Run
from support.replaying import Project
from support.servers import Postgres, Redis
from support.upstream import Upstream

STORES = ("flask_store.py", "express_store.cjs")
RELAYS = ("flask_service.py", "express_service.cjs")

TABLES = """
CREATE TABLE products (id int PRIMARY KEY, name text, price_cents int);
CREATE TABLE orders (id serial PRIMARY KEY, customer text, product_id int, quantity int, state text);
INSERT INTO products VALUES (1, 'Käse', 450), (2, 'Brot', 380);
INSERT INTO orders (customer, product_id, quantity, state) VALUES ('zoe', 1, 2, 'open'), ('zoe', 2, 1, 'sent');
"""
ORDER = {"customer": "zoe", "product": 2, "quantity": 3}
# The second request for a product is answered by Redis; the second list of orders has one more.
SHOPPING = (
    ("GET", "/products/1", None),
    ("GET", "/products/1", None),
    ("GET", "/orders?customer=zoe", None),
    ("POST", "/orders", ORDER),
    ("GET", "/orders?customer=zoe", None),
    ("GET", "/prices", None),
    ("GET", "/limits", None),
)


@pytest.fixture(scope="module")
def projects() -> Iterator[dict[str, Project]]:
    with Run("replay") as run:
        made: dict[str, Project] = {}
        try:
            with (
                Upstream() as upstream,
                Redis(run.folder / "redis") as redis,
                Postgres(run.folder / "pg") as pg,
            ):
                for number, service in enumerate((*STORES, *RELAYS)):
                    extra = {}
                    if service in STORES:
                        pg.run(f"CREATE DATABASE shop{number}")
                        pg.run(TABLES, f"shop{number}")
                        extra = {
                            "E2E_POSTGRES": pg.address_of(f"shop{number}"),
                            "E2E_REDIS": redis.address_of(number),
                        }
                    made[service] = Project.make(run.folder / service, service, upstream.url, extra)
                for project in made.values():
                    project.start_recording()
                for service, project in made.items():
                    if service in STORES:
                        for method, path, body in SHOPPING:
                            assert project.ask(method, path, body) in (200, 201)
                    else:
                        traffic.send_all(project.port, REPEATABLE[service])
                for project in made.values():
                    project.end_recording()
                for project in made.values():
                    assert project.wait_recorded(), project.record_log()
            # PostgreSQL, Redis and the upstream are stopped now.
            yield made
        finally:
            for project in made.values():
                project.stop()


# Of the requests of the recording tests, those that a replay can be asked to repeat. The Python SDK
# has no answer that is an error (it records `{}` for a 503), so its service sees a 200 instead.
REPLAYED = tuple(case for case in traffic.CASES if case.recorded)
REPEATABLE = {
    "flask_service.py": tuple(case for case in REPLAYED if case.name != "resilient"),
    "express_service.cjs": REPLAYED,
}


@pytest.mark.parametrize("service", [*STORES, *RELAYS])
def test_record_shows_every_trace_and_ends_in_order(projects: dict[str, Project], service: str) -> None:
    log = projects[service].record_log()
    expected = len(SHOPPING) if service in STORES else len(REPEATABLE[service])
    assert log.count("recorded ") == expected, log
    assert f"{expected} traces" in log


@pytest.mark.parametrize("transport", ["unix", "tcp"])
@pytest.mark.parametrize("service", [*STORES, *RELAYS])
def test_an_unchanged_service_replays_green_without_its_servers(
    projects: dict[str, Project], service: str, transport: str
) -> None:
    project = projects[service]
    project.configure(transport)
    replayed = project.replay()
    assert replayed.deviations == [], replayed.errors
    totals = replayed.results["totals"]
    expected = len(SHOPPING) if service in STORES else len(REPEATABLE[service])
    assert (replayed.code, totals["tests"], totals["passed"]) == (0, expected, expected), replayed.errors


@pytest.mark.parametrize("service", STORES)
def test_a_required_sandbox_lets_the_sdk_reach_the_mock_server_over_tcp(
    projects: dict[str, Project], service: str
) -> None:
    project = projects[service]
    project.configure("tcp")
    ran = project.drift("replay", "--sandbox-mode", "strict")
    if "the sandbox is required" in ran.stderr:
        # A kernel without Landlock; nothing was replayed.
        assert (ran.returncode, ran.stdout) == (2, ""), ran.stderr
        assert "Linux 6.7" in ran.stderr
        return
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"{len(SHOPPING)} tests: {len(SHOPPING)} passed" in ran.stdout
    ports = sorted((project.port, project.mock_port))
    assert f"sandbox: TCP to ports {ports[0]} and {ports[1]} only" in ran.stderr, ran.stderr


EDITED = [
    *((service, change) for service in STORES for change in changes.STORES),
    *((service, change) for service in RELAYS for change in changes.RELAYS),
]


@pytest.mark.parametrize(("service", "change"), EDITED)
def test_a_change_is_named_exactly(projects: dict[str, Project], service: str, change: str) -> None:
    project = projects[service]
    edits, expected = (changes.STORES if service in STORES else changes.RELAYS)[change]
    project.configure("unix")
    project.change(edits[service])
    try:
        replayed = project.replay()
        said = project.drift("replay", "--quiet").stdout
    finally:
        project.restore()
    for trace, span in re.findall(r"why: drift explain (\w+) (\w+)", said):
        explained = project.drift("explain", trace, span).stdout
        assert "/boot" in explained or "/news" in explained, explained
        assert "nothing recorded answers it" in explained, explained
    assert ("why: drift explain" in said) == (change == "an extra call"), said
    assert replayed.code == 1, replayed.errors
    for name, code, where in replayed.deviations:
        assert any(
            name.startswith(test) and code == wanted and place in where for test, wanted, place in expected
        ), (name, code, where)
    for test, wanted, place in expected:
        assert any(
            name.startswith(test) and code == wanted and place in where
            for name, code, where in replayed.deviations
        ), (test, wanted, place, replayed.deviations)
