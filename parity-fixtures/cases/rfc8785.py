"""The profile rfc8785: ECMAScript numbers, UTF-16 order, strictness."""

from __future__ import annotations

from .table import Case, normalize

NUMBERS = """
0 -0 -0.0 0.0 1 -1 1.0 1.5 10 1e5 1e15 1e16 1e20 1e21 -1e21 999999999999999900000 999999999999999999999 123456789012345680000
1e-5 1e-6 0.000001 0.0000012345 1e-7 0.00000099999999999999999 9.999999999999999e-7 1.5e300 1E-300 5e-324 -5e-324 2e-324
9007199254740991 9007199254740992 9007199254740993 9007199254740994 9007199254740995 -9007199254740993
9223372036854775807 18446744073709551615 18446744073709551616 1.7976931348623157e308 1.7976931348623158e308
333333333.33333329 4.50 2e-3 0.000000000000000000000000001 1E30 0e400 123456789.123456789 100000000000000000000
1000000000000000000000 295147905179352830000 9.999999999999997e22 1e23 999999999999999700000 333333333.3333332
333333333.33333325 333333333.3333333 333333333.3333334 333333333.33333343 -0.0000033333333333333333 1424953923781206.2
""".split()

CASES: list[Case] = [
    normalize(f"the number {token} is printed as ECMAScript does", token, "rfc8785") for token in NUMBERS
]  # fmt: skip
CASES += [
    normalize("an integer of 400 digits is out of range in rfc8785", "9" * 400, "rfc8785"),
    normalize("an integer of 309 digits in range is a double in rfc8785", "1" + "0" * 308, "rfc8785"),
    normalize("1e400 is out of range in rfc8785", "[1,1e400]", "rfc8785"),
    normalize("minus 1e400 is out of range in rfc8785", "-1e400", "rfc8785"),
    normalize("1 and 1.0 are one number in rfc8785", "[1,1.0,10e-1,0.1e1]", "rfc8785"),
    normalize("the example of RFC 8785 section 3.2.2", '{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/","literals":[null,true,false]}', "rfc8785"),
    normalize("the example of RFC 8785 section 3.2.3", '{"\\u20ac":"Euro Sign","\\r":"Carriage Return","\\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One","\\ud83d\\ude00":"Emoji: Grinning Face","\\u0080":"Control","\\u00f6":"Latin Small Letter O With Diaeresis"}', "rfc8785"),
    normalize("the same members sort otherwise in drift", '{"\\u20ac":"Euro Sign","\\r":"Carriage Return","\\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One","\\ud83d\\ude00":"Emoji: Grinning Face","\\u0080":"Control","\\u00f6":"Latin Small Letter O With Diaeresis"}'),
    normalize("astral keys come before U+E000 to U+FFFF in rfc8785", '{"\U00010000":1,"\uffff":2,"\ue000":3,"\U0010ffff":4,"\ud7ff":5}', "rfc8785"),
    normalize("an astral key sorts after U+D7FF in rfc8785", '{"\ud7ffz":1,"\U00010000":2,"\ue000":3}', "rfc8785"),
    normalize("astral keys sort among themselves by both units", '{"\U0001f601":1,"\U0001f600":2,"\U00010400":3}', "rfc8785"),
    normalize("a repeated key is refused in rfc8785", '{"a":1,"a":2}', "rfc8785"),
    normalize("the first repeated key in text order is named", '{"a":1,"b":2,"b":3,"a":4}', "rfc8785"),
    normalize("a key repeated in other letters of escape is refused", '{"a":1, "\\u0061":2}', "rfc8785"),
    normalize("repeated empty keys are refused", '{"":1,"":1}', "rfc8785"),
    normalize("a key repeated in an inner object is named there", '{"o":{"x":1,"x":1},"o":1}', "rfc8785"),
    normalize("the same key at two levels is no repetition", '{"a":{"a":[{"a":1},{"a":1}]}}', "rfc8785"),
    normalize("a syntax fault before the closing brace comes before a repeated key", '{"a":1,"a":2,x}', "rfc8785"),
    normalize("an unclosed object with a repeated key is invalid JSON", '{"a":1,"a":2', "rfc8785"),
    normalize("a syntax fault after the closing brace comes after a repeated key", '{"a":1,"a":2}x', "rfc8785"),
    normalize("a number out of range after a repeated key comes first", '{"a":1,"a":1e400}', "rfc8785"),
    normalize("a repeated key after characters of several bytes counts bytes", '{"\u00e9":1,"\U0001f600":2,"\u00e9":3}', "rfc8785"),
    normalize("a key repeated among many is found", "{" + ",".join(f'"k{i}":{i}' for i in range(50)) + ',"k17":0}', "rfc8785"),
    normalize("a lone high surrogate is refused in rfc8785", '"ab\\ud800"', "rfc8785"),
    normalize("a lone low surrogate is refused in rfc8785", '["\\udc00"]', "rfc8785"),
    normalize("a reversed pair is refused at the first", '"\\udc00\\ud800"', "rfc8785"),
    normalize("two high surrogates are refused at the first", '"\\ud83d\\ud83d\\ude00"', "rfc8785"),
    normalize("a high surrogate before a letter escape is refused", '"\\ud800\\u0041"', "rfc8785"),
    normalize("a high surrogate before a broken escape is invalid JSON", '"\\ud800\\u00x1"', "rfc8785"),
    normalize("a high surrogate before an unknown escape is lone", '"\\ud800\\x"', "rfc8785"),
    normalize("a high surrogate before a backslash at the end is lone", '"\\ud800\\', "rfc8785"),
    normalize("a lone surrogate in a key is refused", '{"k":1,"\\ud800":1}', "rfc8785"),
    normalize("a lone surrogate comes before a later syntax fault", '"\\ud800" x', "rfc8785"),
    normalize("a pair passes in rfc8785", '"\\ud83d\\ude00"', "rfc8785"),
    normalize("U+FFFD itself passes in rfc8785", '"\ufffd"', "rfc8785"),
    normalize("control characters are escaped alike in rfc8785", '"' + "".join(f"\\u{i:04x}" for i in range(33)) + '\u007f\u2028"', "rfc8785"),
    normalize("invalid UTF-8 is refused in rfc8785", b'"\xff"', "rfc8785"),
    normalize("a byte-order mark is refused in rfc8785", "\ufeff1", "rfc8785"),
    normalize("the profile drift by name is the default", '{"b":1.0,"a":-0}', "drift"),
    normalize("an empty object in rfc8785", "{}", "rfc8785"),
    normalize("an empty array in rfc8785", "[]", "rfc8785"),
    normalize("nested values in rfc8785", '{"z":[{"b":1.0,"a":[]}],"a":{"":null}}', "rfc8785"),
]  # fmt: skip
