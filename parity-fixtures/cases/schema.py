"""Schemas of payloads."""

from __future__ import annotations

from .table import Case, payload

SHAPES = {
    "null": "null",
    "true": "true",
    "false": "false",
    "an integer": "1",
    "a float": "1.5",
    "a huge integer": "9" * 40,
    "a string": '"x"',
    "an empty string": '""',
    "an empty object": "{}",
    "an empty array": "[]",
    "an array of one number": "[1]",
    "an array of null": "[null]",
    "an array of mixed kinds takes its first item": '[1,"x",null]',
    "an array of mixed kinds with an object first": '[{"a":1},1]',
    "an array whose objects differ takes the first": '[{"a":1},{"b":2}]',
    "an array of an empty array": "[[]]",
    "an array of an empty object": "[{}]",
    "an array in an array in an array": "[[[1]],[]]",
    "an object of every kind": '{"n":null,"t":true,"f":false,"i":1,"d":1.5,"s":"x","a":[1],"e":[],"o":{"x":1},"p":{}}',
    "an object with an empty key": '{"":{"":""}}',
    "an object with keys named like schema members": '{"type":1,"properties":{"type":"x","items":[1]},"items":[{"encoding":1}],"encoding":1,"decoded_type":1,"match_importance":1}',
    "an object with keys out of order": '{"b":1,"a":{"d":1,"c":2}}',
    "an object with astral and private-use keys": '{"\U00010000":1,"\uffff":2,"\ue000":3}',
    "an object with a key that needs escapes": '{"a\\"\\\\\\n":1}',
    "an object with a repeated key of two kinds": '{"a":"x","a":1}',
    "an object with replaced surrogates in a key": '{"\\ud800":1}',
    "an object in an array in an object": '{"rows":[{"id":1,"name":"a"},{"id":2}]}',
    "minus zero": "-0",
}

CASES: list[Case] = [payload(f"the schema of {name}", text) for name, text in SHAPES.items()]
CASES += [
    payload("merges come beside type and properties in the order of the keys", '{"b":[1]}', '{"b":{"match_importance":0.25,"encoding":0,"decoded_type":7}}'),
    payload("merges of encoding 0 alone are written", '{"b":1}', '{"b":{"encoding":0}}'),
    payload("merges of decoded type 0 alone are written", '{"b":1}', '{"b":{"decoded_type":0}}'),
    payload("the schema of a decoded object replaces the string's", '{"b":"eyJhIjpbMV19","c":"x"}', '{"b":{"encoding":1,"decoded_type":1}}'),
    payload("the schema of a decoded null", '{"b":"null"}', '{"b":{"decoded_type":1}}'),
    payload("the schema of a decoded empty list", '{"b":"[]"}', '{"b":{"decoded_type":1}}'),
]  # fmt: skip


def _schema(name: str, text: str) -> Case:
    return f"a schema argument: {name}", "span", {"input_schema": text}


ARGUMENTS = {
    "an empty object": "{}",
    "a plain number schema": '{"type":1,"properties":{}}',
    "every known type": '{"type":6,"properties":{"a":{"type":1},"b":{"type":2},"c":{"type":3},"d":{"type":4},"e":{"type":5},"f":{"type":6},"g":{"type":7},"h":{"type":8},"i":{"type":9}}}',
    "an array is an empty schema": "[]",
    "a string is an empty schema": '"x"',
    "null is an empty schema": "null",
    "type 0 is left out": '{"type":0}',
    "type 99 is kept": '{"type":99}',
    "type -1 is kept": '{"type":-1}',
    "the largest type": '{"type":2147483647}',
    "the lowest type": '{"type":-2147483648}',
    "a type of 2 to the 31st is absent": '{"type":2147483648}',
    "a type below minus 2 to the 31st is absent": '{"type":-2147483649}',
    "a type of 2 to the 32nd plus 6 is absent": '{"type":4294967302}',
    "a type of forty digits is absent": '{"type":' + "6" * 40 + "}",
    "a type with a point is absent": '{"type":6.0}',
    "a type with an exponent is absent": '{"type":6e0}',
    "a type of minus zero is absent": '{"type":-0}',
    "a type that is true is absent": '{"type":true}',
    "a type that is a string is absent": '{"type":"6"}',
    "a type that is null is absent": '{"type":null}',
    "a repeated type: the last wins": '{"type":1,"type":2}',
    "a repeated type: a last one of the wrong kind is absent": '{"type":1,"type":"x"}',
    "properties that are an array are absent": '{"properties":[1]}',
    "properties that are null are absent": '{"properties":null}',
    "a property that is not an object is an empty schema": '{"properties":{"a":3,"b":null,"c":"x","d":[]}}',
    "properties in the order of their bytes": '{"properties":{"b":{"type":1},"\U00010000":{"type":2},"\uffff":{"type":3},"a":{"type":4},"":{"type":5}}}',
    "an empty key and an empty schema are left out of the entry": '{"properties":{"":{}}}',
    "an empty schema is left out of its entry": '{"properties":{"a":{}}}',
    "an empty key is left out of its entry": '{"properties":{"":{"type":1}}}',
    "an empty key whose schema is not an object": '{"properties":{"":1}}',
    "replaced surrogates in a property": '{"properties":{"\\ud800":{"type":1}}}',
    "items": '{"type":7,"items":{"type":1}}',
    "empty items are present": '{"items":{}}',
    "items of null are an empty schema and present": '{"items":null}',
    "items of a number are an empty schema and present": '{"items":3}',
    "items of an array are an empty schema and present": '{"items":[{"type":1}]}',
    "items of items": '{"items":{"items":{"items":{}}}}',
    "encoding 0 is written": '{"encoding":0}',
    "encoding 1 is written": '{"encoding":1}',
    "a negative encoding is written": '{"encoding":-1}',
    "an encoding that is true is absent": '{"encoding":true}',
    "an encoding with a point is absent": '{"encoding":1.0}',
    "an encoding of null is absent": '{"encoding":null}',
    "an encoding of 2 to the 31st is absent": '{"encoding":2147483648}',
    "decoded type 0 is written": '{"decoded_type":0}',
    "decoded type 24 is written": '{"decoded_type":24}',
    "a decoded type that is a string is absent": '{"decoded_type":"1"}',
    "match importance 0 is written": '{"match_importance":0}',
    "match importance minus 0 is written": '{"match_importance":-0.0}',
    "match importance of an integer": '{"match_importance":1}',
    "match importance of a float": '{"match_importance":0.5}',
    "match importance of a huge integer is the nearest double": '{"match_importance":1180591620717411303424}',
    "match importance of an integer beyond a double is the largest one": '{"match_importance":1'
    + "0" * 400
    + "}",
    "match importance that is true is absent": '{"match_importance":true}',
    "match importance that is a string is absent": '{"match_importance":"1"}',
    "match importance of null is absent": '{"match_importance":null}',
    "camelCase members are ignored": '{"decodedType":1,"matchImportance":1}',
    "unknown members are ignored": '{"type":6,"foo":{"type":1},"additional":[1]}',
    "everything at once": '{"type":7,"properties":{"a":{"type":1}},"items":{"type":2},"encoding":1,"decoded_type":1,"match_importance":0.5}',
    "a syntax fault is refused": '{"type":6,}',
    "a number out of range is refused": '{"match_importance":1e400}',
}
CASES += [_schema(name, text) for name, text in ARGUMENTS.items()]
