"""Values on their way to a worker, and answers on their way back.

Both are JSON, so that one line is one message. A specification is one of:

    null, true, false, "text"      the same (text without surrogates)
    {"s": [code points]}           a string that holds surrogates
    {"i": "-7b"}                   an int, in hexadecimal
    {"f": "0x1.8p+0"}              a float (`float.hex`)
    {"b": "00ff"}                  bytes, in hexadecimal
    {"buf": [kind, "00ff"]}        bytearray, memoryview; in Node Uint8Array and others
    {"l": [..]} {"t": [..]}        list, tuple
    {"d": [[key, value], ..]}      dict, in this order; a key is a specification too
    {"nest": ["d" or "l", n, v]}   n levels of {"a": ..} or [..] around v
    {"o": ["Name", v]}             an object of a class that the worker defines
    {"u": 1}                       Node: undefined
    {"n": "0.5"}                   Node: a number, by its source text
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from number_model import big_str, print_double


def text_spec(text: str) -> Any:
    """A string, safe for the way through JSON."""
    if any("\ud800" <= c <= "\udfff" for c in text):
        return {"s": [ord(c) for c in text]}
    return text


def safe(spec: Any) -> Any:
    """The same specification with every string safe for the way (scan trees hold raw ones)."""
    result: list[Any] = []
    # An explicit stack: trees may be deep.
    work: list[tuple[Any, Any, Any]] = [(spec, result, None)]
    result.append(None)
    while work:
        node, target, key = work.pop()
        index = 0 if key is None else key
        if isinstance(node, str):
            target[index] = text_spec(node)
        elif isinstance(node, dict) and "d" in node:
            pairs: list[list[Any]] = [[None, None] for _ in node["d"]]
            target[index] = {"d": pairs}
            for pair, (k, v) in zip(pairs, node["d"]):
                pair[0] = text_spec(k) if isinstance(k, str) else k
                work.append((v, pair, 1))
        elif isinstance(node, dict) and ("l" in node or "t" in node):
            tag = "l" if "l" in node else "t"
            items: list[Any] = [None] * len(node[tag])
            target[index] = {tag: items}
            for position, item in enumerate(node[tag]):
                work.append((item, items, position))
        else:
            target[index] = node
    return result[0]


def walk(spec: Any) -> Iterator[tuple[str, Any, int]]:
    """Every node as (kind, payload, depth); a container's depth counts itself.

    Kinds: null, bool, str, key, int (the value), float (the value), bytes, buf,
    dict, list (the number of members), nest, object (name), node.
    """
    work: list[tuple[Any, int]] = [(spec, 1)]
    while work:
        node, depth = work.pop()
        if node is None:
            yield "null", None, depth
        elif isinstance(node, bool):
            yield "bool", node, depth
        elif isinstance(node, str):
            yield "str", node, depth
        elif "s" in node:
            yield "str", "".join(map(chr, node["s"])), depth
        elif "i" in node:
            yield "int", int(node["i"], 16), depth
        elif "f" in node:
            yield "float", float.fromhex(node["f"]), depth
        elif "b" in node:
            yield "bytes", bytes.fromhex(node["b"]), depth
        elif "buf" in node:
            yield "buf", node["buf"][0], depth
        elif "l" in node or "t" in node:
            items = node["l"] if "l" in node else node["t"]
            yield "list", len(items), depth
            work.extend((item, depth + 1) for item in items)
        elif "d" in node:
            yield "dict", len(node["d"]), depth
            for key, value in node["d"]:
                for kind, what, _ in walk(key):
                    yield ("key" if kind == "str" else "badkey"), what, depth
                work.append((value, depth + 1))
        elif "nest" in node:
            levels = node["nest"][1]
            yield "nest", node["nest"][0], depth + levels - 1
            work.append((node["nest"][2], depth + levels))
        elif "o" in node:
            name = node["o"][0]
            yield "object", name, depth
            if len(node["o"]) > 1:
                inner = list(walk(node["o"][1]))
                # The object stands where its content stands.
                yield from ((kind, what, depth + at - 1) for kind, what, at in inner)
        else:
            yield "node", node, depth


def depth(spec: Any) -> int:
    """Levels of containers."""
    return max((at for kind, _, at in walk(spec) if kind in ("dict", "list", "nest")), default=0)


def number_print(spec: Any) -> str | None:
    """The canonical text of a number specification, None for anything else."""
    if isinstance(spec, dict):
        if "i" in spec:
            return big_str(int(spec["i"], 16))
        if "f" in spec:
            return print_double(float.fromhex(spec["f"]))
    return None
