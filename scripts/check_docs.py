"""Checks that the documents speak of what is there.

Every path in backquotes must exist (from the root, or for Rust files from the
core's sources; a bare file name anywhere), and so must every path below a
folder of the repository in a fenced block; every `make` target named in either
must be one of the Makefile.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

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

# From its fence to one of the same sign that is as long at least, or to the end (CommonMark 0.31, section 4.5).
FENCED = re.compile(
    r"^ {0,3}(?P<fence>`{3,}|~{3,})(?P<language>[^`\n]*)\n(?P<inside>.*?)(?:^ {0,3}(?P=fence)[`~]*[ \t]*$|\Z)",
    flags=re.MULTILINE | re.DOTALL,
)
# As many backquotes at its end as at its beginning, within one paragraph (section 6.1).
INLINE = re.compile(
    r"(?<!`)(?P<quotes>`+)(?!`)(?P<inside>(?:(?!\n[ \t]*\n).)+?)(?<!`)(?P=quotes)(?!`)", flags=re.DOTALL
)
TARGET = re.compile(r"\bmake\s+([a-z]+(?:-[a-z0-9]+)*)")
# In a fenced block, make is a command: first in a line, or behind what can stand before one.
TARGET_OF_COMMAND = re.compile(
    r"(?:^|&&|\|\||[;|(])[ \t]*(?:[$%] )?(?:[A-Z_]+=\S*[ \t]+)*make[ \t]+([a-z]+(?:-[a-z0-9]+)*)",
    flags=re.MULTILINE,
)


class Named(NamedTuple):
    """What a document names."""

    targets: list[str]
    paths: list[str]


def looks_like_a_path(name: str) -> bool:
    if NO_PATHS.search(name):
        return name in ("Makefile", "LICENSE", "Cargo.toml", "Cargo.lock") or (
            name.isupper() is False and name.endswith(FILE_ENDINGS) and not re.search(r"[\s{}<>*$…=()]", name)
        )
    return "/" in name or name.endswith(FILE_ENDINGS)


def named_in(text: str, folders: Iterable[str]) -> Named:
    blocks = "\n".join(block["inside"] for block in FENCED.finditer(text))
    # The fences go first: their backquotes, and those of shells and templates in
    # them, would pair with those of sentences, whose words would be code then.
    inline = [" ".join(code["inside"].split()) for code in INLINE.finditer(FENCED.sub("\n", text))]
    folder = "|".join(re.escape(name) for name in sorted(folders))
    below_a_folder = re.findall(
        rf"(?:^|[\s'\"=])(?:\./)?((?:{folder})/[\w./-]*[\w/])", blocks, flags=re.MULTILINE
    )
    return Named(
        targets=[target for code in inline for target in TARGET.findall(code)]
        + TARGET_OF_COMMAND.findall(blocks),
        paths=[name for name in inline if looks_like_a_path(name)] + below_a_folder,
    )


# Every kind of what is looked for, and of what is none of it.
SAMPLE = """
The fence after this sentence has `one` quote in it:

```sh
make planted-command   # make sure of it, with `one quote
FOO=1 make planted-variable && make planted-second
scripts/planted.sh
```

What make it says, with `docs/planted.md` and `make
planted-inline`, is `` a ` quote `` and make none.

~~~
    cd x; make planted-tilde
~~~
"""
NAMED_IN_SAMPLE = Named(
    targets=["planted-inline", "planted-command", "planted-variable", "planted-second", "planted-tilde"],
    paths=["docs/planted.md", "scripts/planted.sh"],
)


def main() -> int:
    targets = set(re.findall(r"^([a-z][a-z0-9-]*):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True)
    tracked = listed.stdout.splitlines()
    file_names = {Path(path).name for path in tracked}
    folders = {path.split("/")[0] for path in tracked if "/" in path}
    # Who finds nothing has to show that he would.
    if named_in(SAMPLE, folders) != NAMED_IN_SAMPLE:
        print(f"this check is broken, it finds {named_in(SAMPLE, folders)}")
        return 1
    paths = problems = named = 0
    for document in sorted({path for pattern in DOCUMENTS for path in ROOT.glob(pattern)}):
        found = named_in(document.read_text(encoding="utf-8"), folders)
        where = document.relative_to(ROOT)
        for target in found.targets:
            named += 1
            if target not in targets:
                problems += 1
                print(f"{where}: the Makefile has no target {target}")
        for name in found.paths:
            if name.startswith(MADE):
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
