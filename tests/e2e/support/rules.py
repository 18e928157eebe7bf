"""What the published SDKs hash, and the canonical form, written once more without our code.

Everything here works on JSON text and uses the standard library only, so that it can judge both
the recordings and the bindings. Where a language prints or orders a value in its own way, a
predicate says for which values; a recorded hash may differ from ours exactly there.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import json
import math
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from .recording import Payload, members, with_members

BASE64 = 1
JSON_TYPE = 1
MAX_DEPTH = 127


class Number(str):
    """A number token, as it stands in the source."""


def parse(text: str) -> Any:
    """JSON with numbers kept as their tokens; constants such as NaN are refused."""

    def refuse(token: str) -> NoReturn:
        raise ValueError(f"{token} is not JSON")

    return json.loads(text, parse_int=Number, parse_float=Number, parse_constant=refuse)


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


# --- The canonical form -------------------------------------------------------------------


def drift_float(value: float) -> str:
    """Shortest digits that read back; point form from 1e-5 to below 1e16, else an exponent with a sign."""
    if value == 0:
        return "-0.0" if math.copysign(1, value) < 0 else "0.0"
    sign, digits, exponent = _shortest(value)
    if -5 <= exponent < 16:
        return sign + _point(digits, exponent, always=True)
    mantissa = digits[0] + ("." + digits[1:] if len(digits) > 1 else "")
    return f"{sign}{mantissa}e{exponent:+d}"


def drift_number(token: str) -> str:
    if re.fullmatch(r"-?\d+", token):
        return "-0.0" if token == "-0" else token
    return drift_float(float(token))


def javascript_number(token: str) -> str:
    """What JSON.stringify(JSON.parse(token)) gives (ECMAScript 2024, Number::toString)."""
    value = float(token)
    if value == 0:
        return "0"
    sign, digits, exponent = _shortest(value)
    if -6 <= exponent < 21:
        return sign + _point(digits, exponent, always=False)
    mantissa = digits[0] + ("." + digits[1:] if len(digits) > 1 else "")
    return f"{sign}{mantissa}e{exponent:+d}"


def _shortest(value: float) -> tuple[str, str, int]:
    """Sign, digits and decimal exponent of the first digit, from Python's shortest representation."""
    mantissa, _, power = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    exponent = len(whole) - 1 + int(power or "0")
    if whole == "0":
        exponent = -(len(fraction) - len(fraction.lstrip("0")) + 1) + int(power or "0")
    return ("-" if value < 0 else ""), digits.rstrip("0") or "0", exponent


def _point(digits: str, exponent: int, always: bool) -> str:
    if exponent < 0:
        return "0." + "0" * (-exponent - 1) + digits
    if len(digits) <= exponent + 1:
        return digits + "0" * (exponent + 1 - len(digits)) + (".0" if always else "")
    return digits[: exponent + 1] + "." + digits[exponent + 1 :]


def _whole(text: str) -> str:
    """A string with every lone surrogate replaced; Python's parser has joined the pairs."""
    return "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in text)


def canonical(value: Any) -> str:
    """The canonical text of a value from `parse`."""
    if isinstance(value, Number):
        return drift_number(value)
    if isinstance(value, str):
        return json.dumps(_whole(value), ensure_ascii=False)
    if isinstance(value, list):
        return "[" + ",".join(canonical(item) for item in value) + "]"
    if isinstance(value, dict):
        whole = {_whole(key): item for key, item in value.items()}
        keys = sorted(whole, key=lambda key: key.encode("utf-8"))
        return "{" + ",".join(f"{canonical(key)}:{canonical(whole[key])}" for key in keys) + "}"
    return json.dumps(value)


def canonical_hash(text: str) -> str:
    return sha256(canonical(parse(text)))


def depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max((depth(item) for item in value.values()), default=0)
    if isinstance(value, list):
        return 1 + max((depth(item) for item in value), default=0)
    return 0


# --- How a recorded value is decoded before it is hashed ------------------------------------


def encoded_fields(payload: Payload) -> dict[str, bytes]:
    """The top-level fields that the schema calls base64, decoded."""
    found: dict[str, bytes] = {}
    for key, text in members(payload.value).items():
        merge = payload.merges.get(key)
        value = json.loads(text)
        if merge is not None and merge.encoding == BASE64 and isinstance(value, str):
            try:
                found[key] = base64.b64decode(value, validate=True)
            except binascii.Error:
                continue
    return found


def decoded_by_contract(payload: Payload, assume_json: bool = False) -> str:
    """The value as the core decodes it; with `assume_json` also where decodedType is absent."""
    replaced: dict[str, str] = {}
    for key, data in encoded_fields(payload).items():
        text = data.decode("utf-8", errors="replace")
        wanted = payload.merges[key].decoded_type
        if (wanted == JSON_TYPE or (assume_json and wanted is None)) and _is_json(text):
            replaced[key] = text
        else:
            replaced[key] = json.dumps(text)
    return with_members(payload.value, replaced)


def _is_json(text: str) -> bool:
    try:
        return depth(parse(text)) <= MAX_DEPTH
    except (ValueError, RecursionError):
        return False


def decoded_by_python(payload: Payload) -> Any:
    """The value as the SDK's own Python code decodes it, which is more lenient."""
    decoded = json.loads(payload.value)
    for key, data in encoded_fields(payload).items():
        value: Any = data.decode("utf-8", errors="ignore")
        if payload.merges[key].decoded_type == JSON_TYPE:
            with contextlib.suppress(ValueError):
                value = json.loads(value)
        decoded[key] = value
    return decoded


def python_text(value: Any) -> str:
    """What the SDK's own Python code hashes."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


# --- Where the languages differ ------------------------------------------------------------


def _scalars_and_objects(value: Any) -> Iterator[Any]:
    yield value
    if isinstance(value, dict):
        for item in value.values():
            yield from _scalars_and_objects(item)
    elif isinstance(value, list):
        for item in value:
            yield from _scalars_and_objects(item)


def _numbers(value: Any) -> list[str]:
    return [item for item in _scalars_and_objects(value) if isinstance(item, Number)]


def _is_index(key: str) -> bool:
    return re.fullmatch(r"0|[1-9]\d*", key) is not None and int(key) < 2**32 - 1


def javascript_moves_integer_keys(value: Any) -> bool:
    """A JavaScript object lists keys that look like array indices first, in numeric order."""
    for item in _scalars_and_objects(value):
        if isinstance(item, dict):
            ordered = sorted(item, key=lambda key: key.encode("utf-8", errors="replace"))
            moved = sorted((key for key in ordered if _is_index(key)), key=int)
            if ordered != moved + [key for key in ordered if not _is_index(key)]:
                return True
    return False


def javascript_orders_by_utf16(value: Any) -> bool:
    """JavaScript sorts by UTF-16 units: astral characters before U+E000 to U+FFFF."""
    for item in _scalars_and_objects(value):
        if isinstance(item, dict):
            units = sorted(item, key=lambda key: key.encode("utf-16-be", errors="surrogatepass"))
            if units != sorted(item, key=lambda key: key.encode("utf-8", errors="surrogatepass")):
                return True
    return False


def javascript_prints_point_form(value: Any) -> bool:
    """JavaScript prints from 1e-6 on without an exponent, the canonical form from 1e-5 on."""
    return any(1e-6 <= abs(float(token)) < 1e-5 for token in _numbers(value))


def javascript_changes_numbers(value: Any) -> bool:
    """JSON.parse makes one number of 1.0 and 1, and rounds integers beyond 2^53."""
    return any(drift_number(token) != drift_number(javascript_number(token)) for token in _numbers(value))


def python_prints_exponents(value: Any) -> bool:
    """Python writes two digits of exponent (1e-07) and uses one from 1e-5 down."""
    return any(
        repr(float(token)) != drift_float(float(token))
        for token in _numbers(value)
        if not token.lstrip("-").isdigit()
    )


def has_lone_surrogate(value: Any) -> bool:
    for item in _scalars_and_objects(value):
        texts = [*item] if isinstance(item, dict) else [item] if isinstance(item, str) else []
        if any(_whole(text) != text for text in texts):
            return True
    return False
