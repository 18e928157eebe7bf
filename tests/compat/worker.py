"""One side of the comparison: a process that has one `drift_core` loaded.

Both Python packages are named `drift_core`, so each side is a process of its own,
started with that side's interpreter. Every line of standard input is a list of
calls, every line of standard output the list of their answers; `spec.py` says how
values look on the way. Nothing of the runner is imported here except `spec.py`'s
format: this file runs in the environment of the published package too.
"""

from __future__ import annotations

import collections
import datetime
import decimal
import enum
import fractions
import inspect
import json
import sys
import types
import uuid
import warnings
from typing import Any, Callable

import drift_core  # type: ignore[import-not-found, unused-ignore]

try:
    import numpy  # type: ignore[import-not-found, unused-ignore]
except ImportError:
    numpy = None

# Values come and go 250 levels deep, three JSON levels for each.
sys.setrecursionlimit(20000)
if hasattr(sys, "set_int_max_str_digits"):
    sys.set_int_max_str_digits(0)
warnings.simplefilter("ignore")


class StrSub(str):
    pass


class IntSub(int):
    pass


class FloatSub(float):
    pass


class DictSub(dict[Any, Any]):
    pass


class ListSub(list[Any]):
    pass


class BytesSub(bytes):
    pass


class StrOverride(str):
    def __str__(self) -> str:
        return "overridden"


class DictOverride(dict[Any, Any]):
    def items(self) -> Any:
        return [("overridden", 1)]

    keys = values = items

    def __iter__(self) -> Any:
        return iter(["overridden"])

    def __len__(self) -> int:
        return 1

    def __getitem__(self, key: Any) -> Any:
        raise KeyError(key)


class ListOverride(list[Any]):
    def __iter__(self) -> Any:
        return iter([9, 9])

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: Any) -> Any:
        raise IndexError(index)


class IntOverride(int):
    def __index__(self) -> int:
        return 99

    def __int__(self) -> int:
        return 98


class IntWithFloat(int):
    def __float__(self) -> float:
        return 0.5


class FloatOverride(float):
    def __float__(self) -> float:
        return 99.0


class DictIndex(dict[Any, Any]):
    def __index__(self) -> int:
        return 3


class ListIndex(list[Any]):
    def __index__(self) -> int:
        return 3


class StrIndex(str):
    def __index__(self) -> int:
        return 3


class FloatIndex(float):
    def __index__(self) -> int:
        return 3


class Index:
    def __init__(self, value: Any) -> None:
        self.value = value

    def __index__(self) -> Any:
        return self.value


class Float:
    def __init__(self, value: Any) -> None:
        self.value = value

    def __float__(self) -> Any:
        return self.value


class IndexAndFloat(Index, Float):
    pass


class IndexRaises:
    def __index__(self) -> int:
        raise RuntimeError("no index")


class FloatRaises:
    def __float__(self) -> float:
        raise RuntimeError("no float")


class IndexRaisesFloatWorks(IndexRaises):
    def __float__(self) -> float:
        return 2.5


class IndexInterrupted:
    def __index__(self) -> int:
        raise KeyboardInterrupt


class BoolOnly:
    def __bool__(self) -> bool:
        return True


class LiesAboutClass:
    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return dict


class NumberEnum(enum.IntEnum):
    THREE = 3


class TextEnum(str, enum.Enum):
    X = "x"


Pair = collections.namedtuple("Pair", "first second")
# numpy.bool_ is told by its module and name; numpy itself need not be installed.
NumpyBool = type("bool_", (), {"__module__": "numpy", "__bool__": lambda self: True})


def _cycle_dict(_: Any) -> Any:
    value: dict[str, Any] = {"x": 1}
    value["a"] = {"b": [value]}
    return value


def _cycle_list(_: Any) -> Any:
    value: list[Any] = [1]
    value.append([value])
    return value


OBJECTS: dict[str, Callable[[Any], Any]] = {
    "StrSub": StrSub,
    "IntSub": IntSub,
    "FloatSub": FloatSub,
    "DictSub": DictSub,
    "ListSub": ListSub,
    "BytesSub": BytesSub,
    "StrOverride": StrOverride,
    "DictOverride": DictOverride,
    "ListOverride": ListOverride,
    "IntOverride": IntOverride,
    "IntWithFloat": IntWithFloat,
    "FloatOverride": FloatOverride,
    "DictIndex": DictIndex,
    "ListIndex": ListIndex,
    "StrIndex": StrIndex,
    "FloatIndex": FloatIndex,
    "Index": Index,
    "Float": Float,
    "IndexAndFloat": IndexAndFloat,
    "IndexRaises": lambda _: IndexRaises(),
    "FloatRaises": lambda _: FloatRaises(),
    "IndexRaisesFloatWorks": lambda _: IndexRaisesFloatWorks(),
    "IndexInterrupted": lambda _: IndexInterrupted(),
    "BoolOnly": lambda _: BoolOnly(),
    "LiesAboutClass": lambda _: LiesAboutClass(),
    "NumberEnum": lambda _: NumberEnum.THREE,
    "TextEnum": lambda _: TextEnum.X,
    "Pair": lambda _: Pair(1, 2),
    "NumpyBool": lambda _: NumpyBool(),
    "OrderedDict": lambda v: collections.OrderedDict(v),
    "defaultdict": lambda v: collections.defaultdict(int, v),
    "Counter": lambda v: collections.Counter(v),
    "UserDict": collections.UserDict,
    "UserList": collections.UserList,
    "UserString": collections.UserString,
    "MappingProxy": types.MappingProxyType,
    "ChainMap": collections.ChainMap,
    "deque": collections.deque,
    "set": set,
    "frozenset": frozenset,
    "generator": lambda v: (x for x in v),
    "iterator": iter,
    "range": lambda _: range(3),
    "dict_keys": lambda v: v.keys(),
    "Decimal": decimal.Decimal,
    "Fraction": fractions.Fraction,
    "complex": lambda _: complex(1, 2),
    "datetime": lambda _: datetime.datetime(2020, 1, 2, 3, 4, 5),
    "date": lambda _: datetime.date(2020, 1, 2),
    "UUID": lambda _: uuid.UUID(int=1),
    "object": lambda _: object(),
    "function": lambda _: len,
    "type": lambda _: int,
    "Ellipsis": lambda _: ...,
    "exception": lambda _: ValueError("x"),
    "cycle_dict": _cycle_dict,
    "cycle_list": _cycle_list,
}


# numpy's scalars and arrays without dimensions, made from the value that is given.
NUMPY = (
    "float64 float32 float16 longdouble int64 int32 int8 uint64 uint8"
    " bool_ str_ bytes_ datetime64 complex64 array"
).split()
if numpy is not None:
    OBJECTS.update({"numpy." + name: getattr(numpy, name) for name in NUMPY})


def value(spec: Any) -> Any:
    """The value that a specification names."""
    if spec is None or isinstance(spec, (bool, str)):
        return spec
    (tag, what), *_ = spec.items()
    if tag == "s":
        return "".join(map(chr, what))
    if tag == "i":
        return int(what, 16)
    if tag == "f":
        return float.fromhex(what)
    if tag == "n":
        return float(what)
    if tag == "b":
        return bytes.fromhex(what)
    if tag == "buf":
        data = bytes.fromhex(what[1])
        return bytearray(data) if what[0] == "bytearray" else memoryview(data)
    if tag == "l":
        return [value(item) for item in what]
    if tag == "t":
        return tuple(value(item) for item in what)
    if tag == "d":
        return {value(key): value(member) for key, member in what}
    if tag == "nest":
        kind, levels, inner = what
        result = value(inner)
        for _ in range(levels):
            result = {"a": result} if kind == "d" else [result]
        return result
    if tag == "o":
        return OBJECTS[what[0]](value(what[1]) if len(what) > 1 else None)
    raise ValueError(tag)


def text_spec(text: str) -> Any:
    if any("\ud800" <= c <= "\udfff" for c in text):
        return {"s": [ord(c) for c in text]}
    return text


def spec(result: Any) -> Any:
    """The specification of a result; exact types only, so that a changed type shows."""
    kind = type(result)
    if result is None or kind is bool:
        return result
    if kind is str:
        return text_spec(result)
    if kind is int:
        return {"i": f"{result:x}"}
    if kind is float:
        return {"f": result.hex()}
    if kind is bytes:
        return {"b": result.hex()}
    if kind is tuple:
        return {"t": [spec(item) for item in result]}
    if kind is list:
        return {"l": [spec(item) for item in result]}
    if kind is dict:
        return {"d": [[spec(key), spec(member)] for key, member in result.items()]}
    return {"type": kind.__name__}


def answer(function: str, args: Any, kwargs: Any) -> Any:
    """Call, and say what came of it."""
    target = getattr(drift_core, function)
    arguments = [value(arg) for arg in args]
    keywords = {name: value(arg) for name, arg in kwargs.items()}
    try:
        result = target(*arguments, **keywords)
    # KeyboardInterrupt and pyo3's PanicException are answers too.
    except BaseException as error:  # noqa: BLE001
        return {
            "error": {
                "class": type(error).__name__,
                "mro": [base.__name__ for base in type(error).__mro__],
                "code": getattr(error, "code", None),
                "message": ascii(str(error))[1:-1][:200],
            }
        }
    return {"ok": spec(result)}


def signatures() -> Any:
    """The public functions with their parameters, for `signatures.py`."""
    found = {}
    for name in sorted(vars(drift_core)):
        function = getattr(drift_core, name)
        if name.startswith("_") or not inspect.isroutine(function):
            continue
        found[name] = [
            [parameter.name, parameter.kind.name, parameter.default is inspect.Parameter.empty]
            for parameter in inspect.signature(function).parameters.values()
        ]
    return found


def main() -> None:
    for line in sys.stdin:
        calls = json.loads(line)
        if calls == "numpy":
            reply: Any = numpy is not None
        elif calls == "signatures":
            reply = signatures()
        else:
            reply = [answer(*call) for call in calls]
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()


main()
