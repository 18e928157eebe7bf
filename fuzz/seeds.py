"""Seeds of the fuzz targets from the fixtures, and the choice of what is committed.

python fuzz/seeds.py write FOLDER        the fixtures' inputs as FOLDER/json, FOLDER/merges and FOLDER/protobuf
python fuzz/seeds.py pack FOLDER FILE    the smallest inputs of a folder, up to a limit, in base64, one a line
python fuzz/seeds.py unpack FILE FOLDER  the same as files again
"""

from __future__ import annotations

import base64
import hashlib
import json
import pathlib
import shutil
import sys
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parent.parent
FIXTURES = ROOT / "parity-fixtures"

#: Larger fixtures say nothing that smaller ones do not.
MAX_SEED_BYTES = 512
#: A corpus that is committed: bytes in all.
MAX_CORPUS_BYTES = 60_000

#: Between a payload and its merges; in no text.
BETWEEN = b"\xff"


def given(args: dict[str, Any], name: str) -> bytes | None:
    """A text argument, however it is given."""
    if f"{name}_hex" in args:
        return bytes.fromhex(args[f"{name}_hex"])
    return args[name].encode() if isinstance(args.get(name), str) else None


def seeds_of(fixture: dict[str, Any]) -> list[tuple[str, bytes]]:
    """The inputs of a fixture, each with its target."""
    call, args, expect = fixture["call"], fixture["args"], fixture["expect"]
    found: list[tuple[str, bytes]] = []
    payload, merges = given(args, "input"), given(args, "merges")
    if payload is not None:
        found.append(("json", payload))
        if call == "payload":
            found.append(("merges", payload if merges is None else payload + BETWEEN + merges))
    for name in ("hex", "left_hex", "right_hex", "span_hex", "struct_hex", "request_hex"):
        for place in (args, expect):
            if isinstance(place.get(name), str):
                found.append(("protobuf", bytes.fromhex(place[name])))
    return found


def write(folder: pathlib.Path) -> None:
    """Writes the seeds, each file named by its content."""
    shutil.rmtree(folder, ignore_errors=True)
    for target in ("json", "merges", "protobuf"):
        (folder / target).mkdir(parents=True)
    for name in json.loads((FIXTURES / "manifest.json").read_text(encoding="ascii"))["files"]:
        for fixture in json.loads((FIXTURES / name).read_text(encoding="ascii")):
            for target, data in seeds_of(fixture):
                if len(data) <= MAX_SEED_BYTES:
                    (folder / target / hashlib.sha1(data).hexdigest()).write_bytes(data)


def pack(source: pathlib.Path, file: pathlib.Path) -> None:
    """Packs the smallest files of a folder."""
    inputs = sorted((path.read_bytes() for path in source.iterdir()), key=lambda data: (len(data), data))
    left, kept = MAX_CORPUS_BYTES, []
    for data in inputs:
        left -= len(data)
        if left >= 0:
            kept.append(base64.b64encode(data).decode())
    file.parent.mkdir(exist_ok=True)
    file.write_text("\n".join(kept) + "\n", encoding="ascii")
    print(f"{file.name}: {len(kept)} inputs of {len(inputs)}")


def unpack(file: pathlib.Path, into: pathlib.Path) -> None:
    """Adds the inputs of a packed corpus to a folder."""
    into.mkdir(parents=True, exist_ok=True)
    for line in file.read_text(encoding="ascii").splitlines():
        data = base64.b64decode(line)
        (into / hashlib.sha1(data).hexdigest()).write_bytes(data)


if __name__ == "__main__":
    what, *paths = sys.argv[1:]
    {"write": write, "pack": pack, "unpack": unpack}[what](*map(pathlib.Path, paths))
