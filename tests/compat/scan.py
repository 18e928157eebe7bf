"""A strict JSON scanner that keeps what the rules ask about.

`json.loads` will not do: it makes `-0` an int, takes NaN, joins surrogates that
a Python string holds apart, and gives up on deep input. The tree it builds is
the specification form of `spec.py`, so it can be sent to a worker as it is.
"""

from __future__ import annotations

import re
from typing import Any

from number_model import big_int, is_integer_token

_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_PLAIN = re.compile(r'[^"\\\x00-\x1f]*')
_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_HEX = re.compile(r"[0-9a-fA-F]{4}")
_WORDS = (("true", True), ("false", False), ("null", None))


class Invalid(Exception):
    """Not a JSON document."""


class Scan:
    """One JSON text: is it valid, which numbers, how deep, any unpaired surrogate."""

    def __init__(self, text: str, pairs_join: bool = False) -> None:
        """`pairs_join`: the host's strings are UTF-16 (Node), so two literal halves are one character."""
        if pairs_join:
            text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
        self.text = text
        self.numbers: list[str] = []
        self.depth = 0
        self.escaped_surrogate = False
        self.literal_surrogate = any("\ud800" <= c <= "\udfff" for c in text)
        self.tree: Any = None
        self.valid = True
        try:
            self.tree = self._document()
        except Invalid:
            self.valid = False

    @property
    def surrogate(self) -> bool:
        return self.escaped_surrogate or self.literal_surrogate

    def _string(self, at: int) -> tuple[str, int]:
        text = self.text
        parts: list[str] = []
        while True:
            match = _PLAIN.match(text, at)
            assert match is not None
            parts.append(match.group())
            at = match.end()
            if at >= len(text):
                raise Invalid
            if text[at] == '"':
                return "".join(parts), at + 1
            if text[at] != "\\":
                raise Invalid
            escape = text[at + 1 : at + 2]
            if escape in _ESCAPES and escape:
                parts.append(_ESCAPES[escape])
                at += 2
                continue
            if escape != "u" or not _HEX.match(text, at + 2):
                raise Invalid
            code = int(text[at + 2 : at + 6], 16)
            at += 6
            if 0xD800 <= code <= 0xDBFF and text.startswith("\\u", at):
                if not _HEX.match(text, at + 2):
                    raise Invalid
                low = int(text[at + 2 : at + 6], 16)
                if 0xDC00 <= low <= 0xDFFF:
                    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
                    at += 6
            if 0xD800 <= code <= 0xDFFF:
                self.escaped_surrogate = True
            parts.append(chr(code))

    def _space(self, at: int) -> int:
        match = _SPACE.match(self.text, at)
        assert match is not None
        return match.end()

    def _key(self, at: int) -> tuple[str, int]:
        at = self._space(at)
        if self.text[at : at + 1] != '"':
            raise Invalid
        key, at = self._string(at + 1)
        at = self._space(at)
        if self.text[at : at + 1] != ":":
            raise Invalid
        return key, at + 1

    def _document(self) -> Any:
        text = self.text
        at = self._space(0)
        # Open containers: the list of its elements or pairs, and the pending key.
        stack: list[tuple[bool, list[Any], str | None]] = []
        key: str | None = None
        while True:
            at = self._space(at)
            first = text[at : at + 1]
            value: Any
            if first in ("{", "["):
                is_object = first == "{"
                closing = "}" if is_object else "]"
                after = self._space(at + 1)
                items: list[Any] = []
                self.depth = max(self.depth, len(stack) + 1)
                if text[after : after + 1] == closing:
                    at = after + 1
                    value = {"d": []} if is_object else {"l": []}
                else:
                    stack.append((is_object, items, key))
                    if is_object:
                        key, at = self._key(at + 1)
                    else:
                        key, at = None, at + 1
                    continue
            elif first == '"':
                value, at = self._string(at + 1)
            else:
                match = _NUMBER.match(text, at)
                if match is not None:
                    token, at = match.group(), match.end()
                    self.numbers.append(token)
                    value = number_spec(token)
                else:
                    for word, meaning in _WORDS:
                        if text.startswith(word, at):
                            value, at = meaning, at + len(word)
                            break
                    else:
                        raise Invalid
            # The value is complete: hand it to the container around it.
            while True:
                if not stack:
                    if self._space(at) != len(text):
                        raise Invalid
                    return value
                is_object, items, outer_key = stack[-1]
                items.append([key, value] if is_object else value)
                at = self._space(at)
                mark = text[at : at + 1]
                at += 1
                if mark == ",":
                    if is_object:
                        key, at = self._key(at)
                    break
                if mark != ("}" if is_object else "]"):
                    raise Invalid
                stack.pop()
                key = outer_key
                value = {"d": items} if is_object else {"l": items}


def number_spec(token: str) -> Any:
    """The Python number that a caller with this JSON would hold."""
    if is_integer_token(token):
        return {"i": f"{big_int(token):x}"}
    return {"f": float(token).hex()}
