"""The value model and the printing of canonical text (contract, sections 2 and 3).

A value is None, bool, str, float (finite), `Integer`, list, or dict. Strings hold
no surrogates. A plain Python int is accepted by the printer for the small numbers
that the oracle itself makes (schema types, enums).
"""

from __future__ import annotations

import hashlib
import math
import re
import sys
from decimal import Decimal
from typing import Any, NamedTuple

from .blake3 import blake3_hex

assert sys.float_repr_style == "short", "the oracle relies on Python's shortest repr of a float"

# Values nest to 259 levels (schemas) and each takes a frame or two; a JSON text is never read deeper
# than its limit, so that this bounds nothing that the contract does not bound first.
sys.setrecursionlimit(max(sys.getrecursionlimit(), 6000))

DRIFT = "drift"
RFC8785 = "rfc8785"
MAX_DOUBLE = sys.float_info.max


class Integer(NamedTuple):
    """An exact integer as its canonical decimal digits (`-` first when negative, no leading zero)."""

    digits: str


def integer_from_int(number: int) -> Integer:
    """The digits of a Python int of any size, past the interpreter's limit on `str(int)`."""
    if number < 0:
        return Integer("-" + _digits(-number))
    return Integer(_digits(number))


def _digits(number: int) -> str:
    if number.bit_length() < 10_000:
        return str(number)
    half = number.bit_length() * 3 // 20  # about half of its decimal digits
    high, low = divmod(number, 10**half)
    return _digits(high) + _digits(low).rjust(half, "0")


def integer_to_double(integer: Integer) -> float:
    """The nearest double; beyond the range the largest finite one of its sign."""
    number = float(integer.digits)  # correctly rounded at any length in CPython
    if math.isinf(number):
        return math.copysign(MAX_DOUBLE, number)
    return number


def to_double(value: Any) -> float:
    """The nearest double of any number of the model."""
    if isinstance(value, Integer):
        return integer_to_double(value)
    return float(value)


def small_integer(value: Any) -> int | None:
    """A 32-bit integer, None for anything else (a float that is integral too)."""
    if isinstance(value, Integer) and len(value.digits) <= 11:
        value = int(value.digits)
    if isinstance(value, int) and not isinstance(value, bool) and -(2**31) <= value < 2**31:
        return value
    return None


def replace_surrogates(text: str) -> str:
    """Every surrogate code point becomes one U+FFFD: a Python string has no pairs."""
    return re.sub("[\ud800-\udfff]", "\ufffd", text)


# --- numbers -----------------------------------------------------------------


def shortest_digits(number: float) -> tuple[str, int]:
    """Digits d1 d2 … dk and n with |number| = 0.d1…dk * 10^n, for a number that is not zero."""
    _, digits, exponent = Decimal(repr(abs(number))).as_tuple()
    assert isinstance(exponent, int)
    text = "".join(map(str, digits))
    stripped = text.rstrip("0")
    exponent += len(text) - len(stripped)
    return stripped, len(stripped) + exponent


def float_text_drift(number: float) -> str:
    """Point form from 1e-5 to below 1e16, else exponent form; always a digit after the point."""
    if math.isinf(number) or math.isnan(number):
        raise AssertionError("a non-finite double has no canonical text")
    sign = "-" if math.copysign(1.0, number) < 0 else ""
    if number == 0:
        return sign + "0.0"
    digits, n = shortest_digits(number)
    if -4 <= n <= 16:  # 1e-5 is 0.1 * 10^-4; the largest below 1e16 has n = 16
        if n <= 0:
            return sign + "0." + "0" * -n + digits
        if len(digits) <= n:
            return sign + digits + "0" * (n - len(digits)) + ".0"
        return sign + digits[:n] + "." + digits[n:]
    return sign + _exponent_form(digits, n - 1)


def float_text_ecmascript(number: float) -> str:
    """Number::toString of ECMAScript, as RFC 8785 takes it."""
    if number == 0:
        return "0"
    sign = "-" if number < 0 else ""
    digits, n = shortest_digits(number)
    k = len(digits)
    if k <= n <= 21:
        return sign + digits + "0" * (n - k)
    if 0 < n <= 21:
        return sign + digits[:n] + "." + digits[n:]
    if -6 < n <= 0:
        return sign + "0." + "0" * -n + digits
    return sign + _exponent_form(digits, n - 1)


def _exponent_form(digits: str, exponent: int) -> str:
    mantissa = digits if len(digits) == 1 else digits[0] + "." + digits[1:]
    return f"{mantissa}e{'-' if exponent < 0 else '+'}{abs(exponent)}"


# --- text --------------------------------------------------------------------

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def string_text(text: str) -> str:
    """A JSON string that escapes only the quote, the backslash and U+0000..U+001F."""
    body = re.sub('["\\\\\x00-\x1f]', lambda m: _ESCAPES.get(m.group()) or f"\\u{ord(m.group()):04x}", text)
    return f'"{body}"'


def sort_key(key: str, profile: str = DRIFT) -> bytes:
    """UTF-8 bytes for drift; UTF-16 code units (big-endian bytes compare alike) for rfc8785."""
    return key.encode("utf-8" if profile == DRIFT else "utf-16-be")


def sorted_members(value: dict[str, Any], profile: str = DRIFT) -> list[tuple[str, Any]]:
    """The members of an object in canonical order."""
    return sorted(value.items(), key=lambda member: sort_key(member[0], profile))


def canonical_text(value: Any, profile: str = DRIFT) -> str:
    """The canonical form of a value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return string_text(value)
    if isinstance(value, (Integer, int, float)):
        if profile == RFC8785:
            return float_text_ecmascript(to_double(value))
        if isinstance(value, Integer):
            return value.digits
        return str(value) if isinstance(value, int) else float_text_drift(value)
    if isinstance(value, list):
        return "[" + ",".join([canonical_text(item, profile) for item in value]) + "]"
    if isinstance(value, dict):
        members = [
            string_text(key) + ":" + canonical_text(member, profile)
            for key, member in sorted_members(value, profile)
        ]
        return "{" + ",".join(members) + "}"
    raise AssertionError(f"no value of the model: {type(value)}")


def hash_text(text: str, algorithm: str = "sha256") -> str:
    """Lower-case hex of the digest of the UTF-8 bytes."""
    data = text.encode("utf-8")
    if algorithm == "blake3":
        return blake3_hex(data)
    assert algorithm == "sha256"
    return hashlib.sha256(data).hexdigest()


# --- paths -------------------------------------------------------------------


def path_member(path: str, key: str) -> str:
    """The path of an object's member."""
    if re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", key):
        return f"{path}.{key}"
    return f"{path}[{string_text(key)}]"


def path_item(path: str, index: int) -> str:
    """The path of an array's item."""
    return f"{path}[{index}]"
