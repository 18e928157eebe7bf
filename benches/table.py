"""The rows of the benches, what each is to reach, and how they are printed."""

from __future__ import annotations

import re
import statistics
from dataclasses import dataclass, field, replace
from typing import Any

import payloads

LARGE_BYTES = 5_000


@dataclass(frozen=True)
class Row:
    """One line of the tables: a call on a payload, and what it is held against."""

    language: str
    call: str
    payload: str
    title: str
    way: str = "text"
    # The published packages have it, or a sequence of calls that does the same.
    published: bool = True
    # `core`: the limit of the core and the host's conversions; `join`: one copy of all spans.
    limit: str | None = None
    # Times faster than published, and times the limit; None where nothing is asked for.
    over_published: float | None = None
    over_limit: float | None = None
    calls: int = 1
    default_allocator: bool = False

    @property
    def identity(self) -> str:
        return f"{self.language} {self.title} {self.payload}"


def calls_of(size: int) -> int:
    """Calls a round, so that a round of ours takes a millisecond or more."""
    return max(2, min(200, 800_000 // size))


SPAN_PAYLOADS = [
    f"{kind}-{alphabet}"
    for kind in ("request-341B", "rows-7kB", "nested-107kB")
    for alphabet in ("ascii", "unicode")
]
ALLOCATOR_PAYLOADS = ["nested-107kB-ascii", "nested-107kB-unicode", "rows-2MB-ascii"]
BATCH_PAYLOAD = "span-8kB-ascii"


def snake(call: str) -> str:
    return re.sub(r"[A-Z]", lambda match: f"_{match[0].lower()}", call)


def rows(sizes: dict[str, int]) -> list[Row]:
    """Every row; `sizes` has the UTF-8 bytes of each payload."""
    names = [name for name in sizes if name != BATCH_PAYLOAD]
    made: list[Row] = []

    def add(language: str, call: str, payload: str, **more: Any) -> None:
        made.append(Row(language, call, payload, calls=calls_of(sizes[payload]), **more))

    for call in ("process_export_payload", "normalize_and_hash", "deterministic_hash"):
        for name in names:
            target = 1.5 if sizes[name] > LARGE_BYTES else None
            add("Rust", call, name, title=call, published=False, limit="core", over_limit=target)
    for language, small, plain in (("Python", 5, "text"), ("Node", 4, "text")):
        spelled = (lambda call: call) if language == "Python" else camel
        export = spelled("process_export_payload")
        for way, suffix in (("text", ""), ("bytes", " (bytes)" if language == "Python" else " (Buffer)")):
            for name in names:
                target = 12 if sizes[name] > LARGE_BYTES else small
                add(
                    language,
                    export,
                    name,
                    title=export + suffix,
                    way=way,
                    limit="core",
                    over_published=target,
                    over_limit=2,
                )
        if language == "Python":
            for name in names:
                target = 12 if sizes[name] > LARGE_BYTES else 5
                call = "process_export_payload_pyobject"
                add(language, call, name, title=call, way="object", limit="core", over_published=target)
        for call in map(spelled, ("normalize_and_hash", "deterministic_hash")):
            for name in names:
                target = 10 if sizes[name] > LARGE_BYTES else 4
                add(language, call, name, title=call, way=plain, limit="core", over_published=target)
        for way in ("text", "object") if language == "Python" else ("text",):
            for name in SPAN_PAYLOADS:
                call = spelled("process_span")
                title = f"{call} ({way})" if language == "Python" else call
                add(language, call, name, title=title, way=way, over_published=10)
        request = "export_request" if language == "Python" else "exportRequest"
        title = "export request, 512 spans"
        made.append(
            Row(
                language,
                request,
                BATCH_PAYLOAD,
                title,
                limit="join",
                over_published=100,
                over_limit=2,
                calls=4,
            )
        )
        for name in ALLOCATOR_PAYLOADS:
            add(
                language,
                export,
                name,
                title=f"{export}, default malloc",
                limit="core",
                default_allocator=True,
            )
    for language, call in (("Rust", "process_spans"), ("Python", "process_spans"), ("Node", "processSpans")):
        made.append(
            Row(language, call, BATCH_PAYLOAD, f"{call}, 512 spans", way="batch", published=False, calls=1)
        )
    return made


def with_calls(row: Row, times: float) -> Row:
    return replace(row, calls=max(1, round(row.calls * times)))


def camel(call: str) -> str:
    return re.sub(r"_(.)", lambda match: match[1].upper(), call)


@dataclass
class Series:
    """What the rounds of one row measured, in nanoseconds a call."""

    ours: list[float] = field(default_factory=list)
    published: list[float] = field(default_factory=list)
    # By part of the core's limit: `limit`, and for Rust rows `parse`, `hash`, `write`.
    parts: dict[str, list[float]] = field(default_factory=dict)
    # By conversion of the host, by way.
    host: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    # Ours on one core.
    one_core: list[float] = field(default_factory=list)

    def add_parts(self, parts: dict[str, float]) -> None:
        for part, nanoseconds in parts.items():
            self.parts.setdefault(part, []).append(nanoseconds)

    def add_host(self, host: dict[str, dict[str, float]]) -> None:
        for conversion, ways in host.items():
            for way, nanoseconds in ways.items():
                self.host.setdefault(conversion, {}).setdefault(way, []).append(nanoseconds)

    def cheapest(self) -> dict[str, str]:
        """The cheapest way of each conversion of the host."""
        return {
            conversion: min(ways, key=lambda way: statistics.median(ways[way]))
            for conversion, ways in self.host.items()
        }

    def limits(self) -> list[float]:
        """The limit of each round: the core's and the cheapest conversions."""
        host = [self.host[conversion][way] for conversion, way in self.cheapest().items()]
        return [sum(each) for each in zip(self.parts.get("limit", []), *host)]


def median(values: list[float]) -> float | None:
    return statistics.median(values) if values else None


def paired(above: list[float], below: list[float]) -> float | None:
    """The median of the ratios of each round, which a machine that changes its speed moves less."""
    return median([one / other for one, other in zip(above, below)])


def ratio(above: float | None, below: float | None) -> float | None:
    return above / below if above is not None and below else None


def result(row: Row, series: Series) -> dict[str, Any]:
    """A row as it is printed and kept."""
    limits = series.limits()
    ours, published, limit = median(series.ours), median(series.published), median(limits)
    times, over_limit = ratio(published, ours), ratio(ours, limit)
    low, _, high = statistics.quantiles(series.ours, n=4) if len(series.ours) > 1 else (0.0, 0.0, 0.0)
    reached = None
    if row.over_published is not None or row.over_limit is not None:
        reached = (row.over_published is None or (times or 0) >= row.over_published) and (
            row.over_limit is None or (over_limit or 0) <= row.over_limit
        )
    micro = 1 / 1000
    parts = {part: (median(values) or 0) * micro for part, values in series.parts.items()}
    host = {
        f"{conversion}, {way}": (median(series.host[conversion][way]) or 0) * micro
        for conversion, way in series.cheapest().items()
    }
    return {
        "language": row.language,
        "call": row.title,
        "payload": row.payload,
        "ours_us": (ours or 0) * micro,
        "published_us": None if published is None else published * micro,
        "limit_us": None if limit is None else limit * micro,
        "times": times,
        "times_paired": paired(series.published, series.ours),
        # How many times faster than published a call at the limit would be.
        "most_times": ratio(published, limit),
        "over_limit": over_limit,
        "over_limit_paired": paired(series.ours, limits),
        "target_times": row.over_published,
        "target_over_limit": row.over_limit,
        "reached": reached,
        "spread": (high - low) / ours if ours else 0,
        "parts_us": parts,
        "host_us": host,
        "one_core_us": None if not series.one_core else (median(series.one_core) or 0) * micro,
    }


def number(value: float | None, digits: int = 1, suffix: str = "") -> str:
    return "" if value is None else f"{value:,.{digits}f}{suffix}"


def target(made: dict[str, Any]) -> str:
    parts = []
    if made["target_times"] is not None:
        parts.append(f"{made['target_times']:g}x")
    if made["target_over_limit"] is not None:
        parts.append(f"{made['target_over_limit']:g} limits")
    return ", ".join(parts)


def beyond_limit(made: dict[str, Any]) -> bool:
    """Whether a call at the limit itself would miss the target."""
    return (
        None not in (made["target_times"], made["most_times"]) and made["most_times"] < made["target_times"]
    )


def reached(made: dict[str, Any]) -> str:
    if made["reached"] is False and beyond_limit(made):
        return "no (beyond the limit)"
    return {None: "", True: "yes", False: "no"}[made["reached"]]


COLUMNS = [
    ("call", 40, lambda made: made["call"]),
    ("payload", 22, lambda made: made["payload"]),
    ("ours", -10, lambda made: number(made["ours_us"])),
    ("published", -11, lambda made: number(made["published_us"])),
    ("limit", -9, lambda made: number(made["limit_us"])),
    ("times", -7, lambda made: number(made["times"], 1, "x")),
    ("paired", -7, lambda made: number(made["times_paired"], 1, "x")),
    ("at most", -8, lambda made: number(made["most_times"], 1, "x")),
    ("/limit", -7, lambda made: number(made["over_limit"], 2)),
    ("paired", -7, lambda made: number(made["over_limit_paired"], 2)),
    ("target", 14, target),
    ("reached", 21, reached),
    ("spread", -7, lambda made: number(made["spread"], 2)),
]


def heading() -> str:
    return line([name for name, _, _ in COLUMNS])


def line(cells: list[str]) -> str:
    padded = (
        f"{cell:<{width}}" if width > 0 else f"{cell:>{-width}}"
        for cell, (_, width, _) in zip(cells, COLUMNS)
    )
    return " ".join(padded).rstrip()


def printed(made: dict[str, Any]) -> str:
    return line([cell(made) for _, _, cell in COLUMNS])


def sizes_of(made: list[payloads.Payload]) -> dict[str, int]:
    return {payload.name: payload.size for payload in made}


def size_class(row: dict[str, Any]) -> str:
    return "341 B" if row["payload"].startswith("request-") else "7 kB and more"


def span_of(values: list[float], suffix: str = "") -> str:
    """The least, the middle and the greatest of some numbers."""
    if not values:
        return ""
    digits = 1 if suffix else 2
    return " … ".join(
        number(each, digits, suffix) for each in (min(values), statistics.median(values), max(values))
    )


SUMMARY_HEADING = [
    "language",
    "call",
    "payloads",
    "times",
    "target",
    "/limit",
    "target",
    "reached",
    "missed beyond the limit",
]


def summary(results: list[dict[str, Any]]) -> list[list[str]]:
    """What is to be reached, one line a call: the range of its rows, and how many reach it."""
    groups: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for row in results:
        if row["reached"] is not None:
            size = "" if "512" in row["call"] or "span" in row["call"].lower() else size_class(row)
            groups.setdefault((row["language"], row["call"], size), []).append(row)
    lines = []
    for (language, call, size), rows in groups.items():
        lines.append(
            [
                language,
                call,
                size,
                span_of([row["times"] for row in rows if row["times"] is not None], "x"),
                number(rows[0]["target_times"], 0, "x"),
                span_of([row["over_limit"] for row in rows if row["over_limit"] is not None]),
                number(rows[0]["target_over_limit"], 1),
                f"{sum(row['reached'] for row in rows)} of {len(rows)}",
                number(sum(not row["reached"] and beyond_limit(row) for row in rows), 0),
            ]
        )
    return lines


def printed_summary(results: list[dict[str, Any]]) -> str:
    widths = [8, 34, 14, 24, 7, 20, 7, 9, 23]
    lines = [SUMMARY_HEADING, *summary(results)]
    return "\n".join(
        " ".join(f"{cell:<{width}}" for cell, width in zip(each, widths)).rstrip() for each in lines
    )
