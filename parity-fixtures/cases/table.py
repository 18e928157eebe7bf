"""The form of the tables of inputs. Expected values are the oracle's.

A case is (name, call, args). Names read as sentences and are unique over all files.
"""

from __future__ import annotations

from typing import Any, Union

Case = tuple[str, str, dict[str, Any]]
Text = Union[str, bytes]


def _text(name: str, text: Text) -> dict[str, str]:
    return {f"{name}_hex": text.hex()} if isinstance(text, bytes) else {name: text}


def normalize(name: str, text: Text, profile: str | None = None) -> Case:
    """A `normalize` case."""
    args: dict[str, Any] = _text("input", text)
    if profile is not None:
        args["profile"] = profile
    return name, "normalize", args


def payload(name: str, text: Text, merges: Text | None = None) -> Case:
    """A `payload` case."""
    args: dict[str, Any] = _text("input", text)
    if merges is not None:
        args.update(_text("merges", merges))
    return name, "payload", args


def arrays(levels: int, core: str = "") -> str:
    """An array nested to that many levels around a core."""
    return "[" * levels + core + "]" * levels


def objects(levels: int, core: str = "1", key: str = "a") -> str:
    """Objects nested to that many levels around a core."""
    return f'{{"{key}":' * levels + core + "}" * levels


__all__: list[str] = ["Case", "Text", "arrays", "normalize", "objects", "payload"]
