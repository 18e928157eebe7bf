"""The cases that are written by hand: the edges of every entry point, and of every rule."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import spec as specs
from builders import (
    BYTES_MEMBERS,
    INTEGERS,
    NODE_TEXT,
    PY_TEXT,
    SCHEMA_MEMBERS,
    SPAN,
    UNDEFINED,
    VALUE_MEMBERS,
    as_native,
    bytes_cases,
    default_of,
    each,
    export_cases,
    int_specs,
    integer,
    native_case,
    node_span,
    number,
    py_span,
    struct_cases,
    text_cases,
)
from model import Case, Part
from scan import Scan

INVALID_TEXTS = (
    "", "  ", "{", "}", "[", "]", "[1,]", '{"a":1,}', "1 2", "nul", "nullx", "01", "-", "-a", "1.", ".5",
    "+1", "1e", "1E+", "0x1", "NaN", "Infinity", "-Infinity", "'a'", "\ufeff{}", '"\x01"', '"\t"', '"a',
    '"\\x"', '"\\u12G4"', '"\\u123"', "\x0b1", "\u00a01", "/*c*/1", '{"a" 1}', "{a:1}", '{"a":}', "[1 2]",
    "1e400", "-1e400", '{"a":1e400,"a":1}', "1.7976931348623159e308", '{"a":1', '["a', "[1}", '{"a":1]',
    "tru", "falsee",
)  # fmt: skip

VALID_TEXTS = (
    "0", "-0", "-0.0", "-0e0", "0e400", "0e-400", "-0e5", "1", "-1", "1.0", "1e2", "1E2", "1e15", "1e16",
    "1e17", "1e-4", "1e-5", "1e-6", "9.999e-6", "0.000012", "1e21", "1e23", "1e308",
    "1.7976931348623157e308", "5e-324", "2e-324", "3e-324", "1e-400", "-1e-400", "0.1",
    "0.30000000000000004", "100", "123456789012345678", "9007199254740993", "9007199254740993.0",
    "9223372036854775807", "-9223372036854775808", "null", "true", "false", '""', '"x"', "[]", "{}",
    "[[],{}]", "[{}]", " [ 1 , 2 ] ", "\t\r\n1\n", '{"a":1,"a":2}', '{"b":1,"a":2,"":3}',
    '{"\\u0061":1,"a":2}', '{"\U00010000":1,"\ue000":2,"\uffff":3}', '"\\u0000"',
    '"\x7f\u2028\u2029\u0080\ufffe\uffff"', '"\\/\\b\\f\\n\\r\\t\\\\\\""', '"\\ud83d\\ude00"',
    '"\U0001f600"', '{"\u00e9":1,"e\u0301":2}', '{"a":[1,"x",null,true,{"b":[]}],"c":{"d":{}}}',
    '{"":{"":null}}', '[1,"a"]', '["a",1]', "[null,1]", '[{},{"a":1}]', "[[],[1]]", '[[[1,2],["a"]],3]',
    '{"a":[{"b":[true]}]}', '{"properties":1,"type":{"items":[1]}}',
    '{"a":1.5,"b":-2.25,"c":[0.125,1e300]}',
)  # fmt: skip

# Each is here for a rule: what published loses, refuses or rounds.
DEPARTING_TEXTS = (
    "9223372036854775808", "18446744073709551615", "18446744073709551616", "-9223372036854775809",
    "1180591620717411303424", "1" + "0" * 308, "1" + "0" * 309, "9" * 400, '{"a":18446744073709551616}',
    '{"a":[1,36893488147419103232,{"b":-18446744073709551617}]}', '{"a":1' + "0" * 330 + "}",
    "123456789.123456789", '{"a":123456789.123456789,"b":0.1}', "[0.1,123456789.123456789]",
    "1.7976931348623158e308", '{"a":1.7976931348623158e308}', "17976931348623157" + "0" * 292 + ".0",
    '"\\ud800"', '"\\udc00"', '"\\ud800\\ud800"', '"\\ud83dx"', '"\\udc00\\ud800"', '"\\ud800\\u0041"',
    '{"\\ud800":1,"\\ufffd":2}', '{"a":"\\udfff"}', '"\ud800"', '{"\udc00":["\ud83d\ude00"]}',
)  # fmt: skip


def _b64(text: Any) -> str:
    data = text if isinstance(text, bytes) else text.encode()
    return base64.b64encode(data).decode()


DECODED_STRINGS = (
    _b64('{"x":1}'), '{"x":1}', "hello!", _b64("hello"), _b64("1"), "12", "1234", "null", "true", "", " ",
    _b64("{}"), _b64("-0"), _b64("1e400"), _b64("NaN"), _b64('{"a":1,"a":2}'), _b64('{"b":1,"a":2}'),
    _b64(' {"b" : 1}\n'), _b64("\ufeff{}"), _b64("\ufeffhi"), _b64(b"\xff"), _b64(b"\xc3("),
    _b64(b"a\xe2\x82b"), _b64(b"\xf0\x9f\x98x"), _b64(b"\xed\xa0\x80"), _b64(b"\xf4\x90\x80\x80"),
    _b64(b'{"a":"\xff"}'), "YWI", "YQ", "YWJ=", "YR==", "YQ==", "YWJj\nYWJj", "YWJj\n", " YWJj", "-_-_",
    "+/+/", "YQ===", "YQ==YQ==", "=", "====", _b64(_b64('{"x":1}')), _b64('"{\\"x\\":1}"'),
    _b64("[" * 126 + "]" * 126), _b64("[" * 128 + "]" * 128), _b64("a\0b"), "\u00e9", '"abc"', _b64("1 2"),
    _b64('[1,"x",{"y":null}]'), _b64("true"),
)  # fmt: skip
DEPARTING_DECODED = (
    _b64('"\\ud800"'), _b64('{"\\udc00":1}'), _b64("18446744073709551616"), _b64("9" * 400),
    _b64("[" * 127 + "]" * 127), _b64("1.7976931348623158e308"), _b64("0.12345678901234567"),
    _b64('{"a":12345678.901234567}'),
)  # fmt: skip
DECODINGS = (
    '{"b":{"encoding":1}}',
    '{"b":{"decoded_type":1}}',
    '{"b":{"encoding":1,"decoded_type":1,"match_importance":0.5}}',
    '{"b":{"encoding":1,"decoded_type":2}}',
    '{"b":{"encoding":2,"decoded_type":1}}',
    '{"b":{"encoding":0,"decoded_type":0,"match_importance":0}}',
)
MERGES_TEXTS = (
    "", "{}", "[]", "null", "1", '""', '{"b":null}', '{"b":1}', '{"b":"x"}', '{"b":true}', '{"b":1.5}',
    '{"b":{}}', '{"b":[]}', '{"b":[1]}', '{"b":[1,1]}', '{"b":[1,1,0.5]}', '{"b":[1,1,0.5,null]}',
    '{"b":[null,null,1]}', '{"b":[null]}', '{"b":["x"]}', '{"b":[1,"x"]}', '{"b":[1,1,"x"]}',
    '{"b":{"encoding":1,"encoding":1}}', '{"b":{"encoding":1,"encoding":2}}',
    '{"b":{"encoding":null,"encoding":1}}', '{"b":{"foo":1,"foo":2}}',
    '{"b":{"encoding":1},"b":{"encoding":7}}', '{"b":{"encoding":"x"},"b":{"encoding":7}}',
    '{"b":{"encoding":1},"b":{}}', '{"b":{"\\u0065ncoding":1}}', '{"\\u0062":{"encoding":1}}',
    '{"b":{"encoding":1.0}}', '{"b":{"encoding":1e0}}', '{"b":{"encoding":-0}}', '{"b":{"encoding":01}}',
    '{"b":{"encoding":true}}', '{"b":{"encoding":"1"}}', '{"b":{"encoding":[1]}}', '{"b":{"encoding":{}}}',
    '{"b":{"encoding":null}}', '{"b":{"encoding":0}}', '{"b":{"encoding":7}}', '{"b":{"encoding":-1}}',
    '{"b":{"encoding":2147483647}}', '{"b":{"encoding":2147483648}}', '{"b":{"encoding":-2147483648}}',
    '{"b":{"encoding":-2147483649}}', '{"b":{"encoding":99999999999999999999999}}',
    '{"b":{"decoded_type":999}}', '{"b":{"decoded_type":"1"}}', '{"b":{"decodedType":1}}',
    '{"b":{"matchImportance":"x"}}', '{"b":{"match_importance":-0}}', '{"b":{"match_importance":-0.0}}',
    '{"b":{"match_importance":1}}', '{"b":{"match_importance":0}}', '{"b":{"match_importance":1e400}}',
    '{"b":{"match_importance":1e-400}}', '{"b":{"match_importance":9007199254740993}}',
    '{"b":{"match_importance":9223372036854775807}}', '{"b":{"match_importance":"1"}}',
    '{"b":{"match_importance":true}}', '{"b":{"match_importance":[1]}}', '{"b":{"match_importance":null}}',
    '{"b":{"foo":1e400}}', '{"b":{"foo":"\\ud800"}}', '{"b":{"encoding":1}} x', '{"b":{"encoding":1,}}',
    '{"missing":{"encoding":"x"}}', '{"missing":{"encoding":1}}', '{"b":[1,1,0.5],"a":[7]}',
    '{"b":{"foo":' + "[" * 120 + "]" * 120 + "}}", '{"b":{"foo":' + "[" * 125 + "]" * 125 + "}}",
)  # fmt: skip
DEPARTING_MERGES = (
    '{"b":{"match_importance":18446744073709551616}}', '{"b":{"match_importance":' + "9" * 400 + "}}",
    '{"b":{"match_importance":1.7976931348623158e308}}', '{"b":{"match_importance":123456789.12345678}}',
    '{"\\ud800":{}}', '{"b":{"\\ud800":1}}', '{"b":{"foo":' + "[" * 126 + "]" * 126 + "}}",
    '{"b":{"foo":' + "[" * 300 + "]" * 300 + "}}",
)  # fmt: skip


def _payloads() -> Iterator[Case]:
    for text in INVALID_TEXTS + VALID_TEXTS + DEPARTING_TEXTS:
        yield from text_cases("text", text)
    for levels in (1, 33, 34, 63, 126, 127, 128, 129, 500):
        yield from text_cases(f"{levels} arrays", "[" * levels + "]" * levels)
        yield from text_cases(f"{levels} objects", '{"a":' * levels + "1" + "}" * levels)
    for index, merges in enumerate(DECODINGS):
        for text in DECODED_STRINGS + DEPARTING_DECODED:
            yield from text_cases(f"decoding {index}", json.dumps({"b": text}), merges)
        for other in ("5", "null", "true", '["e30="]', '{"encoding":1}', "1.5", "[]", "{}"):
            yield from text_cases(f"decoding {index} of no string", f'{{"a":"x","b":{other}}}', merges)
    for merges in MERGES_TEXTS + DEPARTING_MERGES:
        yield from text_cases("merges", '{"b":"eyJ4IjoxfQ==","a":1}', merges)
        yield from text_cases("merges of a list", '["eyJ4IjoxfQ=="]', merges)
    yield from text_cases("both wrong", "{", '{"b":{"encoding":"x"}}')
    yield from text_cases("payload too deep and merges wrong", "[" * 128 + "]" * 128, "1")
    for data in (
        b"{}",
        b'{"a":[1,2.5,"x"]}',
        b"[1,",
        b"\xff",
        b'"\xed\xa0\x80"',
        b"",
        "\u00e9".encode("latin-1"),
    ):
        yield from bytes_cases("text as bytes", data)
    yield from text_cases("surrogate and no JSON", '"\ud800')
    yield from text_cases("large string", json.dumps('\u00e9\n\\"\0\U0001f600' * 20000))
    yield from text_cases("large string, escaped", json.dumps("\u00e9\U0001f600" * 20000, ensure_ascii=True))
    yield from text_cases("many keys", json.dumps({f"k{i * 7919 % 20000}": i for i in range(20000)}))
    yield from text_cases("one key many times", "{{{}}}".format(",".join(f'"k":{i}' for i in range(20000))))
    yield from text_cases("many elements", json.dumps(list(range(20000))))
    for kind in ("bytearray", "memoryview"):
        yield from bytes_cases("text as " + kind, b'{"a":1}', kind)
    merges_bytes = b'{"b":{"encoding":1}}'
    parts = [Part("payload", "text", '{"b":"YQ=="}'), Part("merges", "bytes", merges_bytes)]
    sent = ['{"b":"YQ=="}', {"b": merges_bytes.hex()}]
    yield Case("merges as bytes", "py.process_export_payload", sent, parts=parts)
    yield Case("merges as bytes", "node.processExportPayload", sent, parts=parts)


_WRONG: tuple[Any, ...] = (None, True, {"i": "1"}, {"f": "0x1p+0"}, {"l": []}, {"d": []}, {"o": ["object"]})
_WRONG_NODE: tuple[Any, ...] = (
    None, True, UNDEFINED, {"n": "1"}, {"n": "NaN"}, {"l": []}, {"d": []}, {"o": ["String", "{}"]},
    {"o": ["BigInt"]}, {"o": ["Symbol"]}, {"o": ["function"]},
)  # fmt: skip


def _wrong_arguments() -> Iterator[Case]:
    other = [Part("other", "other", "wrong kind of argument")]
    for function in (*PY_TEXT, "process_export_payload"):
        entry = "py." + function
        more = [None] if function == "process_export_payload" else []
        for wrong in _WRONG:
            yield Case("wrong argument", entry, [wrong, *more], parts=other)
        yield Case("no argument", entry, [], parts=other)
        yield Case("too many arguments", entry, ["{}", "{}", "{}"], parts=other)
        yield Case("unknown keyword", entry, ["{}", *more], {"payload": "{}"}, parts=other)
        for name in ("StrSub", "StrOverride"):
            given = {"o": [name, '{"a":1}']}
            yield Case("subclass of str", entry, [given, *more], parts=[Part("payload", "text", '{"a":1}')])
        by_name = {"payload_json": "{}", **({"schema_merges_json": None} if more else {})}
        yield Case("keywords", entry, [], by_name, parts=[Part("payload", "text", "{}")])
    for wrong in _WRONG[1:]:
        yield Case("wrong merges", "py.process_export_payload", ["{}", wrong], parts=other)
        yield Case("wrong merges, bad payload", "py.process_export_payload", ["{", wrong], parts=other)
    yield Case("merges left out", "py.process_export_payload", ["{}"], parts=other)
    yield Case("merges left out", "py.process_export_payload_pyobject", [{"d": []}], parts=other)
    yield Case("no argument", "py.process_export_payload_pyobject", [], parts=other)
    keywords: dict[str, Any] = {"payload": {"d": []}, "schema_merges": None}
    yield Case("keywords", "py.process_export_payload_pyobject", [], keywords, parts=other)
    for function in (*NODE_TEXT, "processExportPayload"):
        entry = "node." + function
        for wrong in _WRONG_NODE:
            yield Case("wrong argument", entry, [wrong], parts=other)
        yield Case("no argument", entry, [], parts=other)
        yield Case("more arguments", entry, ["{}", UNDEFINED, {"n": "3"}], parts=other)
        # What `texts.map(call)` passes.
        yield Case("as a callback", entry, ["{}", {"n": "0"}, {"l": ["{}"]}], parts=other)
    for wrong in each(False, {"n": "1"}, {"d": []}, {"l": []}, {"o": ["String", "{}"]}):
        yield Case("wrong merges", "node.processExportPayload", ["{}", wrong], parts=other)
    for none in each(None, UNDEFINED):
        yield Case("no merges", "node.processExportPayload", ["{}", none], parts=other)


_INT = {"i": "7"}
_TEXT = "text"
NATIVE_VALUES: list[Any] = [
    None, True, False, _INT, {"f": "0x1.8p+0"}, _TEXT, "", {"l": []}, {"d": []}, {"t": []},
    {"t": [_INT, _TEXT]}, {"f": "nan"}, {"f": "inf"}, {"f": "-inf"}, {"f": "-0x0p+0"}, {"f": (1e16).hex()},
    {"f": (1e-5).hex()}, {"f": (5e-324).hex()}, {"f": (1.7976931348623157e308).hex()}, {"f": (1e-7).hex()},
    {"f": (0.1).hex()}, integer(2**53 + 1), integer(2**63 - 1), integer(-(2**63)), "\0", "\U0001f600",
    {"o": ["Pair"]}, {"o": ["StrSub", _TEXT]}, {"o": ["IntSub", _INT]},
    {"o": ["FloatSub", {"f": "0x1.8p+0"}]}, {"o": ["DictSub", {"d": [["b", _INT], ["a", None]]}]},
    {"o": ["ListSub", {"l": [_INT]}]}, {"o": ["StrOverride", _TEXT]},
    {"o": ["DictOverride", {"d": [["a", _INT]]}]}, {"o": ["ListOverride", {"l": [_INT, _INT, _INT]}]},
    {"o": ["IntOverride", _INT]}, {"o": ["FloatOverride", {"f": "0x1.8p+0"}]}, {"o": ["NumberEnum"]},
    {"o": ["TextEnum"]}, {"o": ["NumpyBool"]}, {"o": ["OrderedDict", {"d": [["b", _INT], ["a", _INT]]}]},
    {"o": ["defaultdict", {"d": [["a", _INT]]}]}, {"o": ["Counter", "abca"]}, {"o": ["Index", _INT]},
    {"o": ["Index", integer(-(2**63))]}, {"o": ["Float", {"f": "0x1.8p+0"}]},
    {"o": ["Float", {"f": "nan"}]}, {"o": ["IndexAndFloat", _INT]}, {"o": ["Decimal", "1.5"]},
    {"o": ["Decimal", "NaN"]}, {"o": ["Decimal", "sNaN"]}, {"o": ["Fraction", "1/2"]},
    {"o": ["IndexRaises"]}, {"o": ["FloatRaises"]}, {"o": ["IndexRaisesFloatWorks"]},
    {"o": ["Index", _TEXT]}, {"o": ["Float", _TEXT]}, {"o": ["BoolOnly"]}, {"o": ["LiesAboutClass"]},
    {"b": "00ff"}, {"buf": ["bytearray", "00"]}, {"buf": ["memoryview", "00"]},
    {"o": ["set", {"l": [_INT]}]}, {"o": ["frozenset", {"l": [_INT]}]}, {"o": ["generator", {"l": [_INT]}]},
    {"o": ["iterator", {"l": [_INT]}]}, {"o": ["range"]}, {"o": ["dict_keys", {"d": [["a", _INT]]}]},
    {"o": ["deque", {"l": [_INT]}]}, {"o": ["UserDict", {"d": [["a", _INT]]}]},
    {"o": ["UserList", {"l": [_INT]}]}, {"o": ["UserString", _TEXT]},
    {"o": ["MappingProxy", {"d": [["a", _INT]]}]}, {"o": ["ChainMap", {"d": [["a", _INT]]}]},
    {"o": ["complex"]}, {"o": ["datetime"]}, {"o": ["date"]}, {"o": ["UUID"]}, {"o": ["object"]},
    {"o": ["function"]}, {"o": ["type"]}, {"o": ["Ellipsis"]}, {"o": ["exception"]},
    {"o": ["IndexInterrupted"]},
]  # fmt: skip
DEPARTING_NATIVE: list[Any] = [
    integer(2**63), integer(-(2**63) - 1), integer(2**64 - 1), integer(2**64), integer(2**70),
    integer(10**308), integer(10**309), integer(-(10**400)), integer(10**6000),
    {"o": ["Index", integer(2**70)]}, {"o": ["IntSub", integer(2**70)]}, {"f": (123456789.123456789).hex()},
    {"o": ["FloatSub", {"f": "0x1.d6f3454757e6bp+26"}]}, {"s": [0xD800]}, {"s": [0xD83D, 0xDE00]},
    {"s": [0x61, 0xDC00, 0x62]}, {"o": ["StrSub", {"s": [0xD800]}]},
    {"o": ["DictIndex", {"d": [["a", _INT]]}]}, {"o": ["ListIndex", {"l": [_INT]}]},
    {"o": ["StrIndex", _TEXT]}, {"o": ["FloatIndex", {"f": "0x1.8p+0"}]},
    {"o": ["IntWithFloat", integer(2**70)]},
]  # fmt: skip
KEYS: list[Any] = [
    _INT, None, True, {"f": "0x1p+0"}, {"b": "61"}, {"t": [_INT]}, {"o": ["StrSub", "k"]},
    {"o": ["TextEnum"]}, {"o": ["StrOverride", "k"]}, "", {"s": [0xD800]},
    {"o": ["StrSub", {"s": [0xDC00]}]},
]  # fmt: skip


def _native_values() -> Iterator[Case]:
    for value in NATIVE_VALUES + DEPARTING_NATIVE:
        yield native_case("value", value)
        yield native_case("member", {"d": [["k", value]]})
        yield native_case("element", {"l": [_INT, value]})
    for key in KEYS:
        yield native_case("key", {"d": [[key, _INT]]})
        yield native_case("inner key", {"d": [["a", {"d": [["x", None], [key, _INT]]}]]})
    for levels in (33, 34, 126, 127, 128, 200, 1000, 10000):
        for kind in ("d", "l"):
            yield native_case(f"{levels} levels", {"nest": [kind, levels, _INT]})
    for value in (
        {"nest": ["d", 100000, _INT]},
        {"nest": ["l", 100000, _INT]},
        {"o": ["cycle_dict"]},
        {"o": ["cycle_list"]},
    ):
        yield native_case("cycle or great depth", value, alone=True)
        yield native_case("cycle or great depth in a member", {"d": [["k", value]]}, alone=True)


def _entry(**members: Any) -> Any:
    return {"d": [["b", {"d": [[name, int_specs(what)] for name, what in members.items()]}]]}


def _native_merges() -> Iterator[Case]:
    payload = {"d": [["b", "eyJ4IjoxfQ=="], ["a", _INT]]}
    one = integer(1)
    whole: list[Any] = [
        None, {"d": []}, {"l": []}, {"t": []}, one, True, "{}", {"f": "0x1p+0"},
        {"o": ["OrderedDict", _entry(encoding=1)]}, {"o": ["DictSub", _entry(encoding=1)]},
        {"d": [["b", None]]}, {"d": [["b", one]]}, {"d": [["b", "x"]]}, {"d": [["b", True]]},
        {"d": [["b", {"f": "0x1p+0"}]]}, {"d": [["b", {"d": []}]]}, {"d": [["b", {"l": []}]]},
        {"d": [["b", {"t": []}]]}, {"d": [["b", {"l": [one]}]]}, {"d": [["b", {"l": [one, one]}]]},
        {"d": [["b", {"t": [one, one, {"f": "0x1p-1"}]}]]}, {"d": [["b", {"l": [one, one, one, one]}]]},
        {"d": [["b", {"l": [None, None, {"f": "0x1p-1"}]}]]}, {"d": [["b", {"l": ["x"]}]]},
        {"d": [["b", {"o": ["Pair"]}]]}, {"d": [["missing", {"d": [["encoding", "x"]]}]]},
        {"d": [["missing", {"d": [["encoding", one]]}]]},
        {"d": [["b", {"d": [["encoding", one]]}], ["a", {"l": [one]}]]}, {"b": "7b7d"},
        {"o": ["set", {"l": []}]}, {"d": [[one, {"d": []}]]}, {"d": [[None, {"d": []}]]},
        {"d": [["b", {"o": ["set", {"l": []}]}]]}, {"d": [[{"s": [0xD800]}, {"d": []}]]},
        {"d": [["b", {"d": [[{"s": [0xD800]}, one]]}]]},
    ]  # fmt: skip
    for merges in whole:
        yield native_case("merges", payload, merges)
        yield native_case("merges of a list", {"l": ["x"]}, merges)
    integers: list[Any] = [
        1, 0, 7, -1, None, True, False, "1", 2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 2**70,
        {"f": "0x1p+0"}, {"f": "-0x0p+0"}, {"f": "nan"}, {"o": ["IntSub", 1]}, {"o": ["Index", 5]},
        {"o": ["NumberEnum"]}, {"l": [1]}, {"o": ["Decimal", "1"]}, {"o": ["NumpyBool"]}, {"d": []},
        {"b": "31"}, 10**400, {"o": ["object"]}, {"o": ["set", {"l": []}]},
    ]  # fmt: skip
    for value in integers:
        yield native_case("merges encoding", payload, _entry(encoding=value))
        yield native_case("merges decoded_type", payload, _entry(decoded_type=value))
    floats: list[Any] = [
        1, 0, -5, True, None, "1", {"f": "-0x0p+0"}, {"f": (0.1).hex()}, {"f": "nan"}, {"f": "inf"},
        2**53 + 1, 2**63, 2**70, 10**400, {"f": (123456789.123456789).hex()}, {"o": ["Decimal", "0.5"]},
        {"o": ["Index", 5]}, {"o": ["Float", {"f": "0x1p-1"}]}, {"o": ["NumpyBool"]}, {"l": []},
        {"o": ["object"]}, {"b": "31"},
    ]  # fmt: skip
    for value in floats:
        yield native_case("merges match_importance", payload, _entry(match_importance=value))
    unknown: list[Any] = [
        1, 2**80, "x", {"o": ["set", {"l": []}]}, {"d": [[1, 2]]}, {"b": "00"}, {"s": [0xD800]},
        {"nest": ["l", 60, 1]}, {"nest": ["l", 126, 1]}, {"o": ["object"]}, {"o": ["IndexRaises"]}, 10**400,
    ]  # fmt: skip
    for value in unknown:
        yield native_case("merges unknown member", payload, _entry(foo=value, decodedType=value, encoding=1))
    yield native_case(
        "merges unknown member, great depth", payload, _entry(foo={"nest": ["l", 100000, 1]}), alone=True
    )
    yield native_case("merges cycle", payload, {"o": ["cycle_dict"]}, alone=True)
    for bad in ({"o": ["set", {"l": []}]}, {"d": [[1, 2]]}, {"nest": ["d", 128, _INT]}):
        yield native_case("bad payload and bad merges", int_specs(bad), one)
        yield native_case("bad payload and bad merges", int_specs(bad), _entry(encoding="x"))


SCHEMAS: list[Any] = [
    None, 1, "x", True, {"l": []}, {"l": [1]}, {"t": []}, {"d": []}, {"f": "0x1p+0"},
    *(
        {"d": [["type", v]]} for v in each(
            None, 0, 1, 6, 9, 10, -1, 2**31 - 1, -(2**31), {"f": "0x1p+0"}, {"f": "0x1.8p+0"}, "1",
            "OBJECT", True, {"l": [1]}, {"f": "nan"}, {"f": "-0x0p+0"}, {"o": ["NumberEnum"]},
            {"o": ["Index", 5]}, 2**63, 2**64 - 1, 2**70,
        )
    ),
    *(
        {"d": [["type", 6], ["properties", v]]} for v in each(
            None, {"l": []}, {"l": [{"d": [["type", 1]]}]}, "x", 1, {"d": [["a", None]]}, {"d": [["a", 1]]},
            {"d": [["a", {"l": []}]]}, {"d": [["a", {"d": []}]]}, {"d": [["", {"d": [["type", 1]]}]]},
            {"d": [["b", {"d": [["type", 1]]}], ["a", {"d": [["type", 2]]}]]},
            {"o": ["DictSub", {"d": [["a", {"d": [["type", 1]]}]]}]},
        )
    ),
    *(
        {"d": [["items", v]]} for v in each(
            None, 1, {"l": []}, {"l": [{"d": [["type", 1]]}]}, "x", {"d": []}, {"d": [["type", 1]]}, True,
            {"d": [["type", 7], ["items", {"d": [["type", 2]]}]]},
        )
    ),
    *(
        {"d": [[name, v]]} for name in ("encoding", "decoded_type") for v in each(
            None, 0, 1, 7, 99, -1, {"f": "0x1p+0"}, "1", True, {"l": []}, 2**70,
        )
    ),
    *(
        {"d": [["match_importance", v]]} for v in each(
            None, 0, 1, -1, {"f": "0x0p+0"}, {"f": "-0x0p+0"}, {"f": "0x1p-1"}, True, "1", {"f": "nan"},
            2**53 + 1, 2**63, 2**70, {"l": []}, {"f": (123456789.123456789).hex()},
            {"o": ["Float", {"f": "0x1.8p+0"}]},
        )
    ),
    {"d": [["decodedType", 1], ["matchImportance", 1]]}, {"d": [["unknown", {"l": [1]}], ["type", 1]]},
    as_native(
        '{"type":6,"properties":{"a":{"type":7,"items":{"type":6,"properties":'
        '{"b":{"type":2,"encoding":1,"decoded_type":1,"match_importance":0}}}}}}'
    ),
]  # fmt: skip
DEPARTING_SCHEMAS: list[Any] = [
    *(
        {"d": [[name, v]]} for name in ("type", "encoding", "decoded_type") for v in (
            2**31, -(2**31) - 1, 2**32 + 1, 2**63 - 1,
        )
    ),
    {
        "d": [
            [
                "properties",
                {"d": [["a", {"d": [["type", 2**32 + 2], ["items", {"d": [["encoding", 2**40]]}]]}]]},
            ],
        ],
    },
    {"d": [["match_importance", 10**400]]}, {"d": [["type", 1], ["unknown", {"o": ["set", {"l": []}]}]]},
    {"d": [["type", 1], ["unknown", {"d": [[1, 2]]}]]}, {"d": [["type", 1], ["unknown", {"b": "00"}]]},
    {"d": [["type", 1], ["a", {"s": [0xD800]}]]}, {"d": [[{"s": [0xD800]}, 1]]},
    {"d": [["unknown", 10**400]]},
]  # fmt: skip
REFUSED_SCHEMAS: list[Any] = [
    {"b": "00"}, {"o": ["set", {"l": []}]}, {"o": ["object"]}, {"d": [[1, 2]]},
    {"d": [["properties", {"d": [[1, {"d": []}]]}]]},
    {"d": [["properties", {"d": [["a", {"o": ["object"]}]]}]]}, {"d": [["items", {"o": ["object"]}]]},
    {"d": [["type", {"o": ["object"]}]]}, {"d": [["match_importance", {"o": ["object"]}]]},
]  # fmt: skip

SCHEMA_TEXTS = (
    "", "x", "{", '{"type":1,"type":2}', '{"type":1e0}', '{"type":-0}', '{"match_importance":1e400}',
    '{"unknown":1e400}', '{"a":"\\ud800"}', '{"match_importance":' + "9" * 400 + "}", '"\ud800"',
    '{"match_importance":123456789.12345678}', '{"match_importance":1.7976931348623158e308}',
)  # fmt: skip


def _json_text(tree: Any) -> str | None:
    """A literal as JSON text, None where JSON cannot say it."""
    if tree is None or isinstance(tree, (bool, str)):
        return json.dumps(tree)
    if isinstance(tree, int):
        return str(tree) if abs(tree) < 10**300 else None
    if "d" in tree:
        pairs = [(json.dumps(k), _json_text(v)) for k, v in tree["d"] if isinstance(k, str)]
        if len(pairs) != len(tree["d"]) or any(v is None for _, v in pairs):
            return None
        return "{" + ",".join("{}:{}".format(*pair) for pair in pairs) + "}"
    if "l" in tree or "t" in tree:
        items = [_json_text(item) for item in tree.get("l", tree.get("t"))]
        return None if None in items else "[" + ",".join(item or "" for item in items) + "]"
    if "i" in tree:
        return str(int(tree["i"], 16))
    if "f" in tree and tree["f"] not in ("nan", "inf", "-inf"):
        return repr(float.fromhex(tree["f"]))
    return None


def _span_schemas() -> Iterator[Case]:
    for schema in SCHEMAS + DEPARTING_SCHEMAS + REFUSED_SCHEMAS:
        yield py_span("schema", input_schema=schema)
        yield py_span("schema", output_schema=schema)
        text = _json_text(schema)
        if text is not None:
            yield node_span("schema", input_schema=text)
            yield node_span("schema", output_schema=text)
    for text in SCHEMA_TEXTS:
        yield node_span("schema text", input_schema=text)
    for levels in (10, 49, 61, 62, 63, 64, 126, 127, 128):
        text = '{"type":6,"properties":{"a":' * levels + '{"type":1,"properties":{}}' + "}}" * levels
        yield node_span(f"schema of {levels} objects", input_schema=text)
        yield py_span(f"schema of {levels} objects", input_schema=specs.safe(Scan(text).tree))
    for levels in (129, 200, 1000):
        schema = {"d": []}
        for _ in range(levels if levels < 500 else 0):
            schema = {"d": [["properties", {"d": [["a", schema]]}]]}
        schema = schema if levels < 500 else {"nest": ["d", 1000, {"i": "1"}]}
        yield py_span(f"schema of {levels} objects", input_schema=schema)
    yield py_span("schema, great depth", input_schema={"nest": ["d", 100000, 1]}, alone=True)
    yield py_span("schema, cycle", input_schema={"o": ["cycle_dict"]}, alone=True)
    yield py_span(
        "schema, unread great depth",
        input_schema={"d": [["unknown", {"nest": ["d", 100000, 1]}]]},
        alone=True,
    )


def _span_members() -> Iterator[Case]:
    yield py_span("span")
    yield node_span("span")
    empty = {name: default_of(what) for name, what in SPAN.items()}
    for environment in (None, "", "x"):
        yield py_span("all at default", **{**empty, "environment": environment})
        node = {key: what for key, what in empty.items() if what is not None}
        node.update(input_schema="{}", output_schema="{}", input_value=UNDEFINED, output_value=UNDEFINED)
        node["environment"] = UNDEFINED if environment is None else environment
        yield node_span("all at default", **node)
    for name, what in SPAN.items():
        yield py_span("without " + name, without=name)
        yield node_span("without " + name, without=name)
        wrong_kinds: list[Any] = [{"o": ["object"]}, {"buf": ["bytearray", "7b7d"]}]
        if name not in (*SCHEMA_MEMBERS, *VALUE_MEMBERS):
            wrong_kinds.append({"l": []})
            if name not in BYTES_MEMBERS:
                wrong_kinds.append({"b": "7b7d"})
        for wrong in wrong_kinds:
            yield py_span("wrong " + name, **{name: wrong})
        for wrong in each(
            True, 1, {"n": "1.5"}, {"d": []}, {"l": []}, {"o": ["String", "x"]}, UNDEFINED, None
        ):
            given = {"n": str(wrong)} if type(wrong) is int else wrong
            yield node_span("wrong " + name, **{name: given})
        if isinstance(what, str):
            for text in each("", "x", "\u00e9\0", {"s": [0xD800]}, {"o": ["StrSub", "q"]}, None, 1):
                yield py_span("string " + name, **{name: text})
            for text in each("", "x", "\u00e9\0", "\ud800", {"b": "78"}):
                yield node_span("string " + name, **{name: text})
        elif isinstance(what, bool):
            for wrong in each(None, 0, 1, "x"):
                yield py_span("bool " + name, **{name: wrong})
            for wrong in each({"n": "0"}, "x", None):
                yield node_span("bool " + name, **{name: wrong})
    values: list[Any] = [
        None, "1", {"f": "0x1p+0"}, True, {"o": ["NumberEnum"]}, {"o": ["Index", 5]},
        {"o": ["Float", {"f": "0x1p+0"}]}, {"o": ["IndexAndFloat", 1]}, {"o": ["IndexRaises"]},
        {"o": ["Decimal", "1"]}, -1, 0, 1, 2, 3, 5, 6, 11, 12, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1,
        2**32 + 1, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**70,
    ]  # fmt: skip
    numbers = [
        "NaN", "Infinity", "-Infinity", "1.5", "1.999", "-1.5", "-0", "-0.5", "0.5", "-1", "0", "1", "2",
        "3", "5", "6", "11", "12", "2147483647", "2147483648", "4294967296", "4294967297", "-2147483648",
        "-2147483649", "9007199254740992", "4611686018427387904", "9223372036854774784",
        "9223372036854775808", "-9223372036854775808", "18446744073709551616", "1e300",
    ]  # fmt: skip
    for name in INTEGERS:
        for value in values:
            yield py_span("integer " + name, **{name: value})
        for value in numbers:
            yield node_span("integer " + name, **{name: number(value)})
        for value in ("1", {"o": ["BigInt"]}, {"o": ["Number", {"n": "1"}]}):
            yield node_span("integer " + name, **{name: value})
    for wrapper in ("inherited", "classInstance", "getterThrows", "proxyThrows"):
        yield node_span("argument: " + wrapper, wrapper=wrapper)
    yield node_span("unknown member", **{"foo": "x"})
    other = [Part("other", "other", "not an object")]
    for wrong in each(None, UNDEFINED, {"n": "1"}, "x", {"l": []}, {"d": []}, True):
        yield Case("argument", "node.buildSpanProtoBytes", [wrong], parts=other)
    yield Case("no argument", "node.buildSpanProtoBytes", [], parts=other)
    yield Case("no argument", "py.build_span_proto_bytes_pyobject", [], parts=other)
    keywords = py_span("positional").kwargs
    yield Case("positional", "py.build_span_proto_bytes_pyobject", list(keywords.values()), parts=other)
    yield Case(
        "unknown keyword", "py.build_span_proto_bytes_pyobject", [], {**keywords, "extra": None}, parts=other
    )


def _span_values() -> Iterator[Case]:
    for name in VALUE_MEMBERS:
        for value in NATIVE_VALUES + DEPARTING_NATIVE:
            yield py_span("span " + name, **{name: value})
            yield py_span("span member of " + name, **{name: {"d": [["k", value]]}})
        for key in KEYS:
            yield py_span("span key of " + name, **{name: {"d": [[key, _INT]]}})
        for levels in (33, 34, 126, 127, 128, 1000):
            for kind in ("d", "l"):
                yield py_span(f"{levels} levels", **{name: {"nest": [kind, levels, _INT]}})
        for value in (
            {"nest": ["d", 100000, 1]},
            {"nest": ["l", 100000, 1]},
            {"o": ["cycle_dict"]},
            {"o": ["cycle_list"]},
        ):
            yield py_span("span, cycle or great depth", alone=True, **{name: value})
        for text in VALID_TEXTS + INVALID_TEXTS + DEPARTING_TEXTS:
            yield node_span("span " + name, **{name: text})
            if text not in INVALID_TEXTS:
                yield node_span("span member of " + name, **{name: f'{{"k":{text}}}'})
        for levels in (33, 34, 126, 127, 128):
            yield node_span(f"{levels} levels", **{name: '{"a":' * levels + "1" + "}" * levels})
            yield node_span(f"{levels} levels", **{name: "[" * levels + "]" * levels})
    bad: dict[str, Any] = {"o": ["set", {"l": []}]}
    faults: list[dict[str, Any]] = [
        {"package_type": 99, "kind": 99, "status_code": 99}, {"package_type": 99, "input_value": bad},
        {"package_type": 99, "metadata": bad},
        {"package_type": 99, "input_value_proto_struct_bytes": {"b": "ff"}},
        {"package_type": 99, "input_value_proto_struct_bytes": "x"},
        {"input_schema": bad, "input_value": {"d": [[1, 1]]}},
        {"input_value": bad, "timestamp_seconds": 2**70}, {"trace_id": 1, "is_root_span": 1},
        {"input_value_proto_struct_bytes": {"b": "ff"}, "output_value_proto_struct_bytes": "x"},
        {"package_type": 2**31, "kind": 99},
    ]  # fmt: skip
    for fault in faults:
        yield py_span("two faults", **fault)
    node_faults: list[dict[str, Any]] = [
        {"package_type": 99, "kind": 99}, {"package_type": 99, "input_value": "{"},
        {"package_type": 99, "input_schema": "{"},
        {"package_type": 99, "input_value_proto_struct_bytes": {"b": "ff"}},
        {"trace_id": {"n": "1"}, "input_value": "{"},
    ]  # fmt: skip
    for fault in node_faults:
        yield node_span("two faults", **fault)


# {"a": true} as Struct bytes, and parts of it.
_A_TRUE = "0a070a016112022001"
_B_TRUE = "0a070a016212022001"
STRUCTS: list[str] = [
    "",
    _A_TRUE,
    # Keys out of order, and one key twice.
    _B_TRUE + _A_TRUE,
    _A_TRUE + "0a070a016112020801",
    # Entries without key, without value, without either; a Value without kind.
    "0a0412022001",
    "0a030a0161",
    "0a00",
    "0a050a01611200",
    # Values at the edge: Boolean 2, null 5, NaN, infinity; two kinds in one Value.
    "0a070a016112022002",
    "0a070a016112020805",
    "0a0e0a0161120911000000000000f87f",
    "0a0e0a0161120911000000000000f07f",
    "0a0a0a016112051a01782001",
    # A length in two bytes that needs one.
    "0a87000a016112022001",
]
BAD_STRUCTS: list[str] = [
    "ff",
    "00",
    "0b0c",
    "0200",
    "0801",
    "0a",
    "0a05",
    "0a07",
    "80",
    "0e",
    "0a8080808080808080808001",
]
DEPARTING_STRUCTS: list[str] = [
    # Unknown fields: at the top, behind an entry, inside a Value.
    "1005",
    _A_TRUE + "1005",
    "a2060178",
    "0a070a016112023801",
    # Nested faults: a key that is a number, keys and strings that are not UTF-8, cut values.
    "0a020801",
    "0a030a01ff",
    "0a040a02c328",
    "0a060a0161120120",
    "0a080a016112031a01ff",
    "0a060a01611201ff",
]
SPANS: list[str] = [
    "",
    "0a0161",
    "4063",
    "0a01610a0162",
    "1201730a0174",
    "8a8080000161",
    "40ffffffffffffffffff01",
    "0a00",
    "4000",
    "980102",
    "ca010178",
    "c20100",
    "5a00",
    "a20100",
    # A status in two parts.
    "9201020801" + "92010412026f6b",
]
BAD_SPANS: list[str] = [
    "ff", "0a05", "8a", "a2060578", "0801", "420161", "0b0c", "a406", "0200", "0e", "0f",
    "4080808080808080808080" + "01", "0a808080808040", "0affffffffffffffffff01", "090000000000000000",
    "a506000000", "40ffffffffffffffffff7f",
]  # fmt: skip
DEPARTING_SPANS: list[str] = [
    "d00105", "a2060178", "a1060000000000000000", "a50600000000", "f8ffffff0f01", "0a01ff", "4a01ff",
    "4a020a05", "5a01ff", "a306a406", "0a0161" + "d00105", "5a02" + "3805",
]  # fmt: skip


def _bytes() -> Iterator[Case]:
    for data in STRUCTS + BAD_STRUCTS + DEPARTING_STRUCTS:
        yield from struct_cases("Struct bytes", bytes.fromhex(data))
    yield py_span(
        "Struct bytes beside a list", input_value_proto_struct_bytes={"b": _A_TRUE}, input_value={"l": []}
    )
    yield py_span(
        "Struct bytes beside a bad value",
        input_value_proto_struct_bytes={"b": _A_TRUE},
        input_value={"b": "00"},
    )
    yield node_span(
        "Struct bytes beside a bad value", input_value_proto_struct_bytes={"b": _A_TRUE}, input_value="{"
    )
    for kind in ("bytearray", "memoryview"):
        yield py_span("Struct bytes as " + kind, input_value_proto_struct_bytes={"buf": [kind, _A_TRUE]})
    for wrong in each("abc", 1, {"l": [10, 7]}, {"d": []}, {"l": []}, {"t": [10]}, False):
        yield py_span("Struct bytes of the wrong kind", input_value_proto_struct_bytes=wrong)
    yield py_span(
        "Struct bytes, subclass", input_value_proto_struct_bytes={"o": ["BytesSub", {"b": _A_TRUE}]}
    )
    for kind in ("Uint8Array", "Subarray", "ArrayBuffer"):
        yield node_span("Struct bytes as " + kind, input_value_proto_struct_bytes={"buf": [kind, _A_TRUE]})
    for given in each("abc", number(1), {"d": []}, {"l": [number(10)]}, False):
        yield node_span("Struct bytes of the wrong kind", input_value_proto_struct_bytes=given)
    for data in SPANS + BAD_SPANS + DEPARTING_SPANS:
        yield from export_cases("span bytes", [bytes.fromhex(data)])
        yield from export_cases("span bytes among good ones", [b"\x0a\x01a", bytes.fromhex(data), b""])
    yield from export_cases("no spans", [])
    yield from export_cases("no spans", [], ("", "", "", ""))
    yield from export_cases("two bad", [b"", b"\xff", b"\x00"])
    for position in range(4):
        for text in ("\ud800", "\u00e9\0"):
            strings = ["svc", "env", "1.0", "inst"]
            strings[position] = text
            yield from export_cases("string", [], strings)
    py, node = "py.build_export_spans_request_bytes_pyobject", "node.buildExportSpansRequestBytes"
    other = [Part("other", "other", "wrong kind of argument")]
    four: list[Any] = ["a", "b", "c", "d"]
    span = {"b": "0a0161"}
    wrong_spans: list[Any] = [
        None, span, "x", {"t": [span]}, {"o": ["generator", {"l": [span]}]}, {"o": ["set", {"l": [span]}]},
        {"d": []}, integer(1), {"o": ["iterator", {"l": [span]}]}, {"o": ["range"]},
        {"o": ["deque", {"l": [span]}]}, {"l": [None]}, {"l": [integer(1)]}, {"l": ["x"]},
        {"l": [{"buf": ["bytearray", "0a0161"]}]}, {"l": [{"buf": ["memoryview", "0a0161"]}]},
        {"l": [{"l": [integer(10)]}]}, {"l": [{"l": []}]}, {"l": [{"t": [integer(10)]}]},
        {"o": ["ListSub", {"l": [span]}]}, {"o": ["ListOverride", {"l": [span]}]},
        {"l": [{"o": ["BytesSub", span]}]}, {"l": [{"b": "ff"}, integer(1)]},
        {"l": [integer(1), {"b": "ff"}]},
    ]  # fmt: skip
    for spans in wrong_spans:
        yield Case("spans", py, [*four, spans], parts=other)
    wrong_spans = [
        None, UNDEFINED, span, "x", {"d": []}, {"o": ["arrayLike"]}, {"o": ["Set", {"l": [span]}]},
        {"l": [None]}, {"l": [UNDEFINED]}, {"l": [number(1)]}, {"l": ["x"]},
        {"l": [{"buf": ["Uint8Array", "0a0161"]}]}, {"l": [{"buf": ["Subarray", "0a0161"]}]},
        {"l": [{"buf": ["ArrayBuffer", "0a0161"]}]}, {"l": [{"l": [number(10)]}]}, {"o": ["sparse", span]},
        {"l": [{"b": ""}]},
    ]  # fmt: skip
    for spans in wrong_spans:
        yield Case("spans", node, [*four, spans], parts=other)
    for position in range(4):
        for wrong in each(None, integer(1), {"b": "61"}, {"l": []}):
            yield Case("string", py, [*four[:position], wrong, *four[position + 1 :], {"l": []}], parts=other)
        for wrong in each(None, UNDEFINED, number(1), {"b": "61"}):
            yield Case(
                "string", node, [*four[:position], wrong, *four[position + 1 :], {"l": []}], parts=other
            )
    for count in range(5):
        yield Case("missing", py, four[:count], parts=other)
        yield Case("missing", node, four[:count], parts=other)
    yield Case("more arguments", node, [*four, {"l": []}, number(1)], parts=other)
    names = ("observable_service_id", "environment", "sdk_version", "sdk_instance_id", "spans")
    yield Case("keywords", py, [], dict(zip(names, [*four, {"l": []}])), parts=other)


NUMPY_VALUES: list[Any] = [
    {"o": ["numpy.float64", {"f": "0x1.8p+0"}]}, {"o": ["numpy.float64", {"f": "nan"}]},
    {"o": ["numpy.float32", {"f": "0x1.99999a0000000p-4"}]}, {"o": ["numpy.float16", {"f": "0x1.8p+0"}]},
    {"o": ["numpy.longdouble", {"f": "0x1.8p+0"}]}, {"o": ["numpy.int64", integer(-5)]},
    {"o": ["numpy.int32", integer(5)]}, {"o": ["numpy.int8", integer(5)]},
    {"o": ["numpy.uint8", integer(255)]}, {"o": ["numpy.uint64", integer(2**63 - 1)]},
    {"o": ["numpy.uint64", integer(2**64 - 1)]}, {"o": ["numpy.bool_", True]},
    {"o": ["numpy.bool_", False]}, {"o": ["numpy.str_", "x"]}, {"o": ["numpy.bytes_", {"b": "78"}]},
    {"o": ["numpy.datetime64", "2020-01-02"]}, {"o": ["numpy.complex64", integer(1)]},
    {"o": ["numpy.array", integer(5)]}, {"o": ["numpy.array", {"f": "0x1.6p+2"}]},
    {"o": ["numpy.array", True]}, {"o": ["numpy.array", {"l": [integer(1), integer(2)]}]},
    {"o": ["numpy.array", {"l": [integer(1)]}]}, {"o": ["numpy.array", {"l": []}]},
    {"o": ["numpy.array", "x"]},
]  # fmt: skip


def with_numpy() -> Iterator[Case]:
    """Only where both sides have numpy installed."""
    for value in NUMPY_VALUES:
        yield native_case("numpy", value)
        yield native_case("numpy member", {"d": [["k", value]]})
        yield py_span("numpy in a span", input_value={"d": [["k", value]]})
        yield native_case("numpy in merges", {"d": [["b", "YQ=="]]}, _entry(match_importance=value))
        yield native_case("numpy in merges", {"d": [["b", "YQ=="]]}, _entry(encoding=value))
    yield native_case("numpy key", {"d": [[{"o": ["numpy.str_", "x"]}, _INT]]})


def handwritten() -> Iterator[Case]:
    yield from _payloads()
    yield from _wrong_arguments()
    yield from _native_values()
    yield from _native_merges()
    yield from _span_schemas()
    yield from _span_members()
    yield from _span_values()
    yield from _bytes()
