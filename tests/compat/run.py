"""The published packages beside ours: every difference has a rule, or the run fails.

    python tests/compat/run.py --ours-python PATH --published-python PATH \
        --ours-node DIR --published-node DIR [--count N] [--seed S]

The inputs are the cases written by hand (cases.py), every parity fixture
(fixtures.py) and N random values (generate.py). docs/compatibility.md explains the
tables and the rules.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))

import builders  # noqa: E402
import cases  # noqa: E402
import fixtures  # noqa: E402
import generate  # noqa: E402
import signatures  # noqa: E402
from compare import Difference, differences  # noqa: E402
from model import Case  # noqa: E402
from rules import RULES, Rule  # noqa: E402
from side import Side, call_of  # noqa: E402

# Values are up to 260 levels deep, and a level is three levels of the messages.
sys.setrecursionlimit(20000)
EQUAL = "equal"
UNEXPLAINED = "no reason"
CHUNK = 2048
SHOWN = 40
# How many Struct and span byte strings of the published side come back as inputs.
SECOND_ROUND = 400


class Tally:
    """Counts per entry point and verdict."""

    def __init__(self) -> None:
        self.table: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.rule_hits: Counter[str] = Counter()
        self.unexplained: list[tuple[Case, Difference]] = []
        self.deaths = 0

    def add(self, case: Case, verdict: set[str]) -> None:
        for name in verdict:
            self.table[case.entry][name] += 1

    @property
    def total(self) -> int:
        return sum(row["cases"] for row in self.table.values())


def reason(case: Case, difference: Difference, found: dict[tuple[Any, ...], str]) -> str | None:
    """The rule that explains this one difference.

    A hash that follows a text of the same answer may differ when that text does;
    where the text is not part of the answer, when a rule applies to the input.
    """
    if difference.piece in ("value_hash", "schema_hash"):
        source = {"value_hash": ("decoded", "normalized"), "schema_hash": ("schema",)}[difference.piece]
        if case.function not in (
            "deterministic_hash",
            "deterministicHash",
            "process_export_payload_pyobject",
        ):
            wanted = source[:1] if case.function.endswith(("payload", "Payload")) else source
            return next((rule for path, rule in found.items() if path[0] in wanted), None)
        if difference.piece == "schema_hash":
            return next((rule for path, rule in found.items() if path[0] == "schema"), None)
        return next((r.id for r in RULES if "value" in r.kinds and r.applies(case)), None)
    return next((r.id for r in RULES if explains(r, case, difference)), None)


def explains(rule: Rule, case: Case, difference: Difference) -> bool:
    return difference.kind in rule.kinds and rule.applies(case) and rule.accepts(case, difference)


def judge(case: Case, published: Any, ours: Any, tally: Tally) -> None:
    if "died" in published:
        tally.deaths += 1
    verdict: set[str] = set()
    found: dict[tuple[Any, ...], str] = {}
    # Hashes last: they follow from the rest.
    for difference in sorted(differences(case, published, ours), key=lambda d: d.piece.endswith("hash")):
        name = reason(case, difference, found)
        if name is None:
            tally.unexplained.append((case, difference))
            verdict.add(UNEXPLAINED)
        else:
            found[difference.path] = name
            verdict.add(name)
    if UNEXPLAINED in verdict:
        verdict = {UNEXPLAINED}
    tally.rule_hits.update(verdict)
    tally.add(case, (verdict or {EQUAL}) | {"cases"})


def chunks(source: Iterable[Case]) -> Iterator[list[Case]]:
    chunk: list[Case] = []
    for case in source:
        chunk.append(case)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


class Kept:
    """A sample of the Struct bytes and spans that the published side gave.

    Drawn by order of appearance, since published spans are other bytes in each run.
    """

    def __init__(self, seed: int) -> None:
        self.chooser = random.Random(seed)
        self.samples: dict[str, list[bytes]] = {"struct": [], "span": []}
        self.seen: Counter[str] = Counter()

    def look(self, case: Case, answer: Any) -> None:
        kind = {
            "object_to_protobuf_struct_bytes": "struct",
            "objectToProtobufStructBytes": "struct",
            "build_span_proto_bytes_pyobject": "span",
            "buildSpanProtoBytes": "span",
        }.get(case.function)
        if kind is None or "ok" not in answer:
            return
        sample = self.samples[kind]
        self.seen[kind] += 1
        place = int(self.chooser.random() * self.seen[kind])
        if len(sample) < SECOND_ROUND:
            sample.append(bytes.fromhex(answer["ok"]["b"]))
        elif place < SECOND_ROUND:
            sample[place] = bytes.fromhex(answer["ok"]["b"])

    def cases(self) -> Iterator[Case]:
        """Bytes that came out go in again: Struct bytes into spans, spans into an export."""
        for data in self.samples["struct"]:
            yield from builders.struct_cases("published Struct bytes", data)
        spans = self.samples["span"]
        for data in spans:
            yield from builders.export_cases("published span bytes", [data])
        for size in (2, 10, 50):
            yield from builders.export_cases("published span bytes", spans[:size])


def run_cases(source: Iterable[Case], sides: dict[str, Side], tally: Tally, kept: Kept) -> None:
    """Ask both sides, and judge."""
    for chunk in chunks(source):
        for language in ("py", "node"):
            mine = [case for case in chunk if case.language == language]
            calls = [call_of(language, c.function, c.args, c.kwargs) for c in mine]
            alone = [c.alone for c in mine]
            # Two processes, two threads that wait for them.
            with ThreadPoolExecutor(2) as pool:
                waiting = [
                    pool.submit(sides[name].answers, language, calls, alone) for name in ("published", "ours")
                ]
                published, ours = (future.result() for future in waiting)
            for case, left, right in zip(mine, published, ours):
                judge(case, left, right, tally)
                kept.look(case, left)


def same_bytes(sides: dict[str, Side], languages: list[str]) -> list[str]:
    """One span twenty times: published gives other bytes each time, ours must not."""
    properties = ",".join(f'"p{i}":{{"type":1}}' for i in range(8))
    schema = f'{{"properties":{{{properties}}}}}'
    found: list[str] = []
    for language in languages:
        if language == "py":
            case = builders.py_span("twenty times", input_schema=builders.as_native(schema))
        else:
            case = builders.node_span("twenty times", input_schema=schema)
        calls = [call_of(language, case.function, case.args, case.kwargs)] * 20
        counts = {
            name: len({str(answer) for answer in side.answers(language, calls, [False] * 20)})
            for name, side in sides.items()
        }
        print(f"{case.entry}, 20 times: {counts['published']} published answers, {counts['ours']} of ours")
        if counts["ours"] != 1:
            found.append(f"{case.entry}: our span bytes differ from call to call")
    return found


def print_tables(tally: Tally) -> None:
    hit = [r.id for r in RULES if tally.rule_hits[r.id]]
    columns = ["cases", EQUAL, *hit, UNEXPLAINED]
    names = [c.split("-")[0] if c in hit else c for c in columns]
    sums = [sum(row[c] for row in tally.table.values()) for c in columns]
    widths = [max(len(name), len(str(total)), 3) for name, total in zip(names, sums)]
    first = max(len(entry) for entry in tally.table)

    def line(head: str, cells: list[str]) -> None:
        print(" ".join([head.ljust(first)] + [cell.rjust(width) for cell, width in zip(cells, widths)]))

    print("\nEntry point x verdict; a case that two rules explain is counted under both\n")
    line("entry point", names)
    for entry in sorted(tally.table):
        line(entry, [str(tally.table[entry][c] or ".") for c in columns])
    line("all", [str(total or ".") for total in sums])
    print("\nRule hits\n")
    for rule in RULES:
        print(f"{tally.rule_hits[rule.id]:8}  {rule.id:32} {rule.title}")
    print(f"{tally.deaths:8}  published process died")


def print_unexplained(tally: Tally) -> None:
    print(f"\nDifferent for no reason: {len(tally.unexplained)} differences")
    seen: Counter[tuple[str, str]] = Counter()
    for case, difference in tally.unexplained:
        key = (case.entry, case.name)
        seen[key] += 1
        if len(seen) > SHOWN or seen[key] > 3:
            continue
        print(f"\n  {case.entry}: {case.name}")
        print(f"    input      {shortened(case.told())}")
        print(f"    {difference.kind:10} at {'/'.join(map(str, difference.path)) or 'the whole'}")
        print(f"    published  {shortened(difference.published)}")
        print(f"    ours       {shortened(difference.ours)}")


def shortened(value: Any) -> str:
    text = ascii(value)
    return text if len(text) <= 300 else f"{text[:300]}... ({len(text)} characters)"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ours-python", required=True, help="interpreter that has our drift_core")
    parser.add_argument(
        "--published-python", required=True, help="interpreter that has drift-core-python 0.1.9"
    )
    parser.add_argument("--ours-node", required=True, help="directory of our @use-tusk/drift-core-node")
    parser.add_argument("--published-node", required=True, help="directory of the published 0.1.8")
    parser.add_argument("--node", default="node", help="the Node binary")
    parser.add_argument("--count", type=int, default=3000, help="random values")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=("py", "node"), help="one language only, for development")
    options = parser.parse_args()

    sides = {
        "published": Side("published", options.published_python, options.published_node, options.node),
        "ours": Side("ours", options.ours_python, options.ours_node, options.node),
    }
    started = time.monotonic()
    tally = Tally()
    languages = [options.only] if options.only else ["py", "node"]
    try:
        complaints = signatures.compare(sides, languages) + same_bytes(sides, languages)

        def all_cases() -> Iterator[Case]:
            yield from cases.handwritten()
            if "py" in languages and all(side.has_numpy() for side in sides.values()):
                print("numpy: compared")
                yield from cases.with_numpy()
            else:
                print("numpy: not installed on both sides, its values are left out")
            yield from fixtures.load(ROOT / "parity-fixtures")
            yield from generate.cases(options.count, options.seed)

        wanted = (case for case in all_cases() if case.language in languages)
        kept = Kept(options.seed)
        run_cases(wanted, sides, tally, kept)
        again = [case for case in kept.cases() if case.language in languages]
        run_cases(again, sides, tally, kept)
    finally:
        for side in sides.values():
            side.stop()

    print_tables(tally)
    silent = [r.id for r in RULES if not tally.rule_hits[r.id]]
    if tally.unexplained:
        print_unexplained(tally)
    if silent and not options.only:
        print(f"\nRules that no input hit: {', '.join(silent)}")
    elsewhere = undocumented(ROOT / "docs" / "compatibility.md")
    if elsewhere:
        print(
            "\nRules without a section in docs/compatibility.md, or the other way round: {}".format(
                ", ".join(elsewhere)
            )
        )
    if complaints:
        print("\nSignatures and stability:\n  " + "\n  ".join(complaints))
    print(
        f"\n{tally.total} cases, seed {options.seed}, {options.count} random values,"
        f" {time.monotonic() - started:.0f} s"
    )
    failed = bool(tally.unexplained or complaints or elsewhere or (silent and not options.only))
    print("FAILED" if failed else "OK: nothing differs without a reason")
    return 1 if failed else 0


def undocumented(page: Path) -> list[str]:
    """Rule ids that are in the code or on the page, not in both."""
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    headings = {line.split()[1] for line in text.splitlines() if line.startswith("### R")}
    return sorted(headings ^ {r.id for r in RULES})


if __name__ == "__main__":
    sys.exit(main())
