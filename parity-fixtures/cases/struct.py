"""Struct bytes of payloads."""

from __future__ import annotations

from .table import Case, payload

SHAPES = {
    "an empty object": "{}",
    "an array is empty": '[{"a":1}]',
    "a string is empty": '"x"',
    "null is empty": "null",
    "a number is empty": "1",
    "null": '{"k":null}',
    "true and false": '{"t":true,"f":false}',
    "zero": '{"k":0}',
    "minus zero": '{"k":-0}',
    "one": '{"k":1}',
    "a fraction": '{"k":0.1}',
    "the smallest subnormal": '{"k":5e-324}',
    "the largest double": '{"k":1.7976931348623157e308}',
    "an integer of 53 bits and one": '{"k":9007199254740993}',
    "an integer of u64": '{"k":18446744073709551615}',
    "an integer beyond a double": '{"k":1' + "0" * 500 + "}",
    "a negative integer beyond a double": '{"k":-1' + "0" * 500 + "}",
    "an empty string": '{"k":""}',
    "a string": '{"k":"text"}',
    "a string beyond ASCII": '{"\u00e9":"\U0001f600\u20ac"}',
    "a string of replaced surrogates": '{"k":"\\ud800"}',
    "an empty list": '{"k":[]}',
    "an empty object inside": '{"k":{}}',
    "a list of every kind": '{"k":[null,true,false,0,1.5,"","x",[],{},[1],{"a":1}]}',
    "a list of lists": '{"k":[[[[]]]]}',
    "an empty key": '{"":1}',
    "an empty key with null": '{"":null}',
    "an empty key with an empty object": '{"":{}}',
    "an empty key comes first": '{"a":1,"":2,"\\u0000":3}',
    "empty keys in nested objects": '{"":{"":{"":""}}}',
    "entries in the order of the bytes": '{"b":1,"a":2,"B":3,"10":4,"9":5}',
    "astral keys after private-use keys": '{"\U00010000":1,"\ue000":2}',
    "a repeated key is one entry": '{"a":1,"a":"x"}',
    "a string of 127 bytes": '{"k":"' + "x" * 127 + '"}',
    "a string of 128 bytes needs two length bytes": '{"k":"' + "x" * 128 + '"}',
    "a string of 16,384 bytes needs three length bytes": '{"k":"' + "x" * 16384 + '"}',
    "a key of 128 bytes": '{"' + "k" * 128 + '":1}',
    "an object whose entry is just 127 bytes": '{"k":"' + "x" * 120 + '"}',
    "an object whose entry is just 128 bytes": '{"k":"' + "x" * 121 + '"}',
    "nested objects with lengths at the limit of one byte": '{"a":{"b":{"c":"' + "x" * 108 + '"}}}',
    "twenty objects one in the other": '{"a":' * 20 + "1" + "}" * 20,
    "thirty-five objects one in the other": '{"a":' * 35 + "1" + "}" * 35,
}

CASES: list[Case] = [payload(f"the Struct of {name}", text) for name, text in SHAPES.items()]
CASES += [
    payload("the Struct holds what was there before decoding", '{"b":"e30="}', '{"b":{"encoding":1,"decoded_type":1}}'),
]  # fmt: skip
