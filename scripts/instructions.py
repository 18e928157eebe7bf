"""Counts the instructions of the core's calls with callgrind and holds them against committed figures.

python scripts/instructions.py             compares with benches/instructions.tsv; more than 3% above it fails
python scripts/instructions.py --update    writes that file

Instructions do not depend on what else the machine does, so a change of a few
percent is seen that no timing shows. What is compared has to be the same on any
machine, so it leaves out what depends on the machine and not on our code:

- the C library (copying, allocating), another version of which counts otherwise;
  the test of allocations bounds those;
- the libraries that look for instructions of the processor while they run
  (digests, UTF-8, base64): valgrind shows a program no SHA instructions, and AVX2 only
  where the machine has it.

They are printed beside the count. The rest depends on the compiler, whose version
is Cargo.toml's `rust-version`, and on Cargo.lock.
"""

from __future__ import annotations

import argparse
import collections
import os
import pathlib
import platform
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
FIGURES = ROOT / "benches" / "instructions.tsv"
TARGET = ROOT / "target" / "instructions"
MEASURED = "instructions::measured"
TOLERANCE = 0.03
COMMAND = "make instructions UPDATE=1"
COLUMNS = "call payload bytes instructions".split()

#: What the libraries' functions are called that choose their way by the processor.
BY_PROCESSOR = ("base64::", "sha2::", "blake3", "simdutf8::", "memchr::", "std_detect::", "cpufeatures::")

Key = tuple[str, str, str]
#: Our own instructions, those chosen by the processor, those of the C library.
Counts = tuple[int, int, int]


def build() -> pathlib.Path:
    """The program: the release build, with the names of its functions."""
    environment = {**os.environ, "CARGO_TARGET_DIR": str(TARGET), "CARGO_PROFILE_RELEASE_STRIP": "none"}
    # Flags for the build as a whole would count another program.
    environment.pop("RUSTFLAGS", None)
    subprocess.run(
        "cargo build --quiet --release --locked --package drift-rust-core --example instructions".split(),
        check=True, cwd=ROOT, env=environment,
    )  # fmt: skip
    return TARGET / "release" / "examples" / "instructions"


def counts(profile: pathlib.Path, program: str) -> Counts:
    """The instructions of one part of callgrind's profile (the format is in valgrind's manual)."""
    by_function: collections.Counter[tuple[str, str]] = collections.Counter()
    program_or_library = function = ""
    of_a_call = False
    for line in profile.read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition("=")
        if name == "ob":
            program_or_library = value
        elif name == "fn":
            function = value
        elif name == "calls":
            # The next line has what the called function cost, which is counted there.
            of_a_call = True
        elif line[:1].isdigit():
            if not of_a_call:
                by_function[program_or_library, function] += int(line.split()[1])
            of_a_call = False
    own = by_processor = library = 0
    for (where, function), number in by_function.items():
        if where != program:
            library += number
        elif any(part in function for part in BY_PROCESSOR):
            by_processor += number
        else:
            own += number
    return own, by_processor, library


def measure(program: pathlib.Path) -> dict[Key, Counts]:
    """The counts by call, payload and size."""
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(
            [
                "valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={folder}/part",
                f"--toggle-collect={MEASURED}", f"--dump-after={MEASURED}",
                "--compress-strings=no", "--compress-pos=no", str(program),
            ],
            check=True, stdout=subprocess.PIPE, text=True,
            # Nothing else, so that nothing of it moves a count.
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"},
        )  # fmt: skip
        lines = run.stdout.splitlines()
        found: dict[Key, Counts] = {}
        for number, line in enumerate(lines, start=1):
            call, payload, size = line.split("\t")
            found[call, payload, size] = counts(pathlib.Path(folder, f"part.{number}"), str(program))
        if pathlib.Path(folder, f"part.{len(lines) + 1}").exists() or not lines:
            raise SystemExit("valgrind saw another number of measurements than the program printed")
    return found


def read_figures() -> dict[Key, int]:
    """The committed figures."""
    header, *lines = FIGURES.read_text(encoding="ascii").splitlines()
    assert header.split("\t") == COLUMNS, FIGURES
    figures = {}
    for line in lines:
        call, payload, size, number = line.split("\t")
        figures[call, payload, size] = int(number)
    return figures


def write_figures(found: dict[Key, Counts]) -> None:
    """Writes the figures of today."""
    lines = [COLUMNS, *([*key, str(own)] for key, (own, _, _) in found.items())]
    FIGURES.write_text("".join("\t".join(line) + "\n" for line in lines), encoding="ascii")


def main() -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--update", action="store_true", help="write the figures instead")
    update = parser.parse_args().update
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        print("the figures are those of x86-64 Linux: nothing is compared here")
        return 0
    found = measure(build())
    if update:
        write_figures(found)
    figures = read_figures()
    if list(figures) != list(found):
        print(f"{FIGURES.name} has other calls or payloads than are measured: run {COMMAND}", file=sys.stderr)
        return 1
    print("call                    payload      bytes  committed       ours  change  by processor  C library")
    above = below = False
    for key, (own, by_processor, library) in found.items():
        change = own / figures[key] - 1
        above |= change > TOLERANCE
        below |= change < -TOLERANCE
        call, payload, size = key
        print(
            f"{call:23} {payload:11} {size:>6} {figures[key]:>10,} {own:>10,} {change:>+7.1%} "
            f"{by_processor:>13,} {library:>10,}"
        )
    if above:
        print(
            f"more than {TOLERANCE:.0%} above: make it cheaper, or say why and run {COMMAND}", file=sys.stderr
        )
    elif below:
        print(f"more than {TOLERANCE:.0%} below: run {COMMAND}, so that it stays so")
    return 1 if above else 0


if __name__ == "__main__":
    sys.exit(main())
