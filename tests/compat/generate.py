"""Random values, merges, schemas and spans from a seed.

Numbers are many and of every length, since that is where the published packages
differ; strings meet the border cases of sorting and escaping. The same count and
seed give the same cases on every Python version, since nothing is drawn but
`random.Random.random`, whose sequence Python promises to keep.
"""

from __future__ import annotations

import base64
import random
import struct
from collections.abc import Iterator
from typing import Any

import builders
import spec as specs
from model import Case
from scan import Scan

_WORDS = (
    "a", "b", "id", "name", "body", "headers", "", "\u00e9", "e\u0301", "\U0001f600", "\ue000", "\uffff",
    "\u2028", "A", "aa", "~", "\x7f", "key with space", 'q"', "b\\s", "\n", "\0", "10", "9", "type",
    "properties",
)  # fmt: skip
_ALPHABET = 'abcXYZ 019"\\/\b\f\n\r\t\0\x1f\x7f\u00e9\u0301\u2028\u2029\ue000\uffff\U0001f600\U00010000'


class Maker:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def below(self, limit: int) -> int:
        return int(self.random.random() * limit)

    def pick(self, options: Any) -> Any:
        """One of them."""
        return options[self.below(len(options))]

    def digits(self, most: int) -> str:
        return "".join(self.pick("0123456789") for _ in range(1 + self.below(most)))

    def whole(self, most: int) -> str:
        return self.digits(most).lstrip("0") or "0"

    def number(self) -> str:
        sign = "-" if self.below(4) == 0 else ""
        shape = self.below(10)
        if shape < 3:
            return sign + self.whole(6)
        if shape == 3:
            return sign + self.whole(19)
        if shape == 4:
            return sign + self.whole(24 if self.below(8) else 400)
        if shape == 5:
            return f"{sign}{self.whole(4)}.{self.digits(4)}"
        if shape == 6:
            return f"{sign}{self.whole(20)}.{self.digits(25)}"
        if shape == 7:
            exponent = self.pick(("", "+", "-")) + str(self.below(324))
            return f"{sign}{self.whole(1)}.{self.digits(18)}{self.pick('eE')}{exponent}"
        if shape == 8:
            return sign + repr(self.random.random() * 10.0 ** (self.below(24) - 8))
        bits = bytes(self.below(256) for _ in range(8))
        value = struct.unpack("<d", bits)[0]
        return repr(value) if value == value and abs(value) != float("inf") else "0"

    def string(self) -> str:
        """A JSON string, escaped in one of the ways it may be."""
        text = (
            self.pick(_WORDS)
            if self.below(2)
            else "".join(self.pick(_ALPHABET) for _ in range(self.below(12)))
        )
        return self.quoted(text)

    def quoted(self, text: str) -> str:
        parts: list[str] = []
        for character in text:
            units = character.encode("utf-16-be")
            escaped = "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
            if character in '"\\' or character < " " or self.below(10) == 0:
                parts.append(escaped)
            else:
                parts.append(character)
        if self.below(400) == 0:
            parts.append(self.pick(("\\ud800", "\\udfff", "\\udc00\\ud800")))
        return f'"{"".join(parts)}"'

    def space(self) -> str:
        return str(self.pick(("", "", "", "", " ", "\n", "\t", "\r\n  ")))

    def value(self, depth: int) -> str:
        shape = self.below(12 if depth else 8)
        if shape < 4:
            return self.number()
        if shape < 7:
            return self.string()
        if shape == 7:
            return str(self.pick(("true", "false", "null")))
        if shape < 10:
            return self.object(depth - 1)
        return f"[{','.join(self.value(depth - 1) + self.space() for _ in range(self.below(5)))}]"

    def object(self, depth: int) -> str:
        pairs = [f"{self.space()}{self.string()}:{self.value(depth)}" for _ in range(self.below(6))]
        return f"{{{','.join(pairs)}}}"

    def payload(self) -> str:
        """An object with a `body` that merges can decode."""
        body = self.pick((self.string, lambda: self.encoded(), lambda: self.value(2)))()
        pairs = [f'"body":{body}'] + [
            f'"{n}":{self.value(3)}' for n in ("headers", "url", "rows")[: self.below(4)]
        ]
        return f"{{{(self.space() + ',').join(pairs)}}}"

    def encoded(self) -> str:
        data = self.value(2).encode("utf-8", "surrogatepass")
        if self.below(4) == 0:
            data = bytes(self.below(256) for _ in range(self.below(20)))
        return f'"{base64.b64encode(data).decode()}"'

    def merges(self) -> str:
        entries = []
        for key in ("body", "headers", "nothing")[: 1 + self.below(3)]:
            members = []
            if self.below(4):
                members.append(f'"encoding":{self.pick((1, 1, 1, 0, 2))}')
            if self.below(3):
                members.append(f'"decoded_type":{self.pick((1, 1, 1, 0, 11))}')
            if self.below(3) == 0:
                members.append(f'"match_importance":{self.pick(("0", "1", "0.5", "-0", self.number()))}')
            if self.below(5) == 0:
                members.append(f'"unknown":{self.value(2)}')
            entries.append(f'"{key}":{{{",".join(members)}}}')
        return f"{{{','.join(entries)}}}"

    def schema(self, depth: int) -> str:
        kind = self.pick((1, 2, 3, 4, 6, 6, 7, 7)) if depth else 2
        members = [f'"type":{kind}']
        if kind == 6:
            names = {self.pick(_WORDS): self.schema(depth - 1) for _ in range(self.below(5))}
            members.append(
                f'"properties":{{{",".join((f"{self.quoted(n)}:{s}" for n, s in names.items()))}}}'
            )
        if kind == 7 and self.below(3):
            members.append(f'"items":{self.schema(depth - 1)}')
        if self.below(4) == 0:
            members.append(f'"encoding":1,"decoded_type":{self.below(25)}')
        if self.below(4) == 0:
            members.append(f'"match_importance":{self.pick(("0", "0.0", "1", "0.25"))}')
        return f"{{{','.join(members)}}}"


def _spans(make: Maker, name: str) -> Iterator[Case]:
    texts = {
        key: Scan(make.quoted(make.pick(_WORDS))).tree
        for key in ("trace_id", "name", "status_message", "environment")
    }
    numbers = {
        "package_type": make.below(12),
        "kind": make.below(6),
        "status_code": make.below(3),
        "timestamp_seconds": make.below(1 << 40) - (1 << 20),
        "timestamp_nanos": make.below(1 << 31),
        "duration_seconds": make.below(100),
        "duration_nanos": make.below(10**9),
    }
    schemas = {key: make.schema(4) for key in ("input_schema", "output_schema")}
    values = {key: make.payload() for key in ("input_value", "output_value", "metadata")}
    flags = {"is_root_span": bool(make.below(2)), "is_pre_app_start": bool(make.below(2))}
    yield builders.node_span(name, **texts, **numbers, **flags, **schemas, **values)
    parsed = {key: Scan(text) for key, text in {**schemas, **values}.items()}
    native = {key: specs.safe(scan.tree) for key, scan in parsed.items()}
    safe = {key: specs.text_spec(text) for key, text in texts.items()}
    yield builders.py_span(name, **safe, **numbers, **flags, **native)


def cases(count: int, seed: int) -> Iterator[Case]:
    """`count` values through every entry point, and a span for every tenth."""
    make = Maker(seed)
    for index in range(count):
        name = f"random {index} of seed {seed}"
        if index % 3 == 0:
            yield from builders.text_cases(name, make.value(5))
        else:
            yield from builders.text_cases(name, make.payload(), make.merges())
        if index % 10 == 0:
            yield from _spans(make, name)
