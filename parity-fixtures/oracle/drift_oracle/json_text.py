"""Reading JSON text: RFC 8259 with the exact error codes and byte offsets of the contract.

Nothing of the standard library's `json` is used: it makes `-0` an int and `1e400`
infinity, takes NaN, refuses long integers and has no byte offsets.

The offset of `invalid_json` is the length of the longest prefix that some
continuation could still make a valid document.
"""

from __future__ import annotations

import math
import re
from typing import Any

from .errors import OracleError
from .values import DRIFT, RFC8785, Integer

MAX_DEPTH = 127
MAX_SCHEMA_DEPTH = 258

_SPACE = re.compile(rb"[ \t\n\r]*")
_PLAIN = re.compile(rb'[^"\\\x00-\x1f]*')
_DIGITS = re.compile(rb"[0-9]*")
_SHORT_ESCAPES = {
    0x22: '"', 0x5C: "\\", 0x2F: "/", 0x62: "\b", 0x66: "\f", 0x6E: "\n", 0x72: "\r", 0x74: "\t",
}  # fmt: skip
_LITERALS: dict[int, tuple[bytes, Any]] = {
    0x74: (b"true", True),
    0x66: (b"false", False),
    0x6E: (b"null", None),
}


class Pairs(list[tuple[str, Any]]):
    """An object as its members in text order, repeated keys included (for merges)."""


def check_utf8(data: bytes) -> str:
    """The text of the bytes; encoded surrogates are refused as well."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise OracleError("invalid_utf8", offset=error.start) from None


def parse(
    text: str | bytes,
    max_depth: int = MAX_DEPTH,
    profile: str = DRIFT,
    pairs: bool = False,
    overflow_is_error: bool = True,
) -> Any:
    """The value of a JSON text.

    `pairs` gives objects as `Pairs`; `overflow_is_error=False` gives an infinite float for a float token
    beyond the range of a double (merges need both).
    """
    raw_surrogates: set[int] = set()
    if isinstance(text, bytes):
        data = text
    else:
        # A str is what the languages hand over as text: its surrogates are replaced before anything else.
        data = re.sub("[\ud800-\udfff]", "\ufffd", text).encode("utf-8")
        if profile == RFC8785:
            for match in re.finditer("[\ud800-\udfff]", text):
                before = text[: match.start()].encode("utf-8", "surrogatepass")
                raw_surrogates.add(len(before))  # three bytes each, as U+FFFD has
    check_utf8(data)
    return _Parser(data, max_depth, profile, pairs, overflow_is_error, raw_surrogates).document()


class _Parser:
    def __init__(
        self,
        data: bytes,
        max_depth: int,
        profile: str,
        pairs: bool,
        overflow_is_error: bool,
        raw_surrogates: set[int],
    ) -> None:
        self.data = data
        self.pos = 0
        self.max_depth = max_depth
        self.profile = profile
        self.pairs = pairs
        self.overflow_is_error = overflow_is_error
        self.raw_surrogates = raw_surrogates

    def document(self) -> Any:
        self.space()
        value = self.value(0)
        self.space()
        if self.pos < len(self.data):
            raise self.invalid()
        return value

    def invalid(self) -> OracleError:
        """The byte at the current position cannot continue any valid document."""
        return OracleError("invalid_json", offset=self.pos)

    def peek(self) -> int:
        """The current byte, -1 at the end of the text."""
        return self.data[self.pos] if self.pos < len(self.data) else -1

    def space(self) -> None:
        match = _SPACE.match(self.data, self.pos)
        assert match
        self.pos = match.end()

    def value(self, depth: int) -> Any:
        """The value at the current position, inside `depth` containers."""
        byte = self.peek()
        if byte == 0x22:
            return self.string()
        if byte == 0x2D or 0x30 <= byte <= 0x39:
            return self.number()
        if byte in (0x5B, 0x7B):
            if depth == self.max_depth:
                raise OracleError("depth_exceeded", offset=self.pos)
            return self.array(depth + 1) if byte == 0x5B else self.object(depth + 1)
        if byte in _LITERALS:
            word, literal = _LITERALS[byte]
            for expected in word:
                if self.peek() != expected:
                    raise self.invalid()
                self.pos += 1
            return literal
        raise self.invalid()

    def array(self, depth: int) -> list[Any]:
        items: list[Any] = []
        self.pos += 1
        self.space()
        if self.peek() == 0x5D:
            self.pos += 1
            return items
        while True:
            items.append(self.value(depth))
            self.space()
            byte = self.peek()
            if byte not in (0x2C, 0x5D):
                raise self.invalid()
            self.pos += 1
            if byte == 0x5D:
                return items
            self.space()

    def object(self, depth: int) -> Any:
        members = Pairs()
        seen: set[str] = set()
        repeated = -1  # the offset of the first key that was there before
        self.pos += 1
        self.space()
        if self.peek() == 0x7D:
            self.pos += 1
            return members if self.pairs else {}
        while True:
            key_at = self.pos
            if self.peek() != 0x22:
                raise self.invalid()
            key = self.string()
            if key in seen and repeated < 0:
                repeated = key_at
            seen.add(key)
            self.space()
            if self.peek() != 0x3A:
                raise self.invalid()
            self.pos += 1
            self.space()
            members.append((key, self.value(depth)))
            self.space()
            byte = self.peek()
            if byte not in (0x2C, 0x7D):
                raise self.invalid()
            self.pos += 1
            if byte == 0x7D:
                break
            self.space()
        if self.profile == RFC8785 and repeated >= 0:
            raise OracleError("duplicate_key", offset=repeated)
        return members if self.pairs else dict(members)

    def number(self) -> Integer | float:
        start = self.pos
        if self.peek() == 0x2D:
            self.pos += 1
        if self.peek() == 0x30:
            self.pos += 1
        else:
            self.digits()
        is_float = False
        if self.peek() == 0x2E:
            is_float = True
            self.pos += 1
            self.digits()
        if self.peek() in (0x65, 0x45):
            is_float = True
            self.pos += 1
            if self.peek() in (0x2B, 0x2D):
                self.pos += 1
            self.digits()
        token = self.data[start : self.pos].decode("ascii")
        if not is_float and self.profile == DRIFT:
            return -0.0 if token == "-0" else Integer(token)
        number = float(token)  # correctly rounded at any length in CPython
        if math.isinf(number) and self.overflow_is_error:
            raise OracleError("number_out_of_range", offset=start)
        return number

    def digits(self) -> None:
        """One digit or more."""
        match = _DIGITS.match(self.data, self.pos)
        assert match
        if match.end() == self.pos:
            raise self.invalid()
        self.pos = match.end()

    def string(self) -> str:
        parts: list[str] = []
        self.pos += 1
        while True:
            match = _PLAIN.match(self.data, self.pos)
            assert match
            lone = [at for at in self.raw_surrogates if match.start() <= at < match.end()]
            if lone:
                raise OracleError("lone_surrogate", offset=min(lone))
            parts.append(match.group().decode("utf-8"))
            self.pos = match.end()
            byte = self.peek()
            if byte == 0x22:
                self.pos += 1
                return "".join(parts)
            if byte != 0x5C:  # a raw control character, or the end of the text
                raise self.invalid()
            parts.append(self.escape())

    def escape(self) -> str:
        """One escape, or two that make a surrogate pair; the position is at a backslash."""
        start = self.pos
        self.pos += 1
        byte = self.peek()
        if byte in _SHORT_ESCAPES:
            self.pos += 1
            return _SHORT_ESCAPES[byte]
        if byte != 0x75:
            raise self.invalid()
        self.pos += 1
        unit = self.hex4()
        if not 0xD800 <= unit <= 0xDFFF:
            return chr(unit)
        if unit < 0xDC00 and self.data[self.pos : self.pos + 2] == b"\\u":
            second_at = self.pos
            self.pos += 2
            second = self.hex4()
            if 0xDC00 <= second <= 0xDFFF:
                return chr(0x10000 + ((unit - 0xD800) << 10) + (second - 0xDC00))
            self.pos = second_at  # not its pair: it is read again for itself
        if self.profile == RFC8785:
            raise OracleError("lone_surrogate", offset=start)
        return "\ufffd"

    def hex4(self) -> int:
        digits = ""
        for _ in range(4):
            byte = self.peek()
            if byte < 0 or chr(byte) not in "0123456789abcdefABCDEF":
                raise self.invalid()
            digits += chr(byte)
            self.pos += 1
        return int(digits, 16)
