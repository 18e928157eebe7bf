"""What the two sides make of a number token.

``published_double`` models the parser behind the published packages: a 64-bit
significand, further digits dropped, then one multiplication or division by a
power of ten. It is fast and can miss the nearest double. Having the model, a rule
about numbers can say from the input alone whether it applies, and what the
published answer must be; every run holds the model against every number it meets.
"""

from __future__ import annotations

import re

MAX_DOUBLE = float.fromhex("0x1.fffffffffffffp+1023")
_MAX_U64 = (1 << 64) - 1
_TOKEN = re.compile(r"(-?)(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?\Z")


class OutOfRange(Exception):
    """The published parser says `number out of range`."""


def big_int(digits: str) -> int:
    """int(digits) at any length: Python's own limit on digits does not apply here."""
    negative = digits.startswith("-")
    rest = digits[1:] if negative else digits
    if len(rest) <= 4000:
        return int(digits)
    half = len(rest) // 2
    scale: int = 10 ** (len(rest) - half)
    value = big_int(rest[:half]) * scale + big_int(rest[half:])
    return -value if negative else value


def big_str(value: int) -> str:
    """str(value) at any length."""
    if abs(value) < 10**4000:
        return str(value)
    if value < 0:
        return "-" + big_str(-value)
    # 30103 / 100000 is just above log10(2): an upper bound on the digits.
    half = (value.bit_length() * 30103 // 100000) // 2
    high, low = divmod(value, 10**half)
    return big_str(high) + big_str(low).rjust(half, "0")


def is_integer_token(token: str) -> bool:
    return token != "-0" and not any(c in token for c in ".eE")


def int_to_double(value: int) -> float:
    """The nearest double; beyond the range the largest finite one."""
    try:
        return float(value)
    except OverflowError:
        return MAX_DOUBLE if value > 0 else -MAX_DOUBLE


def exact_double(token: str) -> float:
    """What a number token is as a double, correctly rounded (infinite beyond the range)."""
    if is_integer_token(token):
        return int_to_double(big_int(token))
    return float(token)


def print_double(value: float) -> str:
    """The canonical form of a finite double."""
    text = repr(value)
    if "inf" in text or "nan" in text:
        return "null"
    sign, text = ("-", text[1:]) if text.startswith("-") else ("", text)
    mantissa, _, exponent_text = text.partition("e")
    whole, _, fraction = mantissa.partition(".")
    if fraction == "0":
        fraction = ""
    point = len(whole) + int(exponent_text or "0")
    digits = (whole + fraction).lstrip("0")
    point -= len(whole + fraction) - len(digits)
    digits = digits.rstrip("0")
    if not digits:
        return sign + "0.0"
    # The value is 0.DIGITS times ten to the power `point`.
    if -4 <= point <= 16:
        if point <= 0:
            return sign + "0." + "0" * -point + digits
        if point >= len(digits):
            return sign + digits + "0" * (point - len(digits)) + ".0"
        return sign + digits[:point] + "." + digits[point:]
    exponent = point - 1
    body = digits if len(digits) == 1 else digits[0] + "." + digits[1:]
    return f"{sign}{body}e{exponent:+d}"


def print_token(token: str) -> str:
    """The canonical form of a number token."""
    if is_integer_token(token):
        return token
    return print_double(float(token))


def _scale(significand: int, exponent: int) -> float:
    value = float(significand)
    while True:
        if abs(exponent) <= 308:
            power = float(f"1e{abs(exponent)}")
            if exponent < 0:
                return value / power
            value *= power
            if value == float("inf"):
                raise OutOfRange
            return value
        if value == 0.0:
            return value
        if exponent >= 0:
            raise OutOfRange
        value /= 1e308
        exponent += 308


def published_double(token: str) -> tuple[bool, float]:
    """(is it an integer of 64 bits, the double) for one parse of one token."""
    match = _TOKEN.match(token)
    if match is None:
        raise ValueError(token)
    sign, whole, fraction, exponent_text = match.groups()
    significand = 0
    exponent = 0
    overflowed = False
    for index, digit in enumerate(whole):
        if significand * 10 + int(digit) > _MAX_U64:
            exponent = len(whole) - index
            overflowed = True
            break
        significand = significand * 10 + int(digit)
    if fraction is None and exponent_text is None and not overflowed:
        if not sign:
            return True, float(significand)
        if 0 < significand <= 1 << 63:
            return True, -float(significand)
        return False, -float(significand)
    for digit in (fraction or ".")[1:]:
        if significand * 10 + int(digit) > _MAX_U64:
            break
        significand = significand * 10 + int(digit)
        exponent -= 1
    if exponent_text is not None:
        given = big_int(exponent_text[1:].replace("+", ""))
        if abs(given) > 0x7FFFFFFF:
            if significand and given > 0:
                raise OutOfRange
            return False, -0.0 if sign else 0.0
        exponent += given
    value = _scale(significand, exponent)
    return False, -value if sign else value


def published_form(token: str, parses: int) -> str | None:
    """What the token prints as after so many parses; None: refused.

    The published calls print a value and parse it again; how often depends on
    the entry point.
    """
    current = token
    for _ in range(parses):
        try:
            is_integer, value = published_double(current)
        except OutOfRange:
            return None
        current = current if is_integer else print_double(value)
    return current


def overflows(token: str) -> bool:
    """A float token whose correctly rounded double is infinite: both sides refuse."""
    return not is_integer_token(token) and abs(float(token)) == float("inf")
