"""Native Python values to the model (contract, section 2, "Python values")."""

from __future__ import annotations

import math
from typing import Any

from .errors import OracleError
from .json_text import MAX_DEPTH
from .values import integer_from_int, path_item, path_member, replace_surrogates


class Unsupported(Exception):
    """The value is of a type without a canonical form."""


def dict_items(value: dict[Any, Any]) -> list[tuple[Any, Any]]:
    """The members of a dict or subclass, past overridden methods."""
    return list(dict.items(value))


def sequence_items(value: Any) -> list[Any]:
    """The items of a list, tuple or subclass, past overridden methods."""
    return list(list.__iter__(value)) if isinstance(value, list) else list(tuple.__iter__(value))


def native_scalar(value: Any) -> Any:
    """The model's value of anything that is not a container; raises `Unsupported`."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return replace_surrogates(str.__str__(value))
    if isinstance(value, int):
        return integer_from_int(int.__index__(value))
    if isinstance(value, float):
        return _double(float.__float__(value))
    kind = type(value)
    if kind.__module__ == "numpy" and kind.__name__ in ("bool_", "bool"):
        return bool(value)
    if isinstance(value, (dict, list, tuple)):
        raise Unsupported
    try:
        if hasattr(kind, "__index__"):
            number = kind.__index__(value)
            if not isinstance(number, int):
                raise Unsupported
            return integer_from_int(int.__index__(number))
        if hasattr(kind, "__float__"):
            real = kind.__float__(value)
            if not isinstance(real, float):
                raise Unsupported
            return _double(float.__float__(real))
    except Unsupported:
        raise
    except Exception as error:
        raise Unsupported from error
    raise Unsupported


def _double(number: float) -> Any:
    """NaN and the infinities are null, as in JavaScript."""
    return number if math.isfinite(number) else None


def native_value(value: Any, max_depth: int = MAX_DEPTH) -> Any:
    """The model's value of a Python value; raises `OracleError` with the path."""
    return _convert(value, "$", max_depth, [])


def _convert(value: Any, path: str, max_depth: int, above: list[int]) -> Any:
    if not isinstance(value, (dict, list, tuple)):
        try:
            return native_scalar(value)
        except Unsupported:
            raise OracleError("unsupported_type", path=path) from None
    if id(value) in above:
        raise OracleError("cycle", path=path)
    if len(above) == max_depth:
        raise OracleError("depth_exceeded", path=path)
    above.append(id(value))
    result: Any
    if isinstance(value, dict):
        result = {}
        for key, member in dict_items(value):
            if not isinstance(key, str):
                raise OracleError("invalid_key", path=path)
            name = replace_surrogates(str.__str__(key))
            result[name] = _convert(member, path_member(path, name), max_depth, above)
    else:
        result = [
            _convert(item, path_item(path, index), max_depth, above)
            for index, item in enumerate(sequence_items(value))
        ]
    above.pop()
    return result
