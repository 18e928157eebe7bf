"""Both sides of the boundaries at which an implementation changes its way.

Fast code reads and writes in blocks, keeps what it has seen, and copies what is
canonical already. The sizes here are those of blocks (16 to 64 bytes), of
lengths in protobuf, of the digits that 64 bits and doubles hold, and of tables
that stop learning. Most cases hold many values, so that the files stay small.
"""

from __future__ import annotations

import base64
import json

from .table import Case, Text, arrays, normalize, objects, payload

B = "\\"
E_ACUTE = "\u00e9"
LENGTHS = (0, 1, 15, 16, 17, 31, 32, 33, 47, 48, 63, 64, 65)
BLOCK_ENDS = (0, 15, 16, 17, 31, 32, 47, 48, 63, 64)

# What does not stand for itself, or is more than one byte: as JSON text has it.
SPECIALS = (f'{B}"', f"{B}{B}", f"{B}n", f"{B}u0001", f"{B}ud800", "\u00e9", "\u2028", "\U0001f600", "\x7f")


def places(length: int) -> list[int]:
    """The places in so many bytes at which a block ends or starts, and the last one."""
    return sorted({place for place in (*BLOCK_ENDS, length - 1) if 0 <= place < length})


def around(length: int, place: int, special: str) -> str:
    """So many characters, the one at a place replaced."""
    return "x" * place + special + "y" * (length - place - 1)


def items(texts: list[str]) -> str:
    """An array of texts."""
    return "[" + ",".join(texts) + "]"


def members(count: int, order: int = 1) -> str:
    """An object of so many members, in order or backwards."""
    return "{" + ",".join(f'"k{i:03}":{i}' for i in range(count)[::order]) + "}"


# Strings: a special at every place in the middle of a list, and at the end of the text.
CASES: list[Case] = []
for length in LENGTHS:
    strings = [
        around(length, place, special)
        for place in places(length)
        for special in SPECIALS[: 9 if length < 40 else 5]
    ]
    CASES += [
        normalize(f"a plain string of {length} bytes as the whole text", f'"{"x" * length}"'),
        normalize(f"strings of {length} bytes with a special one at every boundary", items([f'"{text}"' for text in ["z" * length, *strings]])),
        normalize(f"a string of {length} bytes without its end", f'"{"x" * length}'),
        payload(f"a key and a string of {length} bytes in a payload", f'{{"{"k" * length}":"{"v" * length}","z":["{E_ACUTE * (length // 2)}"]}}'),
    ]  # fmt: skip
    for place in places(length):
        CASES += [
            normalize(f"an escape at place {place} of a string of {length} bytes as the whole text", f'"{around(length, place, B + "t")}"'),
            normalize(f"a raw control character at place {place} of a string of {length} bytes", f'["{around(length, place, chr(0x1F))}"]'),
        ]  # fmt: skip
for length in (16, 17, 32, 33):
    keys = [around(length, place, special) for place in places(length) for special in SPECIALS]
    CASES += [
        normalize(f"keys of {length} bytes with a special one at every boundary", "{" + ",".join(f'"{key}":{i}' for i, key in enumerate(keys)) + "}"),
        normalize(f"objects one after the other with keys of {length} bytes that differ at a boundary", items([f'{{"{key}":0}}' for key in keys])),
        normalize(f"objects of the same key of {length} bytes, escaped in another place each time", items([f'{{"{"x" * place}{B}u0078{"x" * (length - place - 1)}":0}}' for place in range(length)])),
        normalize(f"keys of {length} bytes in rfc8785", "{" + ",".join(f'"{key}":{i}' for i, key in enumerate(keys) if "ud800" not in key) + "}", "rfc8785"),
    ]  # fmt: skip
for length in (15, 16, 17, 31, 32, 33):
    for bad in (b"\xff", b"\xc3", b"\xe2\x82", b"\xed\xa0\x80"):
        CASES.append(normalize(f"bytes {bad.hex()} behind {length} others in a string are not UTF-8", b'["' + b"x" * length + bad + b'"]'))  # fmt: skip


# Numbers: counts of digits at which 64 bits, doubles and their shortest text change.
def pointed(digits: str) -> list[str]:
    """Digits with the point at every place, also far in front."""
    return [f"{digits[:at]}.{digits[at:]}" for at in range(1, len(digits))] + [
        "0." + "0" * zeros + digits for zeros in range(6)
    ]


for count in (15, 16, 17, 18, 19, 20):
    runs = {
        "ascending": "12345678901234567890"[:count],
        "nines": "9" * count,
        "mostly zeros": "1" + "0" * (count - 2) + "1",
        "ending in zero": "98765432109876543210"[: count - 1] + "0",
    }
    for kind, digits in runs.items():
        CASES += [
            normalize(f"{count} digits, {kind}, with the point at every place", items(pointed(digits))),
            normalize(f"{count} digits, {kind}, without a point", items([digits, f"-{digits}", f"{digits}e0", f"{digits}E-3", f"-{digits}e2", f"{digits}.0", f"-{digits}.00"])),
        ]  # fmt: skip
    CASES.append(payload(f"numbers of {count} digits in a payload", '{"n":' + items([f"-{number}" for number in pointed(runs["ascending"])]) + "}"))  # fmt: skip
for count in range(1, 21):
    CASES.append(normalize(f"a number of {count} digits as the whole text", "71828182845904523536"[:count]))
    CASES.append(normalize(f"a number of {count} digits behind the point as the whole text", "-0." + "71828182845904523536"[:count]))  # fmt: skip

NEAR_A_BORDER = """
0.00001 0.000010 0.0000100000000000000 0.00001000000000001 0.0000099999999999999 0.000009999999999999999 0.00000999999999999999999
0.0000123456789012345 0.00000123456789012345 1e-5 1.0e-5 9.99e-6 9.999999999999999e-6 0.0001 0.00009999999999999999
1e15 1e16 1e17 999999999999999.0 999999999999999.9 9999999999999998.0 9999999999999999.0 9999999999999999.5 10000000000000000.0
10000000000000001.0 9.999999999999999e15 9.9999999999999999e15 1000000000000000.0 100000000000000.0 123456789012345.0 1234567890123456.0 12345678901234567.0
9007199254740991.0 9007199254740992.0 9007199254740993.0 9007199254740994.0 900719925474099.1 900719925474099.2 900719925474099.3 90071992547409.93 9.007199254740993
4503599627370496.5 4503599627370497.5 4503599627370495.25 2251799813685248.25 2251799813685248.75 1125899906842624.125 0.9007199254740993 0.09007199254740993
0.1000000000000000055 0.1000000000000000056 0.10000000000000000555 0.30000000000000004 0.3000000000000000444 0.30000000000000003 0.299999999999999988
1.00 1.50 10.0 10.10 100.0 0.0 0.00 0.000000 00.5e0 0.10 0.010 -0.0 -0.00 -1.0 -1.10 -0.00001 -0.000001 -10000000000000000.0
1e5 1E5 1e+5 1e-05 1e05 1.0e05 1e00005 1e000005 1e0000005 1e-00005 1e-000005 0e99999 0e999999 0.0e-999999 1e-99999 1e-100000 1.5e+00308 1.5e+000308
1844674407370955161.5 1844674407370955161.6 922337203685477580.7 922337203685477580.8 1844674407370955.1615 1844674407370955.1616 0.1844674407370955161
179769313486231570.0e291 5e-324 2.4703282292062327e-324 2.4703282292062328e-324 2.2250738585072011e-308 2.2250738585072014e-308
""".replace("00.5e0 ", "").split()  # fmt: skip
INTEGER_BORDERS = """
99999999999999999 999999999999999999 1000000000000000000 9223372036854775807 9223372036854775808 9999999999999999999 10000000000000000000
18446744073709551615 18446744073709551616 99999999999999999999 100000000000000000000 -999999999999999999 -1000000000000000000
-9223372036854775808 -9223372036854775809 -99999999999999999999 1 -1 12345678 123456789 1234567812345678 12345678123456789 -0 0
""".split()
CASES += [
    normalize("floats near a change of their written form", items(NEAR_A_BORDER)),
    normalize("floats near a change of their written form, negative", items([f"-{number}" for number in NEAR_A_BORDER if number[0] != "-"])),
    normalize("floats near a change of their written form in rfc8785", items(NEAR_A_BORDER), "rfc8785"),
    normalize("integers near a change of their width", items(INTEGER_BORDERS)),
    normalize("integers near a change of their width in rfc8785", items(INTEGER_BORDERS), "rfc8785"),
    payload("numbers near a change of their form in a payload", f'{{"f":{items(NEAR_A_BORDER)},"i":{items(INTEGER_BORDERS)}}}'),
]  # fmt: skip
for digits in ("12345678", "123456789", "1234567", "1234567812345678"):
    for fault in "/:x+ ":
        CASES.append(normalize(f"{fault!r} behind {len(digits)} digits of an array", f"[{digits}{fault}1]"))
        CASES.append(normalize(f"{fault!r} behind {len(digits)} digits and a point", f"[0.{digits}{fault}1]"))

# Objects: how many members, in which order, and how often.
for count in (2, 3, 16, 17, 255, 256, 257, 300):
    CASES.append(normalize(f"an object of {count} members backwards", members(count, -1)))
for count in (1, 2, 3, 16, 17, 257):
    CASES.append(normalize(f"an object of {count} members, then all but its last one, then it again", items([members(count), members(count - 1), members(count)])))  # fmt: skip
CASES += [
    payload("a payload of 257 members", members(257)),
    normalize("an object of 256 members one of which stands twice", members(256)[:-1] + ',"k007":"again"}'),
    payload("a payload of 257 members with merges on the first and the last", members(256)[:-1] + ',"b":"e30="}', '{"b":{"encoding":1,"decoded_type":1},"k000":{"match_importance":0}}'),
    normalize("a key repeated three hundred times", "{" + ",".join(f'"k":{i}' for i in range(300)) + "}"),
    normalize("two keys by turns, three hundred times", "{" + ",".join(f'"{"ab"[i % 2]}":{i}' for i in range(300)) + "}"),
    normalize("six hundred objects of one key each, all different, and again", items([f'{{"{i:x}":0}}' for i in range(600)] + [f'{{"{i:x}":1}}' for i in range(500, 600)])),
    normalize("one object of 257 objects of the same two keys", "{" + ",".join(f'"{i:x}":{{"b":1,"a":2}}' for i in range(257)) + "}"),
]  # fmt: skip

SAME_KEYS: dict[str, str] = {
    "a key plain, escaped and plain again in objects": f'[{{"a":1}},{{"{B}u0061":2}},{{"a":3}}]',
    "a key escaped, plain and escaped again in objects": f'[{{"{B}u0061":1}},{{"a":2}},{{"{B}u0061":3}}]',
    "a key plain and escaped in one object": f'{{"a":1,"{B}u0061":2}}',
    "a key escaped and plain in one object": f'{{"{B}u0061":1,"a":2}}',
    "a key whose escape is canonical, upper-case hex in the second object": f'[{{"{B}u001f":1}},{{"{B}u001F":2}},{{"{B}u001f":3}}]',
    "a key with a newline, short, long and short": f'[{{"{B}n":1}},{{"{B}u000a":2}},{{"{B}n":3}}]',
    "a key with a slash, plain and escaped": f'[{{"a/b":1}},{{"a{B}/b":2}}]',
    "a key beyond ASCII, literal and escaped": f'[{{"\u00e9":1}},{{"{B}u00e9":2}},{{"\u00e9":3}}]',
    "a key beyond the first plane, literal and as a pair": f'[{{"\U0001f600":1}},{{"{B}ud83d{B}ude00":2}}]',
    "a key with a lone surrogate and one with U+FFFD": f'[{{"\ufffd":1}},{{"{B}ud800":2}},{{"{B}udfff":3,"\ufffd":4}}]',
    "empty keys in objects one after the other": '[{"":1},{"":2},{},{"":3,"":4}]',
    "an empty key behind and before another": '[{"a":1,"":2},{"":3,"a":4},{"a":5,"":6}]',
    "the same keys in another order each time": '[{"a":1,"b":2,"c":3},{"c":1,"b":2,"a":3},{"b":1,"c":2,"a":3},{"a":4,"b":5,"c":6}]',
    "a prefix of the keys seen before, and more of them": '[{"a":1,"b":2},{"a":1},{"a":1,"b":2,"c":3},{},{"a":1,"c":2}]',
    "keys of which one begins the other": '[{"a":1,"ab":2},{"ab":1,"a":2},{"a":3,"a\\u0000":4}]',
    "a colon or a quote inside a known key's token": f'[{{"a":1}},{{"a{B}"":2}},{{"a:":3}},{{"a":4}}]',
    "white space between a known key and its colon": '[{"a":1},{"a" :2},{"a"\n:3},{"a":4},{"a":  5}]',
    "a known key without its colon": '[{"a":1},{"a"}]',
    "a known key and a comma": '[{"a":1},{"a",2}]',
    "a known key cut off": '[{"abc":1},{"abc',
    "a known key cut off behind its quote": '[{"abc":1},{"abc"',
    "a known key cut off behind its colon": '[{"abc":1},{"abc":',
    "a known key without its opening quote": '[{"abc":1},{abc":1}]',
    "a known key as a value": '{"a":"a","b":["a","b"]}',
    "the same shape in itself": '{"a":{"a":{"a":{},"b":1},"b":2},"b":3}',
    "the same shape in itself out of order": '{"b":{"b":{"b":{},"a":1},"a":2},"a":3}',
    "the same shape in lists in itself": '{"a":[{"a":[{"a":[]},{"a":[]}]},{"a":[{"a":[]}]}]}',
    "an overwritten member of a known shape": '[{"a":{"x":1},"a":{"x":2}},{"a":{"x":3},"a":[{"x":4}]}]',
}
CASES += [normalize(f"{name}", text) for name, text in SAME_KEYS.items()]
CASES += [
    payload(f"{name} in a payload", f'{{"v":{text}}}')
    for name, text in SAME_KEYS.items()
    if not text.endswith(("c", '"', ":"))
]
for length in range(10, 19):
    key = "k" * length
    near = [key, key[:-1] + "l", key, key + "k", key[:-1], key[:-1] + B + "n", key[:-2] + "\u00e9", key]
    CASES += [
        normalize(f"keys of {length} bytes and their neighbours one after the other", items([f'{{"{one}":{i}}}' for i, one in enumerate(near)])),
        normalize(f"a known key of {length} bytes at the end of the text", f'[{{"{key}":1}},{{"{key}":2}}'),
        payload(f"a key of {length} bytes in a payload", f'{{"{key}":{{"{key}":1,"{key}b":2,"{key[:-1]}":"{key}"}}}}'),
    ]  # fmt: skip

# Canonical text is copied: what makes it not so, in every place.
TOKENS = ["{", '"a"', ":", "[", "1.5", ",", "{", '"b"', ":", '"x"', "}", ",", "true", "]", ",", '"c"', ":", "{", '"d"', ":", "null", "}", "}"]  # fmt: skip
for gap in range(len(TOKENS) + 1):
    text = "".join([*TOKENS[:gap], " \n\r\t"[gap % 4], *TOKENS[gap:]])
    CASES.append(normalize(f"white space before token {gap} of a nested text", text))
CASES += [
    normalize("white space in every place of a nested text", " ".join(["", *TOKENS, ""])),
    payload("white space in every place of a nested payload", "\n\t".join(["", *TOKENS, ""])),
]
for fault in ("\x0b", "\x0c", "\x00", "\x1f", "\u00a0", "\ufeff", "\u2028"):
    CASES += [
        normalize(f"U+{ord(fault):04X} where white space may stand", f'{{"a":[1,{fault}2]}}'),
        normalize(f"U+{ord(fault):04X} behind white space", f'{{"a":[1, {fault}2]}}'),
        normalize(f"U+{ord(fault):04X} behind the text", f'{{"a":[1,2]}}{fault}'),
    ]
NOT_CANONICAL: dict[str, str] = {
    "white space": " 1",
    "an exponent": "1e2",
    "minus zero": "-0",
    "a trailing zero": "1.50",
    "a long fraction": "0.1000000000000000055",
    "an escape that is not needed": f'"{B}u0061"',
    "an escape that is needed": f'"{B}n"',
    "members out of order": '{"b":1,"a":2}',
    "a repeated key": '{"a":1,"a":2}',
    "a key with an escape": f'{{"{B}u0061":1}}',
}
for what, value in NOT_CANONICAL.items():
    CASES.append(normalize(f"{what} first, in the middle and last among canonical containers", (
        f'[{{"a":[{value},"x"],"b":{{"c":1}}}},{{"a":["x"],"b":{{"c":{value}}}}},{{"a":["x"],"b":{{"c":1}}}},[[{value}],[1,"y"]],{value},["z",{{"a":1,"b":2}}]]'
    )))  # fmt: skip
    CASES.append(payload(f"{what} in a payload of canonical containers", f'{{"a":[{value}],"b":{{"c":{value},"d":["x",1]}},"z":{{"a":1}}}}'))  # fmt: skip
CASES.append(normalize("an object of 257 members among canonical containers", items(['{"a":1}', f'{{"b":[{members(257)},{{"a":1}}]}}', '{"a":1}'])))  # fmt: skip

# Lengths in protobuf: of a string, of the value around it, of the entry around that.
for length in (*range(112, 132), 16383):
    CASES.append((f"a Struct that holds a string of {length} bytes", "span", {"metadata": f'{{"key":"{"x" * length}"}}'}))  # fmt: skip
for length in (125, 126, 127, 128):
    CASES += [
        payload(f"a key of {length} bytes before a list", f'{{"{"k" * length}":[[]]}}'),
        (f"a span with a name of {length} bytes", "span", {"name": "n" * length, "status_message": "s" * length}),
        (f"a span with a schema whose key has {length} bytes", "span", {"input_schema": f'{{"properties":{{"{"k" * length}":{{"type":1}}}}}}'}),
    ]  # fmt: skip
for count in (11, 12, 31, 32, 63, 64):
    CASES += [
        payload(f"a list of {count} numbers", '{"l":' + items(["1"] * count) + "}"),
        payload(f"a list of {count} empty lists", '{"l":' + items(["[]"] * count) + "}"),
    ]


# Base64 in blocks of 16 to 64 characters.
def b64(data: bytes) -> str:
    """Standard base64."""
    return base64.b64encode(data).decode()


def decoded(name: str, texts: list[str], decoded_type: int | None = None) -> Case:
    """Many texts, each a member whose merge says base64."""
    keys = [f"{i:02}" for i in range(len(texts))]
    merge = {"encoding": 1} if decoded_type is None else {"encoding": 1, "decoded_type": decoded_type}
    return payload(
        name,
        json.dumps(dict(zip(keys, texts)), ensure_ascii=False, separators=(",", ":")),
        json.dumps(dict.fromkeys(keys, merge), separators=(",", ":")),
    )


NO_ALPHABET = "-_ \n\t\0*.:@[`{=\x7f\u00e9\u0141\uff21"
for length in (12, 16, 20, 24, 32, 36, 48, 64, 68):
    data = bytes((i * 37 + 11) % 95 + 32 for i in range(length // 4 * 3))
    good = b64(data)
    one, two = b64(data[:-1]), b64(data[:-2])
    # The last symbol before the padding with its lowest unused bit set.
    bits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    loose = [one[:-2] + bits[bits.index(one[-2]) | 1] + "=", two[:-3] + bits[bits.index(two[-3]) | 1] + "=="]
    CASES += [
        decoded(f"base64 of {length} characters with its padding, without it and with loose bits", [good, one, two, *loose, one[:-1], two[:-1], two[:-2], good + "=", good[:-1], good[1:], one + "A", two + "AAAA"]),
        decoded(f"base64 of {length} characters with a foreign one first and last", [text for bad in (NO_ALPHABET if length in (16, 64) else "-= \u00e9") for text in (bad + good[1:], good[:-1] + bad)]),
    ]  # fmt: skip
    if length == 20:
        CASES.append(decoded(f"base64 of {length} characters with a foreign one at every place", [good[:at] + "-*\u00e9="[at % 4] + good[at + 1 :] for at in range(length)]))  # fmt: skip
BAD_TEXT = (b"\xff", b"\x80\x80", b"\xe2\x82", b"\xf0\x9f\x98", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80", b"\xef\xbf\xbd", "\u00e9".encode(), "\U0001f600".encode())  # fmt: skip
for before in (0, 15, 16, 31, 32, 63, 64):
    CASES += [
        decoded(f"bytes that are not text behind {before} others", [b64(b"x" * before + bad + b"yyy") for bad in BAD_TEXT]),
        decoded(f"bytes that are not text at the end of {before} others", [b64(b"x" * before + bad) for bad in BAD_TEXT]),
    ]  # fmt: skip
for before in (14, 15, 16):
    CASES.append(decoded(f"JSON in base64 with bytes that are not text at place {before}", [b64(b'"' + b"x" * (before - 1) + bad + b'"') for bad in BAD_TEXT], 1))  # fmt: skip
for length in (14, 15, 16, 30, 31, 32, 46, 47, 48):
    CASES.append(decoded(f"JSON strings of {length} bytes in base64", [b64(b'"' + b"x" * length + b'"'), b64(b'{"k":"' + b"x" * length + b'","a":[1.0]}'), b64(b'["' + b"x" * length + b'"')], 1))  # fmt: skip

# Schemas are kept by what they are made of: payloads that differ in one part of it.
ROW = '{"id":1,"name":"x","tags":["a"],"at":null}'
ALIKE: dict[str, tuple[Text, str | None]] = {
    "rows": (f'{{"rows":[{ROW},{ROW}]}}', None),
    "rows of other values": ('{"rows":[{"id":-2.5,"name":"","tags":["b","c"],"at":null}]}', None),
    "rows of which the second has another shape": (f'{{"rows":[{ROW},{{"x":1}},5]}}', None),
    "rows with the first name null": ('{"rows":[{"id":1,"name":null,"tags":["a"],"at":null}]}', None),
    "rows with empty tags first": ('{"rows":[{"id":1,"name":"x","tags":[],"at":null}]}', None),
    "rows with a list of lists as tags": ('{"rows":[{"id":1,"name":"x","tags":[["a"]],"at":null}]}', None),
    "rows with an empty list as the first tag": ('{"rows":[{"id":1,"name":"x","tags":[[]],"at":null}]}', None),
    "rows with an empty object as the first tag": ('{"rows":[{"id":1,"name":"x","tags":[{}],"at":null}]}', None),
    "rows with a Boolean id": ('{"rows":[{"id":false,"name":"x","tags":["a"],"at":null}]}', None),
    "rows with members in another order": ('{"rows":[{"at":null,"tags":["a"],"name":"x","id":1}]}', None),
    "no rows": ('{"rows":[]}', None),
    "rows of null first": (f'{{"rows":[null,{ROW}]}}', None),
    "rows that matter little": (f'{{"rows":[{ROW}]}}', '{"rows":{"match_importance":0.5}}'),
    "rows that matter not at all": (f'{{"rows":[{ROW}]}}', '{"rows":{"match_importance":0}}'),
    "rows with every code of zero": (f'{{"rows":[{ROW}]}}', '{"rows":{"encoding":0,"decoded_type":0}}'),
    "rows with an encoding of zero": (f'{{"rows":[{ROW}]}}', '{"rows":{"encoding":0}}'),
    "rows with a decoded type of zero": (f'{{"rows":[{ROW}]}}', '{"rows":{"decoded_type":0}}'),
    "rows as JSON in text": (json.dumps({"rows": f"[{ROW}]"}), '{"rows":{"decoded_type":1}}'),
    "rows as text": (json.dumps({"rows": f"[{ROW}]"}), '{"rows":{"decoded_type":2}}'),
    "rows as text that is not JSON": (json.dumps({"rows": f"[{ROW}"}), '{"rows":{"decoded_type":1}}'),
    "rows in base64": (json.dumps({"rows": b64(f"[{ROW}]".encode())}), '{"rows":{"encoding":1,"decoded_type":1}}'),
    "rows in base64 of another order": (json.dumps({"rows": b64(b'[{"name":"x","id":1,"tags":["a"],"at":null}]')}), '{"rows":{"encoding":1,"decoded_type":1}}'),
    "an array of rows alone": (f"[{ROW}]", None),
    "one row alone": (ROW, None),
    "one row and merges on its name": (ROW, '{"name":{"match_importance":1}}'),
    "one row and merges on its tags": (ROW, '{"tags":{"match_importance":1}}'),
}  # fmt: skip
CASES += [payload(f"the schema of {name}", text, merges) for name, (text, merges) in ALIKE.items()]
CASES += [
    payload(f"once more the schema of {name}", text, merges)
    for name, (text, merges) in reversed(ALIKE.items())
]

# Depth with shapes that are known by then.
CASES += [
    normalize(
        "objects of one key and of 127 levels behind ones of two levels", items([objects(2), objects(126)])
    ),
    normalize(
        "objects of one key and of 128 levels behind ones of two levels", items([objects(2), objects(127)])
    ),
    payload("a payload of 127 levels out of order at every one", '{"b":' * 127 + "1" + ',"a":2}' * 127),
    payload("a payload of 128 levels out of order at every one", '{"b":' * 128 + "1" + ',"a":2}' * 128),
    payload("a payload of 63 lists and objects by turns", '{"a":[' * 63 + "{}" + "]}" * 63),
    payload("a payload of 64 lists and objects by turns", '{"a":[' * 64 + "]}" * 64),
    payload("a payload of 126 lists below its key", f'{{"a":{arrays(126, "0")}}}'),
]
