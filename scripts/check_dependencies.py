"""Fails on an edge of the dependency graph that DESIGN.md forbids, and prints the rule it breaks.

python scripts/check_dependencies.py

Arrows run downwards only. What a room may use of the workspace is in ROOMS, what the core may not be linked
with, however far down, in CORE_BANS. From a test: `assert find_forbidden_edges(read_graph()) == []`.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CORE = "drift-rust-core"


@dataclass(frozen=True)
class Room:
    """The crates in a folder, and the crates of the workspace that they may use."""

    folder: str
    may_use: frozenset[str]
    rule: str


# The first room whose folder a crate lies in is its room. Crates that nobody may use stand in no `may_use`.
ROOMS = (
    Room("crates/drift-rust-core", frozenset(), "the core uses no other crate of the workspace"),
    Room("bindings/", frozenset({CORE}), "a binding uses the core alone"),
    Room("crates/drift-replay", frozenset({CORE}), "drift-replay uses the core alone"),
    Room(
        "crates/drift-cli",
        frozenset({CORE, "drift-replay"}),
        "the command line uses the library crates; nothing uses the command line",
    ),
    Room("tests/", frozenset({CORE, "drift-replay"}), "tests use the library crates; nothing uses tests"),
    Room(
        "benches", frozenset({CORE, "drift-replay"}), "benches use the library crates; nothing uses benches"
    ),
)

# Crates, by whole name, that must not be linked into the core.
CORE_BANS = (
    (
        r"pyo3(-.*)?|napi(-.*)?|neon|jni|wasm-bindgen|js-sys|uniffi.*",
        "core knows no host language: feature unification would leak it into every binding",
    ),
    (
        r"tokio(-.*)?|async-std|async-io|async-executor|smol|mio|futures-executor|futures-util|futures",
        "core knows no async runtime: the bindings decide on which thread a call runs",
    ),
    (
        r"hyper(-.*)?|reqwest|ureq|socket2|rustls|native-tls|openssl(-sys)?|notify|walkdir|memmap2|tempfile",
        "core does no I/O: callers pass the bytes in",
    ),
    (
        r"chrono|time|jiff|rand|rand_core|getrandom|fastrand|uuid|dotenvy?",
        "core reads no clock, no environment and no random source: callers pass those values in",
    ),
    (r"log|tracing|tracing-.*|env_logger|slog", "core logs nothing: it returns errors"),
)

# What a binding must leave to the core, as direct dependencies.
BINDING_BANS = (
    (
        r"prost(-types)?|tusk-drift-schemas|sha2|blake3|base64|zmij|simdutf8|serde_json",
        "a binding holds no rule about values: it extracts, calls the core once and converts the result",
    ),
)


def read_graph() -> dict[str, Any]:
    """The workspace on all platforms, from `cargo metadata`; from the network only what is missing."""
    command = ["cargo", "metadata", "--format-version", "1", "--locked"]
    answer = _run([*command, "--offline"])
    if answer.returncode != 0:
        # The manifests of packages that only other platforms build have to be there too.
        _run(["cargo", "fetch", "--locked"])
        answer = _run(command)
    if answer.returncode != 0:
        raise SystemExit(f"cargo metadata failed:\n{answer.stderr}")
    graph: dict[str, Any] = json.loads(answer.stdout)
    return graph


def find_forbidden_edges(graph: dict[str, Any], root: Path = ROOT) -> list[str]:
    """One line for each forbidden edge, with the rule; empty when there is none."""
    packages = {package["id"]: package for package in graph["packages"]}
    members = [packages[member] for member in sorted(graph["workspace_members"])]
    names = {member["name"] for member in members}
    lines = []
    for member in members:
        folder = Path(member["manifest_path"]).parent.relative_to(root).as_posix()
        room = next((room for room in ROOMS if f"{folder}/".startswith(room.folder)), None)
        if room is None:
            lines.append(f"{member['name']} ({folder}) has no room: give it one in {Path(__file__).name}")
            continue
        # Declared dependencies of every kind, for every platform and feature: tests have no other rooms.
        direct = {dependency["name"] for dependency in member["dependencies"]}
        lines += [
            f"{member['name']} -> {name}: {room.rule}" for name in sorted((direct & names) - room.may_use)
        ]
        if room.folder == "bindings/":
            lines += _banned([[member["name"], name] for name in sorted(direct)], BINDING_BANS)
        if member["name"] == CORE:
            lines += _banned(_linked_paths(graph, member["id"]), CORE_BANS)
            lines += _banned([[CORE, name] for name in sorted(direct)], CORE_BANS[:2])
    return list(dict.fromkeys(lines))


def _linked_paths(graph: dict[str, Any], start: str) -> list[list[str]]:
    """The shortest path to each package linked in; derive macros and build scripts are not linked."""
    packages = {package["id"]: package for package in graph["packages"]}
    nodes = {node["id"]: node for node in graph["resolve"]["nodes"]}
    paths = {start: [packages[start]["name"]]}
    queue = deque([start])
    while queue:
        current = queue.popleft()
        for edge in nodes[current]["deps"]:
            target = edge["pkg"]
            linked = any(kind["kind"] is None for kind in edge["dep_kinds"])
            macro = any("proc-macro" in part["kind"] for part in packages[target]["targets"])
            if linked and not macro and target not in paths:
                paths[target] = [*paths[current], packages[target]["name"]]
                queue.append(target)
    del paths[start]
    return list(paths.values())


def _banned(paths: list[list[str]], bans: tuple[tuple[str, str], ...]) -> list[str]:
    return [
        f"{' -> '.join(path)}: {rule}" for path in paths for ban, rule in bans if re.fullmatch(ban, path[-1])
    ]


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def main() -> int:
    """The command line: prints the forbidden edges, gives 1 if there are any."""
    graph = read_graph()
    lines = find_forbidden_edges(graph)
    for line in lines:
        print(f"forbidden: {line}", file=sys.stderr)
    if not lines:
        print(f"dependency graph: {len(graph['workspace_members'])} crates of ours, no forbidden edge")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
