"""Seeded random requests in the form of fixtures, without expected values.

    python parity-fixtures/oracle/generate_values.py --count 1000 --seed 1

One JSON object with `call` and `args` a line; `python -m drift_oracle` (from this
folder) answers them. The same seed and count give the same lines on every Python
from 3.9 on. Values are JSON texts in random spelling, some of them mutated, which
mostly makes them invalid. A request has at most one faulty argument besides a
payload and its merges, whose order is fixed: which of two faults is reported
first elsewhere is nobody's business.
"""

from __future__ import annotations

import argparse
import base64
import json
import random
import struct
import sys
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, Callable

from drift_oracle import OracleError, export, process_span, span, struct_bytes
from drift_oracle.json_text import parse
from drift_oracle.wire import message_field, tag, varint

Request = dict[str, Any]

KEYS = [
    "a",
    "b",
    "c",
    "body",
    "headers",
    "id",
    "name",
    "",
    "A",
    "aa",
    "a b",
    "1",
    "10",
    "2",
    "é",
    "é",
    "😀",
    "𐀀",
    "\U0010ffff",
    "\ue000",
    "\uf8ff",
    "\uffff",
    "�",
    "\ud7ff",
    "type",
    "properties",
    "items",
    "encoding",
    "decoded_type",
    "x" * 15,
    "x" * 16,
    "x" * 17,
    "\x01",
    '"',
    "\\",
    "/",
    "\u2028",
    "~",
    "bodySize",
]
CHARACTERS = (
    list("abcdefghijklmnopqrstuvwxyzABCXYZ0123456789 .,:;-_/'<>&=+{}[]")
    + list('"\\\x00\x01\x07\b\t\n\x0b\f\r\x1b\x1f\x7f\x80\x85\x9f\xa0éßÿ\u0100\u07ff\u0800\u20ac\u2028\u2029')
    + list("\ud7ff\ue000\ufb33\ufeff\ufffc\ufffd\ufffe\uffff\U00010000\U0001f600\U0001f468\U0010ffff\u0301")
)
NUMBERS = (
    "0 -0 0.0 -0.0 1 -1 10 1.0 0.1 1e5 1E5 1e-5 1e-6 9.999999999999999e-6 0.00001 1e15 1e16 9999999999999998.0 1e21 1e22"
    " 1e23 123456789.123456789 5e-324 2.4703282292062327e-324 2.4703282292062328e-324 2.2250738585072011e-308"
    " 2.2250738585072014e-308 1.7976931348623157e308 1.7976931348623158e308 1.7976931348623159e308 1e309 -1e309 1e400"
    " 0e400 -0e400 1e-400 9007199254740991 9007199254740992 9007199254740993 9223372036854775807 9223372036854775808"
    " -9223372036854775808 -9223372036854775809 18446744073709551615 18446744073709551616 1180591620717411303424"
    " 0.30000000000000004 5.684341886080801e-14 5.684341886080802e-14 4.35 9007199254740993.0 1.00000000000000011102230246251565"
).split()


class Values:
    """Random JSON texts from one source of randomness."""

    def __init__(self, source: random.Random) -> None:
        self.random = source

    def chance(self, probability: float) -> bool:
        """True that often."""
        return self.random.random() < probability

    def pick(self, items: Any) -> Any:
        """One of a sequence."""
        return items[self.random.randrange(len(items))]

    # --- numbers ---

    def number(self) -> str:
        """A number token; a few overflow."""
        kinds: list[Callable[[], str]] = [
            lambda: str(self.random.randrange(-20, 1000)),
            lambda: self.pick(NUMBERS[:-1]) if self.chance(0.9) else self.pick(NUMBERS),
            self._integer,
            self._double,
            self._double,
            self._near,
            self._digits,
        ]
        return str(self.pick(kinds)())

    def _integer(self) -> str:
        bits = self.pick([8, 31, 32, 53, 54, 63, 64, 65, 100, 300, 1030, 1100])
        number = self.random.getrandbits(bits) + self.pick([0, 2**bits - 1, 2**bits])
        return self.pick(["", "-"]) + str(number or 7)

    def _bits(self) -> float:
        while True:
            number = struct.unpack("<d", struct.pack("<Q", self.random.getrandbits(64)))[0]
            if number - number == 0.0:
                return float(number)

    def _double(self) -> str:
        number = self._bits()
        if self.chance(0.6):  # of everyday size
            number = float(f"{self.random.uniform(-1, 1):.{self.random.randrange(1, 20)}g}")
            number *= 10.0 ** self.random.randrange(-12, 20)
        form = self.random.randrange(5)
        if form < 2:
            text = repr(number)
        elif form == 2:
            text = f"{number:.17e}"
        elif form == 3:
            text = f"{number:.{self.random.randrange(1, 30)}e}"
        else:
            text = f"{number:.{self.random.randrange(0, 25)}f}" if abs(number) < 1e25 else repr(number)
        return text.replace("e", "E") if self.chance(0.2) else text

    def _near(self) -> str:
        """The exact middle of two doubles, or a hair beside it."""
        low = (
            abs(self._bits())
            if self.chance(0.3)
            else self.random.uniform(0, 2) * 2.0 ** self.random.randrange(-60, 60)
        )
        bits = struct.unpack("<Q", struct.pack("<d", low))[0]
        high = struct.unpack("<d", struct.pack("<Q", bits + 1))[0]
        if high - high != 0.0:
            return repr(low)
        middle = (Fraction(low) + Fraction(high)) / 2
        shift = middle.denominator.bit_length() - 1
        if shift > 250:
            return repr(low)
        digits = str(middle.numerator * 5**shift).rjust(shift + 1, "0")
        text = f"{digits[:-shift]}.{digits[-shift:]}" if shift else digits + ".0"
        return text + self.pick(["", "", "0", "1", "0000000000000000000000000001"])

    def _digits(self) -> str:
        """Grammar alone: any digits, any exponent, seldom beyond the range."""
        text = self.pick(["", "-"]) + self.pick(
            ["0", str(self.random.randrange(1, 10 ** self.random.randrange(1, 25)))]
        )
        if self.chance(0.6):
            text += "." + "".join(self.pick("0123456789") for _ in range(self.random.randrange(1, 30)))
        if self.chance(0.5):
            limit = 330 if self.chance(0.1) else 280
            text += (
                self.pick("eE")
                + self.pick(["", "+", "-"])
                + self.pick(["", "0"])
                + str(self.random.randrange(limit))
            )
        return text

    # --- strings ---

    def string(self, text: str | None = None) -> str:
        """A string token: random characters in random spelling, or the text given."""
        lone = 0.004 if text is not None else 0.015
        if text is None:
            text = "".join(self.pick(CHARACTERS) for _ in range(self._length()))
            if self.chance(0.1):
                text = self.pick("ax é") * self.random.randrange(200)
        parts = [self._spell(character) for character in text]
        if self.chance(lone):
            for _ in range(self.random.randrange(1, 4)):
                unit = self.random.randrange(0xD800, 0xE000)
                parts.insert(self.random.randrange(len(parts) + 1), self._escape(unit))
        return '"' + "".join(parts) + '"'

    def _length(self) -> int:
        return int(self.pick([0, 1, 1, 2, 3, 5, 8, 13, 30]))

    def _escape(self, unit: int) -> str:
        digits = f"{unit:04x}"
        return "\\u" + "".join(self.pick([digit, digit.upper()]) for digit in digits)

    def _spell(self, character: str) -> str:
        short = {
            '"': '\\"',
            "\\": "\\\\",
            "\b": "\\b",
            "\f": "\\f",
            "\n": "\\n",
            "\r": "\\r",
            "\t": "\\t",
            "/": "\\/",
        }
        must = character < " " or character in '"\\'
        if character in short and (must or self.chance(0.3)) and self.chance(0.7):
            return short[character]
        if must or self.chance(0.06):
            units = character.encode("utf-16-be")
            return "".join(
                self._escape(int.from_bytes(units[i : i + 2], "big")) for i in range(0, len(units), 2)
            )
        return character

    def key(self) -> str:
        """A key token."""
        return self.string(self.pick(KEYS)) if self.chance(0.85) else self.string()

    # --- values ---

    def space(self) -> str:
        """Mostly nothing."""
        if self.chance(0.85):
            return ""
        return "".join(self.pick(" \t\r\n") for _ in range(self.random.randrange(1, 4)))

    def scalar(self) -> str:
        """A token that is no container."""
        kind = self.random.randrange(10)
        if kind < 4:
            return self.number()
        return self.string() if kind < 8 else str(self.pick(["null", "true", "false"]))

    def value(self, size: int = 12) -> str:
        """A JSON value of about so many parts."""
        if size <= 0 or self.chance(0.25):
            return self.scalar()
        return self.object(size) if self.chance(0.65) else self.array(size)

    def array(self, size: int = 12) -> str:
        """An array."""
        count = self.random.randrange(min(size, 6) + 1)
        items = [self.space() + self.value(size // (count + 1)) + self.space() for _ in range(count)]
        return "[" + (",".join(items) or self.space()) + "]"

    def object(self, size: int = 12) -> str:
        """An object, some keys repeated."""
        count = self.random.randrange(min(size, 8) + 1)
        keys = [self.key() for _ in range(count)]
        if keys and self.chance(0.15):
            keys.append(self.pick(keys))
        members = [
            self.space()
            + key
            + self.space()
            + ":"
            + self.space()
            + self.value(size // (count + 1))
            + self.space()
            for key in keys
        ]
        return "{" + (",".join(members) or self.space()) + "}"

    def deep(self) -> str:
        """Nested to the limit and slightly beyond."""
        levels = self.pick([20, 33, 34, 60, 64, 100, 120, 125, 126, 127, 127, 128, 129, 200])
        text, closing = "", ""
        for _ in range(levels):
            if self.chance(0.5):
                text, closing = text + self.space() + "{" + self.key() + ":", "}" + closing
            else:
                text, closing = (
                    text + self.space() + "[" + self.pick(["", "", "1,", "[],", "{},"]),
                    "]" + closing,
                )
        return text + self.pick(["1", "null", '""', self.scalar(), "1.5"]) + closing

    def document(self) -> str:
        """A whole text."""
        if self.chance(0.04):
            return self.deep()
        if self.chance(0.03):
            return self.string("z" * self.random.randrange(2000)) if self.chance(0.5) else self.array(200)
        return self.space() + self.value(self.pick([0, 3, 6, 12, 30])) + self.space()

    def mutated(self, text: str) -> bytes:
        """The text's bytes with one or two of them changed: mostly invalid, some invalid UTF-8."""
        data = bytearray(text.encode())
        for _ in range(self.random.randrange(1, 3)):
            at = self.random.randrange(len(data) + 1)
            kind = self.random.randrange(6)
            if kind == 0:
                del data[at:]
            elif kind == 1:
                del data[at : at + 1]
            elif kind == 2:
                data[at:at] = self.pick(
                    [b",", b"}", b"]", b"{", b"[", b'"', b":", b"\\", b"0", b".", b"e", b"-", b"\n", b" "]
                )
            elif kind == 3 and at < len(data):
                data[at] = self.random.randrange(256)
            elif kind == 4:
                data[at:at] = self.pick(
                    [b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xff", b"\x80", b"\x00", b"\\ud8", b"1e999", b"\xc3"]
                )
            else:
                end = at + self.random.randrange(8)
                data[at:at] = data[at:end]
        return bytes(data)

    def text(self, name: str, text: str, mutation: float = 0.15) -> dict[str, str]:
        """The argument of a text: as it is, as bytes, or mutated."""
        if self.chance(mutation):
            data = self.mutated(text)
            try:
                return {name: data.decode()}
            except UnicodeDecodeError:
                return {f"{name}_hex": data.hex()}
        return {f"{name}_hex": text.encode().hex()} if self.chance(0.05) else {name: text}

    # --- payloads and merges ---

    def body(self) -> str:
        """A string token as SDKs record bodies: base64 good and bad, JSON, text."""
        inner = (
            self.value(8)
            if self.chance(0.7)
            else self.pick(["hello", "", "\ufeff{}", "[1,]", "nul", "caf\u00e9"])
        )
        data = inner.encode()
        if self.chance(0.15):
            data = self.mutated(inner)
        if self.chance(0.15):
            text = data.decode("utf-8", "replace")
            return self.string(text)
        text = base64.b64encode(data).decode()
        fault = self.random.randrange(12)
        if fault == 0:
            text = text.rstrip("=")
        elif fault == 1:
            text = text.replace("+", "-").replace("/", "_")
        elif fault == 2 and text:
            at = self.random.randrange(len(text))
            text = text[:at] + self.pick(["\n", " ", "=", "A", "*", "\r\n"]) + text[at:]
        elif fault == 3 and text.endswith("="):
            text = text.rstrip("=")[:-1] + self.pick("BCDEFhijk") + "=" * (len(text) - len(text.rstrip("=")))
        return self.string(text)

    def payload(self) -> str:
        """An object whose members are often bodies."""
        members = []
        for _ in range(self.random.randrange(1, 7)):
            value = self.body() if self.chance(0.5) else self.value(6)
            members.append(self.key() + self.space() + ":" + value)
        return "{" + ",".join(members) + "}"

    def _code(self, known: tuple[int, ...]) -> str:
        return str(self.pick(known)) if self.chance(0.9) else str(self.pick([0, -1, 2**31 - 1, -(2**31), 99]))

    def merges(self) -> str:
        """Merges; about one in eight has one fault."""
        faults = {
            "encoding": ['"1"', "true", "1.0", "1e0", "2147483648", "-2147483649", "[]", "-0"],
            "decoded_type": ['"JSON"', "false", "0.5", "4294967297", "{}"],
            "match_importance": ['"1"', "true", "[]", "1e400"],
        }
        faulty = self.chance(0.12)
        entries = []
        keys = [self.pick(KEYS) for _ in range(self.random.randrange(0, 7))]
        at_fault = self.random.randrange(len(keys)) if keys and faulty else -1
        for index, key in enumerate(keys):
            members = []
            if self.chance(0.8):
                members.append(("encoding", self._code((1, 1, 1, 0, 2))))
            if self.chance(0.7):
                members.append(("decoded_type", self._code((1, 1, 1, 0, 2, 11, 18))))
            if self.chance(0.4):
                members.append(
                    (
                        "match_importance",
                        self.pick(["0", "1", "0.5", "-0", "1e-7", "0.0", "3", "9" * 330, self._integer()]),
                    )
                )
            if self.chance(0.1):
                members = [(name, self.pick([value, "null"])) for name, value in members]
            self.random.shuffle(members)
            if self.chance(0.1):
                members.insert(0, (self.pick(["foo", "decodedType", "Encoding", ""]), self.value(3)))
            fault = self.random.randrange(4) if index == at_fault else -1
            token = self.string(key)
            if fault == 0 and members:
                # A wrong value for one known member.
                names = [name for name, _ in members if name in faults]
                if names:
                    wrong = self.pick(names)
                    members = [
                        (name, self.pick(faults[wrong]) if name == wrong else value)
                        for name, value in members
                    ]
            elif fault == 1 and members:
                members.append(self.pick(list(members)))
            elif fault == 2:
                entries.append(f"{token}:{self.pick(['null', '1', 'true', chr(34) + chr(34)])}")
                continue
            elif fault == 3 or self.chance(0.15):
                codes = ["1", "1", "0.5"][: self.random.randrange(4)]
                if fault == 3:
                    codes = self.pick(
                        [["1", "1", "1", "1"], ["true"], ["1", '"x"'], ["1.0"], ["1", "1", "null", "1"]]
                    )
                entries.append(f"{token}:[{','.join(codes)}]")
                continue
            entries.append(
                token
                + ":{"
                + ",".join(self.space() + self.string(name) + ":" + value for name, value in members)
                + "}"
            )
        return self.space() + "{" + ",".join(entries) + "}" + self.space()

    # --- schemas and spans ---

    def schema(self, levels: int = 3) -> str:
        """A schema argument, right and wrong members mixed."""
        if self.chance(0.08):
            return self.value(3)
        members = []
        if self.chance(0.9):
            members.append(
                '"type":' + (str(self.random.randrange(10)) if self.chance(0.9) else self.scalar())
            )
        if levels and self.chance(0.7):
            inner = [f"{self.key()}:{self.schema(levels - 1)}" for _ in range(self.random.randrange(4))]
            members.append('"properties":{' + ",".join(inner) + "}")
        if levels and self.chance(0.3):
            members.append('"items":' + self.schema(levels - 1))
        for name in ("encoding", "decoded_type", "match_importance", "foo", "decodedType"):
            if self.chance(0.12):
                members.append(
                    f'"{name}":' + (self.scalar() if self.chance(0.4) else self.pick(["0", "1", "0.5"]))
                )
        self.random.shuffle(members)
        return "{" + ",".join(members) + "}"

    def plain(self) -> str:
        """Characters for a field of a span; no lone surrogates, which no fixture can hold."""
        return "".join(self.pick(CHARACTERS) for _ in range(self._length()))

    def span_fields(self) -> dict[str, Any]:
        """The fields that the span calls share."""
        fields: dict[str, Any] = {}
        for name in (
            "trace_id", "span_id", "parent_span_id", "name", "package_name", "instrumentation_name", "submodule_name",
            "status_message", "environment",
        ):  # fmt: skip
            if self.chance(0.5):
                fields[name] = self.plain()
        for name, largest in (("package_type", 11), ("kind", 5), ("status_code", 2)):
            if self.chance(0.6):
                fields[name] = self.random.randrange(largest + 1)
        for name, bits in (
            ("timestamp_seconds", 63), ("timestamp_nanos", 31), ("duration_seconds", 63), ("duration_nanos", 31),
        ):  # fmt: skip
            if self.chance(0.6):
                limit = 2 ** self.pick([bits, 30, 8])
                fields[name] = str(self.random.randrange(-limit, limit))
        for name in ("is_pre_app_start", "is_root_span"):
            if self.chance(0.5):
                fields[name] = self.chance(0.5)
        return fields

    def enum_fault(self, fields: dict[str, Any]) -> bool:
        """Seldom makes one code unknown."""
        if not self.chance(0.04):
            return False
        fields.update([self.pick([("package_type", 12), ("kind", 6), ("status_code", 3), ("kind", -1)])])
        return True

    def span(self) -> Request:
        """A `span` request with at most one faulty argument."""
        fields = self.span_fields()
        faulty = self.enum_fault(fields)
        makers: list[tuple[str, Callable[[], str]]] = [
            ("input_schema", self.schema), ("output_schema", self.schema), ("metadata", self.value),
            ("input_value", self.valid_document), ("output_value", self.valid_document),
        ]  # fmt: skip
        for name, make in makers:
            if self.chance(0.7):
                text = make()
                arguments = self.text(name, text, 0.0 if faulty else 0.04)
                if not faulty and not _valid(arguments, name):
                    faulty = True
                elif faulty and not _valid(arguments, name):
                    arguments = {name: "{}"}
                fields.update(arguments)
        for name in ("input_schema_hash", "output_schema_hash", "input_value_hash", "output_value_hash"):
            if self.chance(0.5):
                fields[name] = f"{self.random.getrandbits(256):064x}"
        if self.chance(0.2):
            data = struct_bytes(parse(self.valid_document()))
            if not faulty and self.chance(0.3):
                data = self.mutated_bytes(data)
            fields["input_value_proto_struct_hex"] = data.hex()
        return {"call": "span", "args": fields}

    def valid_document(self) -> str:
        """A document that the contract accepts."""
        while True:
            text = self.document()
            try:
                parse(text)
            except OracleError:
                continue
            return text

    def encoded_span(self) -> bytes:
        """The bytes of a good span, some with unknown and repeated fields."""
        fields = self.span_fields()
        fields["input_value"] = self.valid_document()
        fields["metadata"] = self.pick([None, "{}", '{"a":[1]}'])
        if self.chance(0.5):
            fields["input_schema"] = '{"type":6,"properties":{"b":{"type":7,"items":{}},"a":{"encoding":1}}}'
        data = span(fields)
        if self.chance(0.2):
            data += tag(self.random.randrange(26, 2000), 0) + varint(self.random.getrandbits(64))
        if self.chance(0.1):
            data += message_field(9, struct_bytes(parse(self.valid_document())))
        return data

    def mutated_bytes(self, data: bytes) -> bytes:
        """Bytes with one of them changed, inserted or lost, or cut short."""
        out = bytearray(data)
        at = self.random.randrange(len(out) + 1)
        kind = self.random.randrange(4)
        if kind == 0:
            del out[at:]
        elif kind == 1 and at < len(out):
            out[at] = self.random.randrange(256)
        elif kind == 2:
            out[at:at] = bytes([self.random.randrange(256)])
        else:
            del out[at : at + 1]
        return bytes(out)

    def span_input(self) -> dict[str, Any]:
        """The members of a span input with at most one fault that is not the order of payload and merges."""
        fields = self.span_fields()
        if self.enum_fault(fields):
            return fields
        faulty = False
        for side in ("input", "output"):
            if self.chance(0.8):
                given = self.text(
                    f"{side}_json", self.pick([self.payload, self.document])(), 0.0 if faulty else 0.06
                )
                given.update({f"{side}_merges": self.merges()} if self.chance(0.5) else {})
                try:
                    process_span({k[:-4] if k.endswith("_hex") else k: _data(k, v) for k, v in given.items()})
                except OracleError:
                    if faulty:
                        continue
                    faulty = True
                fields.update(given)
        if self.chance(0.4) and not faulty:
            fields.update(self.text("metadata_json", self.value(), 0.04))
        return fields

    # --- requests ---

    def request(self) -> Request:
        """One request of any call."""
        kind = self.random.random()
        if kind < 0.36:
            args: dict[str, Any] = self.text("input", self.document())
            if self.chance(0.3):
                args["profile"] = "rfc8785"
            return {"call": "normalize", "args": args}
        if kind < 0.66:
            args = self.text("input", self.payload() if self.chance(0.75) else self.document(), 0.06)
            if self.chance(0.75):
                args.update(self.text("merges", self.merges(), 0.05))
            return {"call": "payload", "args": args}
        if kind < 0.74:
            return self.span()
        if kind < 0.78:
            spans = [self.encoded_span() for _ in range(self.random.randrange(4))]
            spans = [self.mutated_bytes(one) if self.chance(0.2) else one for one in spans]
            args = {**self.export_strings(), "spans_hex": [one.hex() for one in spans]}
            return {"call": "export", "args": args}
        if kind < 0.86:
            call = self.pick(["read_struct", "read_span", "read_export"])
            return {"call": call, "args": {"hex": self._encoded(call).hex()}}
        if kind < 0.92:
            return self._difference()
        if kind < 0.97:
            return {"call": "process_span", "args": self.span_input()}
        return self._batch()

    def export_strings(self) -> dict[str, str]:
        """The four strings of a request."""
        names = ("observable_service_id", "environment", "sdk_version", "sdk_instance_id")
        return {name: self.plain() if self.chance(0.7) else "" for name in names}

    def _encoded(self, call: str) -> bytes:
        if call == "read_struct":
            data = struct_bytes(parse(self.valid_document()))
        elif call == "read_span":
            data = self.encoded_span()
        else:
            data = export(
                self.export_strings(), [self.encoded_span() for _ in range(self.random.randrange(3))]
            )
        return self.mutated_bytes(data) if self.chance(0.3) else data

    def _difference(self) -> Request:
        if self.chance(0.6):
            left = self.valid_document()
            right = self._changed(left)
            args: dict[str, Any] = {"left": left, "right": right}
            if self.chance(0.05):
                args.update(self.text("right", right, 1.0))
                if "right_hex" in args:
                    del args["right"]
            return {"call": "diff_json", "args": args}
        first, second = self.encoded_span(), self.encoded_span()
        if self.chance(0.5):
            return {"call": "diff_spans", "args": {"left_hex": first.hex(), "right_hex": second.hex()}}
        strings = self.export_strings()
        left_request, right_request = export(strings, [first, second]), export(strings, [first])
        args = {"left_hex": left_request.hex(), "right_hex": right_request.hex()}
        return {"call": "diff_export_requests", "args": args}

    def _changed(self, text: str) -> str:
        """A text that differs in little, by trying mutations until one is valid."""
        for _ in range(20):
            try:
                changed = self.mutated(text).decode()
                parse(changed)
            except (UnicodeDecodeError, OracleError):
                continue
            return changed
        return self.valid_document()

    def _batch(self) -> Request:
        spans: list[dict[str, Any]] = []
        for _ in range(self.random.randrange(5)):
            if self.chance(0.3):
                data = self.encoded_span()
                if self.chance(0.2):
                    data = data[: self.random.randrange(len(data))]
                spans.append({"encoded_hex": data.hex()})
            else:
                spans.append(self.span_input())
        args: dict[str, Any] = {**self.export_strings(), "spans": spans}
        if self.chance(0.3):
            args["max_message_depth"] = self.random.randrange(1, 30)
        return {"call": "process_spans", "args": args}


def _data(name: str, value: Any) -> Any | bytes:
    return bytes.fromhex(value) if name.endswith("_hex") else value


def _valid(arguments: dict[str, str], name: str) -> bool:
    try:
        parse(
            arguments[name] if name in arguments else bytes.fromhex(arguments[f"{name}_hex"]),
            258 if "schema" in name else 127,
        )
    except OracleError:
        return False
    return True


def requests(count: int, seed: int) -> Iterator[Request]:
    """So many requests. Each has its own source of randomness: the n-th depends on the seed and n alone."""
    for index in range(count):
        yield Values(random.Random(f"{seed}/{index}")).request()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    for request in requests(arguments.count, arguments.seed):
        sys.stdout.write(json.dumps(request, ensure_ascii=True) + "\n")


if __name__ == "__main__":
    main()
