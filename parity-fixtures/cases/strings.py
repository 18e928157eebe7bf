"""Strings: escapes, what stays literal, surrogates, encodings of keys."""

from __future__ import annotations

from .table import Case, normalize, payload

B = "\\"

CASES: list[Case] = [
    normalize("an empty string stays empty", '""'),
    normalize("an empty key stays empty", '{"":""}'),
    normalize("a quote and a backslash are escaped", f'"{B}"{B}{B}"'),
    normalize("an escaped slash becomes a slash", f'"{B}/"'),
    normalize("the five short escapes are kept", f'"{B}b{B}f{B}n{B}r{B}t"'),
    normalize("short escapes written as u escapes become short", f'"{B}u0008{B}u000C{B}u000a{B}u000D{B}u0009"'),
    normalize("the null character is a lower-case u escape", f'"{B}u0000"'),
    normalize("all control characters in one string", '"' + "".join(f"{B}u{i:04X}" for i in range(32)) + '"'),
    normalize("upper-case hex becomes lower-case", f'"{B}u001F{B}u000B"'),
    normalize("DEL stays literal", '"\x7f"'),
    normalize("DEL written as an escape becomes literal", f'"{B}u007f"'),
    normalize("the C1 controls stay literal", '"\x80\x85\x9f"'),
    normalize("the line separators stay literal", '"\u2028\u2029"'),
    normalize("the line separators written as escapes become literal", f'"{B}u2028{B}u2029"'),
    normalize("a byte-order mark inside a string stays literal", '"\ufeffx"'),
    normalize("ASCII letters written as escapes become literal", f'"{B}u0041{B}u005a{B}u0061"'),
    normalize("a quote and a backslash written as u escapes get their short ones", f'"{B}u0022{B}u005C{B}u002f"'),
    normalize("an emoji stays literal", '"\U0001f600"'),
    normalize("a surrogate pair becomes one character", f'"{B}ud83d{B}ude00"'),
    normalize("a surrogate pair in upper and mixed case becomes one character", f'"{B}uD83D{B}uDe00"'),
    normalize("the first astral character as a pair", f'"{B}ud800{B}udc00"'),
    normalize("the last code point as a pair", f'"{B}udbff{B}udfff"'),
    normalize("noncharacters are characters", f'"{B}uffff{B}ufffe\ufdd0\U0010ffff"'),
    normalize("a lone high surrogate becomes U+FFFD", f'"{B}ud800"'),
    normalize("a lone low surrogate becomes U+FFFD", f'"{B}udc00"'),
    normalize("a reversed pair becomes two U+FFFD", f'"{B}udc00{B}ud800"'),
    normalize("two high surrogates become two U+FFFD", f'"{B}ud800{B}ud800"'),
    normalize("a high surrogate before a pair becomes one U+FFFD and the pair stays", f'"{B}ud800{B}ud83d{B}ude00"'),
    normalize("a low surrogate after a pair becomes one U+FFFD", f'"{B}ud83d{B}ude00{B}ude00"'),
    normalize("a high surrogate before a letter", f'"{B}ud800x"'),
    normalize("a high surrogate before a short escape", f'"{B}ud800{B}n"'),
    normalize("a high surrogate before an escaped backslash and the letter u", f'"{B}ud800{B}{B}udc00"'),
    normalize("a high surrogate before the escape of a letter", f'"{B}ud800{B}u0041"'),
    normalize("a high surrogate at the end of a key", f'{{"a{B}ud800":1}}'),
    normalize("keys that differ only in their lone surrogate are one key and the last wins", f'{{"{B}ud800":1,"{B}ud801":2}}'),
    normalize("a lone surrogate and U+FFFD are one key and the last wins", f'{{"\ufffd":1,"{B}udfff":2}}'),
    normalize("U+FFFD after a lone surrogate wins as the last", f'{{"{B}udfff":2,"\ufffd":1}}'),
    normalize("keys with replaced surrogates sort as U+FFFD", f'{{"\U00010000":1,"{B}ud800":2,"\ufffc":3,"\ufffe":4}}'),
    normalize("composed and decomposed letters stay apart", '["\u00e9","e\u0301"]'),
    normalize("keys that differ only in normalisation are two keys", '{"\u00e9":1,"e\u0301":2}'),
    normalize("no case folding and no trimming of keys", '{" a":1,"a ":2,"A":3,"a":4}'),
    normalize("two-byte, three-byte and four-byte characters at their limits", '"\x7f\x80\u07ff\u0800\ud7ff\ue000\uffff\U00010000\U0010ffff"'),
    normalize("a key written with escapes equals the literal one", f'{{"a":1,"{B}u0061":2}}'),
    normalize("a long string with an escape at its end", '"' + "abcdefgh" * 40 + f'{B}n"'),
    normalize("a long run of escapes", '"' + f"{B}u00e9" * 60 + '"'),
    normalize("quotes inside quotes alternate", '"' + f'{B}"a' * 30 + '"'),
    normalize("text as bytes gives the same", '{"k":"é\U0001f600"}'.encode()),
    normalize("string that looks like a number stays a string", '["1","1.0","1e5","-0"]'),
    normalize("string that looks like a literal stays a string", '["null","true","NaN"]'),
    payload("a payload with replaced surrogates hashes the replacement", f'{{"{B}ud800":"{B}udfff"}}'),
    payload("a payload with control characters", f'{{"{B}u0001":"{B}u001f{B}n"}}'),
    payload("a payload with astral keys and values", '{"\U0001f600":"\U0001f601"}'),
]  # fmt: skip
for _size in (15, 16, 17, 31, 32, 33, 63, 64, 65):
    CASES.append(normalize(f"an escape after {_size} plain bytes", '"' + "x" * _size + f'{B}u00e9"'))
    CASES.append(
        normalize(f"a character of three bytes after {_size} plain bytes", '"' + "x" * _size + '\u20ac"')
    )
