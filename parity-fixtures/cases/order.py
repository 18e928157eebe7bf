"""The order of members, repeated keys, white space."""

from __future__ import annotations

from .table import Case, normalize, payload

_MANY = [f"k{(i * 37) % 101}" for i in range(101)]

CASES: list[Case] = [
    normalize("members are sorted", '{"b":1,"a":2,"c":3}'),
    normalize("members sort at every level", '{"b":{"z":1,"y":2},"a":[{"d":1,"c":2}]}'),
    normalize("an empty key comes first", '{"a":1,"":2}'),
    normalize("a prefix comes before its extension", '{"aa":1,"a":2,"ab":3,"a\u0000":4}'.replace("\0", "\\u0000")),
    normalize("upper case before lower case", '{"a":1,"B":2,"b":3,"A":4,"_":5}'),
    normalize("numerals sort as text", '{"10":1,"9":2,"1":3,"2":4,"01":5}'),
    normalize("integer-like keys are not moved to the front", '{"b":1,"2":2,"1":3,"-1":4}'),
    normalize("astral keys come after U+E000 to U+FFFF", '{"\U00010000":1,"\uffff":2,"\ue000":3,"\U0010ffff":4,"\ud7ff":5}'),
    normalize("astral keys written as pairs come after U+E000 to U+FFFF", '{"\\ud800\\udc00":1,"\\uffff":2,"\\ue000":3,"\\udbff\\udfff":4}'),
    normalize("an emoji and a private-use key", '{"\U0001f600":1,"\uf8ff":2,"\ufb01":3}'),
    normalize("keys of one, two, three and four bytes", '{"\U00010000":4,"\u0800":3,"\u0080":2,"\u007f":1}'),
    normalize("keys sort by the unescaped characters", '{"\\u0062":1,"a":2,"\\u0061b":3}'),
    normalize("a newline in a key sorts as its character and not as its escape", '{"a\\\\":1,"a\\n":2,"a ":3,"a!":4}'),
    normalize("a quote in a key sorts as its character and not as its escape", '{"a\\"":1,"a#":2,"a!":3,"a]":4,"a[":5}'),
    normalize("of a repeated key the last wins", '{"a":1,"a":2}'),
    normalize("of a key repeated three times the last wins", '{"a":1,"b":0,"a":{"x":1},"a":[]}'),
    normalize("a repeated object is replaced and not merged", '{"a":{"x":1},"a":{"y":2}}'),
    normalize("repeated empty keys", '{"":1,"":2}'),
    normalize("a repeated key in an overwritten object", '{"a":{"b":1,"b":2},"a":0}'),
    normalize("a fault in an overwritten member is still an error", '{"a":1e400,"a":1}'),
    normalize("a syntax fault in an overwritten member is still an error", '{"a":[1,],"a":1}'),
    normalize("arrays keep their order", "[3,1,2,[2,1],[]]"),
    normalize("a hundred and one keys are sorted", "{" + ",".join(f'"{key}":{i}' for i, key in enumerate(_MANY)) + "}"),
    normalize("keys that share sixteen bytes", '{"0123456789abcdefz":1,"0123456789abcdefa":2,"0123456789abcdef":3,"0123456789abcde":4}'),
    normalize("the four kinds of white space are dropped", ' \t\r\n{ \t\r\n"a" \t\r\n: \t\r\n[ \t\r\n1 \t\r\n, \t\r\n2 \t\r\n] \t\r\n, \t\r\n"b" : { } \t\r\n} \t\r\n'),
    normalize("white space around a scalar is dropped", " \n\t 1 \r\n"),
    normalize("white space inside a string stays", '" \u00a0\u2003 "'),
    normalize("a string of spaces stays", '"   "'),
    normalize("CRLF between members", '{\r\n"a":1,\r\n"b":2\r\n}\r\n'),
    normalize("a value with every kind", '{"n":null,"t":true,"f":false,"i":1,"d":1.5,"s":"x","a":[],"o":{}}'),
    payload("a payload with repeated keys counts them once", '{"a":1,"a":2,"b":3}'),
    payload("map entries are in the order of the bytes", '{"b":1,"a":2,"\U00010000":3,"\uffff":4,"":5}'),
    payload("nested map entries are in the order of the bytes", '{"o":{"\U00010000":3,"\uffff":4,"":5}}'),
]  # fmt: skip
