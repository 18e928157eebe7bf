"""Writes or checks the fixture files: the inputs are in `cases/`, expected values come from the oracle.

python parity-fixtures/generate.py --write    writes the files that differ
python parity-fixtures/generate.py --check    exits with 1 and names the command when one differs
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import pathlib
import sys
from typing import Any

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "oracle")]

from drift_oracle import evaluate, selfcheck  # noqa: E402
from drift_oracle.official import check_fixture  # noqa: E402

AREAS = (
    "numbers strings order nesting merges schema struct payload spans export process_span errors rfc8785 reading diff "
    "boundaries"
).split()
MANIFEST = "manifest.json"
MAX_FILE_BYTES = 1_000_000
COMMAND = "python parity-fixtures/generate.py --write"


def fixtures_of(area: str) -> list[dict[str, Any]]:
    """The fixtures of one area, held against the official protobuf package."""
    fixtures = []
    for name, call, args in importlib.import_module(f"cases.{area}").CASES:
        expect = evaluate(call, args)
        try:
            check_fixture(call, args, expect)
        except Exception as error:
            raise SystemExit(f"{area}: {name}: the official protobuf package disagrees: {error!r}") from error
        fixtures.append({"name": name, "call": call, "args": args, "expect": expect})
    return fixtures


def file_text(value: Any) -> str:
    """ASCII-only JSON, one member a line, which no lone surrogate can leave."""
    text = json.dumps(value, indent=1, ensure_ascii=True) + "\n"
    json.loads(text)
    for lone in ("".join(map(chr, range(0xD800, 0xE000))),):
        assert not set(lone) & set(_strings(value)), "a lone surrogate in a fixture"
    return text


def _strings(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "".join(map(_strings, [*value, *value.values()]))
    return "".join(map(_strings, value)) if isinstance(value, list) else ""


def build() -> dict[str, str]:
    """The text of every file by name."""
    selfcheck.main()
    files: dict[str, str] = {}
    counts: dict[str, int] = {}
    names: dict[str, str] = {}
    for area in AREAS:
        fixtures = fixtures_of(area)
        for fixture in fixtures:
            other = names.setdefault(fixture["name"], area)
            if other != area or sum(fixture["name"] == one["name"] for one in fixtures) > 1:
                raise SystemExit(f"{area}: the name {fixture['name']!r} is there twice (also in {other})")
        files[f"{area}.json"] = file_text(fixtures)
        counts[f"{area}.json"] = len(fixtures)
        if len(files[f"{area}.json"]) > MAX_FILE_BYTES:
            raise SystemExit(f"{area}.json is larger than {MAX_FILE_BYTES} bytes")
    manifest = {
        "count": sum(counts.values()),
        "files": {
            name: {"count": counts[name], "sha256": hashlib.sha256(text.encode("ascii")).hexdigest()}
            for name, text in sorted(files.items())
        },
    }
    files[MANIFEST] = file_text(manifest)
    return files


def main() -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--write", action="store_true")
    group.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    files = build()
    different = [
        name for name, text in files.items()
        if not (HERE / name).is_file() or (HERE / name).read_text(encoding="ascii") != text
    ]  # fmt: skip
    stray = sorted({path.name for path in HERE.glob("*.json")} - set(files))
    if arguments.write:
        for name in different:
            (HERE / name).write_text(files[name], encoding="ascii")
        for name in stray:
            print(f"{name} belongs to no area", file=sys.stderr)
        print(f"{json.loads(files[MANIFEST])['count']} fixtures, {len(different)} files written")
        return 1 if stray else 0
    for name in different:
        print(f"{name} differs from what the oracle gives: run {COMMAND}", file=sys.stderr)
    for name in stray:
        print(f"{name} belongs to no area", file=sys.stderr)
    print(
        f"{json.loads(files[MANIFEST])['count']} fixtures checked, {len(different) + len(stray)} files differ"
    )
    return 1 if different or stray else 0


if __name__ == "__main__":
    sys.exit(main())
