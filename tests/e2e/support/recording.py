"""Reads recorded spans as text: a number in a recording keeps every digit it was written with."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

_DECODER = json.JSONDecoder()
_SPACE = " \t\r\n"


def _skip(text: str, at: int) -> int:
    while text[at : at + 1] in _SPACE and at < len(text):
        at += 1
    return at


def members(text: str) -> dict[str, str]:
    """The members of a JSON object, each value as the text it has in the source."""
    found: dict[str, str] = {}
    at = _skip(text, 0)
    if text[at] != "{":
        raise ValueError("not an object")
    at = _skip(text, at + 1)
    while text[at] != "}":
        key, at = _DECODER.raw_decode(text, at)
        at = _skip(text, _skip(text, at) + 1)
        _, end = _DECODER.raw_decode(text, at)
        found[key] = text[at:end]
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return found


def with_members(text: str, replaced: dict[str, str]) -> str:
    """The object with some members' texts replaced."""
    parts = {**members(text), **replaced}
    return "{" + ",".join(f"{json.dumps(key)}:{value}" for key, value in parts.items()) + "}"


@dataclass(frozen=True)
class Merge:
    """What the recorded schema says about one top-level field, whichever language spelled it."""

    encoding: int | None
    decoded_type: int | None
    match_importance: float | None

    def as_json(self) -> dict[str, int | float]:
        named = {
            "encoding": self.encoding,
            "decoded_type": self.decoded_type,
            "match_importance": self.match_importance,
        }
        return {name: value for name, value in named.items() if value is not None}


@dataclass(frozen=True)
class Payload:
    """One input or output of a recorded span with its schema and hashes, as text."""

    span_id: str
    span_name: str
    side: str
    value: str
    schema: str
    value_hash: str
    schema_hash: str

    @property
    def label(self) -> str:
        return f"{self.span_name} {self.side} ({self.span_id})"

    @cached_property
    def merges(self) -> dict[str, Merge]:
        found: dict[str, Merge] = {}
        for key, text in members(members(self.schema)["properties"]).items():
            parts = {name: json.loads(part) for name, part in members(text).items()}
            merge = Merge(
                parts.get("encoding"),
                parts.get("decoded_type", parts.get("decodedType")),
                parts.get("match_importance", parts.get("matchImportance")),
            )
            if merge != Merge(None, None, None):
                found[key] = merge
        return found

    @property
    def merges_text(self) -> str:
        return json.dumps({key: merge.as_json() for key, merge in self.merges.items()})


@dataclass(frozen=True)
class Span:
    """One line of a recording; `fields` are its members as text."""

    line: str

    @cached_property
    def fields(self) -> dict[str, str]:
        return members(self.line)

    def get(self, name: str) -> Any:
        """A member that holds no numbers worth keeping as text."""
        text = self.fields.get(name)
        return None if text is None else json.loads(text)

    @property
    def span_id(self) -> str:
        return str(self.get("spanId"))

    @property
    def trace_id(self) -> str:
        return str(self.get("traceId"))

    @property
    def is_root(self) -> bool:
        return bool(self.get("isRootSpan"))

    @property
    def inbound(self) -> bool:
        """Whether the service was asked; the kind would tell, but the Node SDK numbers it differently."""
        return self.is_root

    def payload(self, side: str) -> Payload:
        return Payload(
            span_id=self.span_id,
            span_name=str(self.get("name")),
            side=side,
            value=self.fields[f"{side}Value"],
            schema=self.fields[f"{side}Schema"],
            value_hash=str(self.get(f"{side}ValueHash")),
            schema_hash=str(self.get(f"{side}SchemaHash")),
        )

    def payloads(self) -> list[Payload]:
        return [self.payload("input"), self.payload("output")]


def read(lines: Iterable[str]) -> list[Span]:
    return [Span(line) for line in lines]


def case_names(spans: Iterable[Span]) -> dict[str, str]:
    """The test case of each trace: it was sent as the header X-Case, which the root span holds."""
    found: dict[str, str] = {}
    for span in spans:
        if span.is_root:
            headers = span.get("inputValue")["headers"]
            case = next((value for name, value in headers.items() if name.lower() == "x-case"), None)
            if case is not None:
                found[span.trace_id] = case
    return found
