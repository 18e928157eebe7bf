"""Checks that the documents speak of what is there.

Every path in backquotes must exist (from the root, or for Rust files from the
core's sources; a bare file name anywhere), and every `make` target named must
be one of the Makefile.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CORE = ROOT / "crates" / "drift-rust-core" / "src"
DOCUMENTS = [
    "README.md",
    "DESIGN.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs/*.md",
    "docs/decisions/*.md",
    "parity-fixtures/README.md",
]
# What make or a build leaves there, and so not in a fresh clone; and files of the projects of our users.
MADE = ("target/", ".run", "node_modules", "npm/", ".tusk", "tusk.y", "results.json")
# Names with a slash that are no paths.
NO_PATHS = re.compile(r"^@|^https?:|^[A-Z]|\\|^/|\s|[{}<>*$…=()]")
FILE_ENDINGS = (".md", ".rs", ".py", ".sh", ".toml", ".mjs", ".json", ".txt", ".yml")


def looks_like_a_path(name: str) -> bool:
    if NO_PATHS.search(name):
        return name in ("Makefile", "LICENSE", "Cargo.toml", "Cargo.lock") or (
            name.isupper() is False and name.endswith(FILE_ENDINGS) and not re.search(r"[\s{}<>*$…=()]", name)
        )
    return "/" in name or name.endswith(FILE_ENDINGS)


def main() -> int:
    targets = set(re.findall(r"^([a-z][a-z0-9-]*):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True)
    file_names = {Path(path).name for path in tracked.stdout.splitlines()}
    paths = problems = named = 0
    for document in sorted({path for pattern in DOCUMENTS for path in ROOT.glob(pattern)}):
        text = document.read_text(encoding="utf-8")
        where = document.relative_to(ROOT)
        for target in re.findall(r"\bmake ([a-z]+(?:-[a-z0-9]+)*)", " ".join(re.findall(r"`[^`]+`", text))):
            named += 1
            if target not in targets:
                problems += 1
                print(f"{where}: the Makefile has no target {target}")
        for name in re.findall(r"`([^`\n]+)`", text):
            if not looks_like_a_path(name) or name.startswith(MADE):
                continue
            paths += 1
            candidates = (ROOT / name, CORE / name, document.parent / name)
            if name not in file_names and not any(candidate.exists() for candidate in candidates):
                problems += 1
                print(f"{where}: {name} is not there")
    print(f"documents: {paths} paths and {named} make targets named, {problems} of them not there")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
