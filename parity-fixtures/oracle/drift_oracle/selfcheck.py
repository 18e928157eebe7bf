"""Checks of the oracle itself against literals and exact arithmetic; run by the generator."""

from __future__ import annotations

import random
import struct
from fractions import Fraction
from typing import Any

from .blake3 import blake3_hex
from .errors import OracleError
from .payload import base64_bytes, payload, payload_native, utf8_lossy
from .values import integer_from_int, shortest_digits

# Official test vectors: the input is 0, 1, … 250, 0, 1, … of that length; the first 256 bits of output.
BLAKE3_VECTORS = {
    0: "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
    1: "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213",
    63: "e9bc37a594daad83be9470df7f7b3798297c3d834ce80ba85d6e207627b7db7b",
    64: "4eed7141ea4a5cd4b788606bd23f46e212af9cacebacdc7d1f4c6dc7f2511b98",
    65: "de1e5fa0be70df6d2be8fffd0e99ceaa8eb6e8c93a63f2d8d1c30ecb6b263dee",
    1024: "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7",
    1025: "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444",
    2048: "e776b6028c7cd22a4d0ba182a8bf62205d2ef576467e838ed6f2529b85fba24a",
    2049: "5f4d72f40d7a5f82b15ca2b2e44b1de3c2ef86c426c95c1af0b6879522563030",
    5120: "9cadc15fed8b5d854562b26a9536d9707cadeda9b143978f319ab34230535833",
    8193: "bab6c09cb8ce8cf459261398d2e7aef35700bf488116ceb94a36d0f5f1b7bc3b",
    31744: "62b6960e1a44bcc1eb1a611a8d6235b6b4b78f32e7abc4fb4c6cdcce94895c47",
}


def _shortest_exact(number: float) -> tuple[str, int]:
    """Shortest digits by exact arithmetic alone: the contract's sentence, word for word."""
    bits = struct.unpack("<Q", struct.pack("<d", number))[0]
    exponent, mantissa = bits >> 52 & 0x7FF, bits & (2**52 - 1)
    scale = Fraction(2) ** (max(exponent, 1) - 1075)
    whole = mantissa + (2**52 if exponent else 0)
    value = whole * scale
    above = value + scale / 2
    below = value - scale / 2
    if mantissa == 0 and exponent > 1:
        below = value - scale / 4  # the neighbour below a power of two is nearer
    closed = whole % 2 == 0  # a tie reads back as the even one
    n = len(str(int(value))) if value >= 1 else 0
    if value < 1:
        while value * Fraction(10) ** (-n) < Fraction(1, 10):
            n -= 1
    for count in range(1, 18):
        unit = Fraction(10) ** (n - count)
        first = int(value / unit)
        near = []
        for candidate in (first - 1, first, first + 1, first + 2):
            read = candidate * unit
            if below < read < above or (closed and read in (below, above)):
                near.append((abs(read - value), candidate % 2, candidate))
        if near:
            digits = str(min(near)[2])
            point = n + len(digits) - count  # 9.99… may round up to one digit more
            return digits.rstrip("0"), point
    raise AssertionError(number)


class _Float:
    def __float__(self) -> float:
        return 0.5


class _Index:
    def __index__(self) -> int:
        return 2**70


class _Raises:
    def __index__(self) -> int:
        raise RuntimeError


def _refusal(value: Any, merges: Any = None) -> tuple[str, str | None]:
    try:
        payload_native(value, merges)
    except OracleError as error:
        return error.code, error.path
    raise AssertionError("no refusal")


def _native() -> None:
    """Python values: the fixtures hold none."""
    value = {
        "b": (1, True, None, 2**70, -0.0, float("nan"), float("inf")),
        "a": "\ud83d\ude00",
        "f": _Float(),
        "i": _Index(),
    }
    result = payload_native(value)
    assert result.normalized == (
        '{"a":"\ufffd\ufffd","b":[1,true,null,1180591620717411303424,-0.0,null,null],"f":0.5,"i":1180591620717411303424}'
    )
    assert payload_native({chr(0xD800): 1, chr(0xDFFF): 2}).normalized == '{"\ufffd":2}'
    for bad in ({1}, b"x", _Raises(), object(), 1j, range(3)):
        assert _refusal({"rows": [0, {"when here": bad}]}) == ("unsupported_type", '$.rows[1]["when here"]')
    assert _refusal({"a": {1: 2}})[0] == "invalid_key"
    loop: list[Any] = []
    loop.append({"self": loop})
    assert _refusal({"a": loop}) == ("cycle", "$.a[0].self")
    shared = [1]
    assert payload_native([shared, shared]).normalized == "[[1],[1]]"
    deep: list[Any] = []
    for _ in range(126):
        deep = [deep]
    assert payload_native(deep).normalized == "[" * 127 + "]" * 127
    assert _refusal([deep]) == ("depth_exceeded", "$" + "[0]" * 127)
    for _ in range(100_000):
        deep = [deep]
    assert _refusal(deep)[0] == "depth_exceeded"

    plain = {"b": "YWJj"}
    decoded = payload('{"b":"YWJj"}', '{"b":{"encoding":1,"match_importance":0.5}}')
    for merges in (
        {"b": {"encoding": 1, "match_importance": 0.5}},
        {"b": [1, None, 0.5]},
        {"b": (1, None, 0.5)},
    ):
        assert payload_native(plain, merges) == decoded
    assert payload_native(plain, {"b": {"match_importance": float("nan"), "foo": {1}}}) == payload_native(
        plain
    )
    assert _refusal(plain, []) == ("invalid_merges", "$")
    assert _refusal(plain, {"b": {"encoding": True}}) == ("invalid_merges", "$.b.encoding")
    assert _refusal(plain, {"b": {"encoding": 1.0}}) == ("invalid_merges", "$.b.encoding")
    assert _refusal(plain, {"b": {"encoding": 2**31}}) == ("invalid_merges", "$.b.encoding")
    assert _refusal(plain, {"b": {"match_importance": True}}) == ("invalid_merges", "$.b.match_importance")
    assert _refusal(plain, {"b": None}) == ("invalid_merges", "$.b")


def main() -> None:
    """Raise AssertionError where the oracle is wrong about itself."""
    for length, digest in BLAKE3_VECTORS.items():
        assert blake3_hex(bytes(i % 251 for i in range(length))) == digest, length

    numbers = [
        5e-324,
        2.2250738585072014e-308,
        2.225073858507201e-308,
        1.7976931348623157e308,
        1e-5,
        1e16,
        1e23,
        9.5e-323,
    ]
    numbers += [2.0**power for power in range(-1074, 1024, 7)]
    numbers += [
        2.0**-44,
        2.0**-24,
        9007199254740992.0,
        9007199254740994.0,
        0.3,
        0.1 + 0.2,
        123456789.123456789,
    ]
    source = random.Random(20240101)
    numbers += [struct.unpack("<d", struct.pack("<Q", source.getrandbits(63)))[0] for _ in range(400)]
    for number in numbers:
        if number == number and number not in (0.0, float("inf")):
            assert shortest_digits(number) == _shortest_exact(number), number

    for length in range(60):
        data = source.getrandbits(8 * length).to_bytes(length, "big") if length else b""
        assert utf8_lossy(data) == data.decode("utf-8", "replace"), data
    assert base64_bytes("YWI=") == b"ab" and base64_bytes("YWJ=") is None and base64_bytes("") == b""
    assert base64_bytes("YQ==\n") is None and base64_bytes("YQ") is None and base64_bytes("=") is None

    _native()

    huge = integer_from_int(-(10**20_000) + 1)
    assert huge.digits == "-" + "9" * 20_000

    known = payload('{"b":1}')
    assert known.value_hash == "eb8ed3ccb5023093b56f490a46501e88d09736687e609fdbc1c71b3df8b9ccd3"
    assert known.schema == '{"properties":{"b":{"properties":{},"type":1}},"type":6}'
    assert known.schema_hash == "070c971ed97b3ab469c2a5f74a4d3073f71796ba407cd4155156781cabe16163"
    assert known.struct.hex() == "0a0e0a0162120911000000000000f03f"


if __name__ == "__main__":
    main()
