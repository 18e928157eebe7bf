"""Python values in and out: types, subclasses, foreign objects, limits."""

import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import gc
import hashlib
import json
import subprocess
import sys
import types
import uuid
from typing import Any

import drift_core
import pytest
from support import load, same


def process(value: Any, merges: Any = None) -> Any:
    return drift_core.process_export_payload_pyobject(value, merges)


def refused(value: Any, merges: Any = None) -> Any:
    with pytest.raises((drift_core.DriftError, drift_core.DriftTypeError)) as caught:
        process(value, merges)
    return caught.value


class StrOverride(str):
    def __str__(self) -> str:
        return "no"

    def __hash__(self) -> int:
        return 1

    def __eq__(self, other: object) -> bool:
        return True

    def encode(self, *_: Any) -> bytes:
        raise AssertionError

    def __len__(self) -> int:
        raise AssertionError


class IntOverride(int):
    def __int__(self) -> int:
        raise AssertionError

    __index__ = __float__ = __bool__ = __int__

    def to_bytes(self, *_: Any, **__: Any) -> bytes:
        raise AssertionError

    def bit_length(self) -> int:
        raise AssertionError


class FloatOverride(float):
    def __float__(self) -> float:
        raise AssertionError

    __index__ = __float__

    def __repr__(self) -> str:
        raise AssertionError


class DictOverride(dict):
    def __iter__(self) -> Any:
        raise AssertionError

    items = keys = values = __iter__

    def __getitem__(self, _: Any) -> Any:
        raise AssertionError

    def __len__(self) -> int:
        raise AssertionError


class ListOverride(list):
    def __iter__(self) -> Any:
        raise AssertionError

    def __getitem__(self, _: Any) -> Any:
        raise AssertionError

    def __len__(self) -> int:
        raise AssertionError


class TupleOverride(tuple):
    def __iter__(self) -> Any:
        raise AssertionError

    def __getitem__(self, _: Any) -> Any:
        raise AssertionError

    def __len__(self) -> int:
        raise AssertionError


class Named(collections.namedtuple("Named", "x y")):
    pass


class Color(enum.IntEnum):
    RED = 3


class Word(str, enum.Enum):
    HELLO = "hello"


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


class Both(Index):
    def __float__(self) -> float:
        return 2.5


ACCEPTED = {
    "None": (None, None),
    "True": (True, True),
    "an int": (5, 5),
    "a long int": (2**70, 2**70),
    "a float": (1.5, 1.5),
    "negative zero": (-0.0, -0.0),
    "a smallest float": (5e-324, 5e-324),
    "NaN": (float("nan"), None),
    "infinity": (float("inf"), None),
    "minus infinity": (float("-inf"), None),
    "an empty string": ("", ""),
    "a string of a zero": ("\0", "\0"),
    "a string beyond the BMP": ("\U0001f600\u00e9", "\U0001f600\u00e9"),
    "an empty dict": ({}, {}),
    "an empty list": ([], []),
    "a tuple": ((1, (2,)), [1, [2]]),
    "a named tuple": (Named(1, 2), [1, 2]),
    "an ordered dict": (collections.OrderedDict([("b", 1), ("a", 2)]), {"a": 2, "b": 1}),
    "a default dict": (collections.defaultdict(int, a=1), {"a": 1}),
    "a counter": (collections.Counter("aab"), {"a": 2, "b": 1}),
    "a str with overrides": (StrOverride("yes"), "yes"),
    "an int with overrides": (IntOverride(7), 7),
    "a long int with overrides": (IntOverride(-(2**80)), -(2**80)),
    "a float with overrides": (FloatOverride(0.5), 0.5),
    "a dict with overrides": (DictOverride(a=1), {"a": 1}),
    "a list with overrides": (ListOverride([1, 2]), [1, 2]),
    "a tuple with overrides": (TupleOverride((1, 2)), [1, 2]),
    "an int enum": (Color.RED, 3),
    "a str enum": (Word.HELLO, "hello"),
    "an object with __index__": (Index(5), 5),
    "an object with a long __index__": (Index(2**70), 2**70),
    "an object with __float__": (Float(1.5), 1.5),
    "an object whose __float__ is NaN": (Float(float("nan")), None),
    "an object with both": (Both(5), 5),
    # As published: what is no index may still be a number.
    "an object whose __index__ fails beside __float__": (Both("x"), 2.5),
    "a decimal": (decimal.Decimal("1.5"), 1.5),
    "a decimal that is not a number": (decimal.Decimal("nan"), None),
    "a fraction": (fractions.Fraction(1, 2), 0.5),
    "a lone surrogate": ("a\ud800b", "a\ufffdb"),
    "two surrogates": ("\ud83d\ude00", "\ufffd\ufffd"),
    "a key that is a lone surrogate": ({"\ud800": 1}, {"\ufffd": 1}),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_value_is_normalised_alone_and_as_a_member(name: str) -> None:
    value, expected = ACCEPTED[name]
    assert same(process(value)[0], expected)
    assert same(process({"k": [value]})[0], {"k": [expected]})
    text = json.dumps(expected, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    if "float" not in name:
        assert process(value)[1] == hashlib.sha256(text.encode()).hexdigest()


REFUSED = {
    "bytes": b"a",
    "a bytearray": bytearray(b"a"),
    "a memoryview": memoryview(b"a"),
    "a set": {1},
    "a frozenset": frozenset([1]),
    "a generator": (i for i in range(3)),
    "a range": range(3),
    "dict views": {"a": 1}.keys(),
    "a deque": collections.deque([1]),
    "a chain map": collections.ChainMap({}),
    "a user dict": collections.UserDict(a=1),
    "a user list": collections.UserList([1]),
    "a user string": collections.UserString("a"),
    "a mapping proxy": types.MappingProxyType({}),
    "a datetime": datetime.datetime(2024, 1, 1),
    "a date": datetime.date(2024, 1, 1),
    "a time delta": datetime.timedelta(1),
    "a UUID": uuid.UUID(int=1),
    "a complex": 1j,
    "an object": object(),
    "a function": len,
    "a class": int,
    "a class with __index__": Index,
    "Ellipsis": ...,
    "an exception": ValueError("a"),
    "a simple namespace": types.SimpleNamespace(a=1),
    "an object with __int__ alone": type("HasInt", (), {"__int__": lambda self: 1})(),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_json_has_no_form_for_is_refused_with_path_and_type(name: str) -> None:
    error = refused({"rows": [1, {"when": REFUSED[name]}]})
    assert isinstance(error, drift_core.DriftTypeError)
    assert isinstance(error, TypeError)
    assert (error.code, error.path, error.offset) == ("unsupported_type", "$.rows[1].when", None)
    assert type(REFUSED[name]).__name__ in str(error)
    # A user string, and a complex before Python 3.10, say themselves why they are no float.
    assert (error.__cause__ is None) == (not hasattr(type(REFUSED[name]), "__float__"))
    assert refused(REFUSED[name]).path == "$"


def test_a_dataclass_is_refused() -> None:
    @dataclasses.dataclass
    class Point:
        x: int

    assert refused([Point(1)]).code == "unsupported_type"


RAISING = {
    "__index__ raises": type("Raising", (), {"__index__": lambda self: 1 // 0})(),
    "__float__ raises": type("Raising", (), {"__float__": lambda self: 1 // 0})(),
    "both raise": type(
        "Raising", (), {"__index__": lambda self: 1 // 0, "__float__": lambda self: 1 // 0}
    )(),
}


@pytest.mark.parametrize("name", RAISING)
def test_what_an_object_raises_is_the_cause(name: str) -> None:
    error = refused({"a": RAISING[name]})
    assert (error.code, error.path) == ("unsupported_type", "$.a")
    assert isinstance(error.__cause__, ZeroDivisionError)


def test_an_index_that_is_no_int_is_the_cause() -> None:
    assert isinstance(refused(Index(1.5)).__cause__, TypeError)
    assert isinstance(refused(Float("x")).__cause__, TypeError)
    assert refused(decimal.Decimal("sNaN")).__cause__ is not None


def test_an_interrupt_is_not_taken_for_a_fault_of_the_value() -> None:
    class Interrupted:
        def __index__(self) -> int:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        process({"a": Interrupted()})
    with pytest.raises(KeyboardInterrupt):
        drift_core.process_spans([{"input_value": Interrupted()}])


@pytest.mark.parametrize("key", [1, None, True, 1.5, b"a", (1,), Index(1), frozenset()])
def test_a_key_that_is_no_string_is_refused(key: Any) -> None:
    error = refused({"rows": [{"a": 1, key: 2}]})
    assert isinstance(error, drift_core.DriftTypeError)
    assert (error.code, error.path) == ("invalid_key", "$.rows[0]")
    assert type(key).__name__ in str(error)


KEYS = {
    "with overrides": (StrOverride("k"), "k"),
    "of an enum": (Word.HELLO, "hello"),
    "beyond ASCII": ("\u00e9", "\u00e9"),
    "empty": ("", ""),
    "with a space": ("a b", "a b"),
    "with escapes": ('q"\n', 'q"\n'),
}


@pytest.mark.parametrize("name", KEYS)
def test_a_key_may_be_any_string(name: str) -> None:
    key, plain = KEYS[name]
    assert same(process({key: 1})[0], {plain: 1})
    quoted = json.dumps(plain, ensure_ascii=False)
    simple = plain.isidentifier() and plain.isascii()
    assert refused({key: {1}}).path == (f"$.{plain}" if simple else f"$[{quoted}]")


def test_of_keys_that_become_one_the_last_wins() -> None:
    first, second, third = "\ud800", "\udfff", "\ufffd"
    assert process({first: 1, second: 2, third: 3})[0] == {third: 3}
    assert process({third: 3, second: 2})[0] == {third: 2}


def test_keys_are_sorted_by_their_utf8_bytes_and_never_composed() -> None:
    value = {"\U00010000": 1, "\uffff": 2, "e\u0301": 3, "\u00e9": 4, "b": 5, "": 6, "a": 7}
    assert list(process(value)[0]) == ["", "a", "b", "e\u0301", "\u00e9", "\uffff", "\U00010000"]


@pytest.mark.parametrize("make", ["dict", "list", "mixed"])
def test_a_container_inside_itself_is_refused(make: str) -> None:
    if make == "dict":
        inner: Any = {}
        inner["me"] = inner
        path = "$.a[1].me"
    elif make == "list":
        inner = []
        inner.append(inner)
        path = "$.a[1][0]"
    else:
        inner = {"list": []}
        inner["list"].append((0, inner))
        path = "$.a[1].list[0][1]"
    error = refused({"a": [0, inner]})
    assert isinstance(error, drift_core.DriftError)
    assert (error.code, error.path) == ("cycle", path)


def test_the_same_container_twice_is_no_cycle() -> None:
    shared = {"a": [1]}
    assert process([shared, shared, [shared]])[0] == [shared, shared, [shared]]


def nested(levels: int, kind: str) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value} if kind == "dict" else [value] if kind == "list" else (value,)
    return value


@pytest.mark.parametrize("kind", ["dict", "list", "tuple"])
def test_127_levels_pass_and_the_128th_is_refused(kind: str) -> None:
    assert process(nested(127, kind))[0] is not None
    error = refused(nested(128, kind))
    assert isinstance(error, drift_core.DriftError)
    assert error.code == "depth_exceeded"
    assert error.path == "$" + (".a" if kind == "dict" else "[0]") * 127


@pytest.mark.parametrize("kind", ["dict", "list", "tuple"])
def test_100000_levels_are_refused_and_never_a_crash(kind: str) -> None:
    # In a process of its own: taking such a value apart again needs the stack too.
    code = (
        "import os, drift_core\n"
        "value = 1\n"
        "for _ in range(100_000):\n"
        f"    value = {{'dict': {{'a': value}}, 'list': [value], 'tuple': (value,)}}[{kind!r}]\n"
        "try:\n"
        "    drift_core.process_export_payload_pyobject(value, None)\n"
        "except drift_core.DriftError as error:\n"
        "    assert error.code == 'depth_exceeded', error\n"
        "    print('refused', flush=True)\n"
        "os._exit(0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("refused\n", 0), done.stderr


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 2**64, 2**70, 10**400, -(10**5000)])
def test_a_long_int_keeps_its_digits_and_hashes_as_its_text(value: int) -> None:
    text = f'{{"n":{value}}}'
    result = process({"n": value})
    assert same(result[0], {"n": value})
    assert result[1] == hashlib.sha256(text.encode()).hexdigest()
    assert result[1] == drift_core.deterministic_hash(text)
    assert drift_core.process_export_payload(text, None)[0] == text


@pytest.mark.parametrize("digits", [639, 640, 641, 4300, 4301, 5000, 100_000])
def test_the_limit_on_digits_of_the_interpreter_does_not_apply(digits: int) -> None:
    set_limit = getattr(sys, "set_int_max_str_digits", lambda limit: None)
    for sign in (1, -1):
        value = sign * (10**digits - 1)
        text = "-" * (sign < 0) + "9" * digits
        set_limit(640)
        try:
            result = process([value, Index(value)])
        finally:
            set_limit(0)
        assert same(result[0], [value, value])
        assert result[1] == hashlib.sha256(f"[{text},{text}]".encode()).hexdigest()


@pytest.mark.parametrize("text", ["9007199254740993", "1e16", "123456789.123456789", "-0", "1E5"])
def test_a_number_hashes_alike_as_text_and_as_value(text: str) -> None:
    value = load(text)
    assert process({"n": value})[1] == drift_core.deterministic_hash(f'{{"n":{text}}}')


def test_a_long_int_is_the_nearest_double_in_the_struct() -> None:
    assert drift_core.struct_to_json(process({"n": 2**70})[4]) == '{"n":1.1805916207174113e+21}'
    largest = drift_core.struct_to_json(process({"n": -(10**400)})[4])
    assert largest == '{"n":-1.7976931348623157e+308}'


def test_containers_handed_back_are_new() -> None:
    value = {"b": [1], "a": {}}
    result = process(value)[0]
    assert same(result, {"a": {}, "b": [1]})
    assert result is not value
    assert result["b"] is not value["b"]
    result["b"].append(2)
    assert value["b"] == [1]


def test_a_million_keys_and_items_are_no_matter() -> None:
    value = {f"key{i}": i for i in range(1_000_000)}
    text = json.dumps(value)
    result = process(value)
    assert len(result[0]) == 1_000_000
    assert result[1] == drift_core.deterministic_hash(text)
    assert drift_core.object_to_protobuf_struct_field_count(text) == 1_000_000
    items = list(range(1_000_000))
    assert process(items)[0] == items


def test_huge_strings_with_escapes_are_no_matter() -> None:
    value = {"s": '"\\\n\0\u00e9\U0001f600' * 500_000}
    assert process(value)[0] == value
    assert process(value)[1] == drift_core.deterministic_hash(json.dumps(value))


def test_100_megabytes_are_no_matter() -> None:
    text = "[" + ",".join(['"' + "x" * 1021 + '"'] * 102_400) + "]"
    assert len(text) > 100_000_000
    assert drift_core.normalize_json(text) == text
    assert drift_core.normalize_json(text.encode()) == text


def test_a_dict_that_an_item_changes_gives_what_was_there_at_first() -> None:
    value: dict[str, Any] = {}

    class Changing:
        def __index__(self) -> int:
            for key in list(value):
                if key != "keep":
                    del value[key]
            for i in range(1000):
                value[f"new{i}"] = object()
            return 7

    value.update({f"old{i}": i for i in range(5)}, x=Changing(), y=2)
    result = process(value)[0]
    assert result == {**{f"old{i}": i for i in range(5)}, "x": 7, "y": 2}


def fresh(text: str) -> str:
    """An equal string that is another object."""
    return "".join([text[:1], text[1:]]) if len(text) > 1 else text


@pytest.mark.parametrize(
    "name", ["id", "na\u00efve", "\u4e2d\u6587", "\U0001f600\U0001f600", "k" * 300]
)
def test_keys_are_told_apart_by_their_text_and_not_by_their_object(name: str) -> None:
    rows = [{fresh(name): i, fresh("b" + name): i, "a": fresh(name)} for i in range(5)]
    keys = [key for row in rows for key in row if key == name]
    assert len({id(key) for key in keys}) == 5
    one = {name: 7, "b" + name: 8, "a": 9}
    # The same objects as keys in another order, and after other keys.
    other = {key: 1 for key in reversed(list(one))}
    more = {"0": 0, **one}
    value = [*rows, one, one, other, more, {name: one}, one]
    result = process(value)
    assert same(result[0], load(json.dumps(value, sort_keys=True)))
    assert result[1] == drift_core.deterministic_hash(json.dumps(value))


def test_more_shapes_than_are_remembered_are_no_matter() -> None:
    shapes = [[f"k{(i * j) % 97}" for j in range(1, 4 + i % 7)] for i in range(200)]
    value = [{key: [i, key] for i, key in enumerate(keys)} for keys in shapes + shapes]
    result = process(value)
    assert same(result[0], [dict(sorted(item.items())) for item in value])
    assert result[1] == drift_core.deterministic_hash(json.dumps(value))


class Inherited(dict):
    pass


def with_holes() -> dict[str, Any]:
    holes = {f"a{i:02}": i for i in range(40)}
    for i in range(0, 40, 3):
        del holes[f"a{i:02}"]
    return holes


SORTED = {
    "plain": {"a": 1, "b": "x"},
    "empty": {},
    "holding containers": {"a": [1], "b": {}, "c": (2,), "d": 3},
    "holding what becomes null": {"a": float("nan"), "b": float("inf"), "c": 1.5},
    "holding instances of subclasses": {
        "a": StrOverride("s"),
        "b": IntOverride(1),
        "c": FloatOverride(0.5),
        "d": ListOverride([True]),
    },
    "with a key of a subclass": {"a": 1, StrOverride("b"): 2},
    "of a subclass": Inherited(a=1, b=[2]),
    "with overrides": DictOverride(a=1, b=[2]),
    "an ordered dict": collections.OrderedDict([("a", 1), ("b", [2])]),
    "with holes": with_holes(),
    "of an instance": types.SimpleNamespace(a=1, b=[2]).__dict__,
    "with a long int": {"a": 2**64, "b": [2**64]},
    "with an object": {"a": Index(1), "b": Float(0.5), "c": [decimal.Decimal(2)]},
}
PLAIN = {
    "holding what becomes null": {"a": None, "b": None, "c": 1.5},
    "holding instances of subclasses": {"a": "s", "b": 1, "c": 0.5, "d": [True]},
    "with overrides": {"a": 1, "b": [2]},
    "with an object": {"a": 1, "b": 0.5, "c": [2.0]},
}


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str.__str__(key): plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value


@pytest.mark.parametrize("turned", [False, True], ids=["sorted", "unsorted"])
@pytest.mark.parametrize("name", SORTED)
def test_a_dict_is_handed_back_as_a_new_plain_one(name: str, turned: bool) -> None:
    value = SORTED[name]
    expected = PLAIN.get(name) or plain(value)
    if turned:
        items = list(dict.items(value))
        dict.clear(value)
        dict.update(value, reversed(items))
        if isinstance(value, collections.OrderedDict):
            value.move_to_end("a")
    # Twice in one call, as the first and as a repetition of its shape.
    first, second = process([value, value])[0]
    assert same(first, expected)
    assert same(second, expected)
    assert first is not second and first is not value
    for key in expected:
        assert type(key) is str
        if isinstance(first[key], (dict, list)):
            assert first[key] is not second[key]
    assert same(process(value)[0], expected)


def test_leaves_are_handed_back_as_the_objects_they_were() -> None:
    text, number, real = "a string of its own", 12_345_678, 1.25
    for more in ([], [Index(1)], [2**70]):
        value = {"b": [text, number, real], "a": (text, number, real), "c": more}
        result = process(value)[0]
        for items in (result["a"], result["b"]):
            assert [id(item) for item in items] == [id(text), id(number), id(real)]


@pytest.mark.parametrize("kind", ["list", "tuple", "subclass"])
@pytest.mark.parametrize("made", range(5))
def test_a_list_is_handed_back_with_what_is_the_same_and_what_is_new(kind: str, made: int) -> None:
    items: list[Any] = [[i] if i < made else f"item {i}" for i in range(4)]
    value = {"list": items, "tuple": tuple(items), "subclass": ListOverride(items)}[kind]
    result = process([value, value])[0]
    assert same(result, [items, items])
    assert result[0] is not result[1]
    for i in range(4):
        assert (result[0][i] is items[i]) == (i >= made)


def test_an_object_that_is_asked_late_makes_no_difference() -> None:
    rows = [{"b": i, "a": [str(i), float(i)], "c": {"x": None}} for i in range(50)]
    for last in (Index(7), Float(7.0), decimal.Decimal(7), 2**64, "\ud800", StrOverride("s")):
        value = {"rows": rows, "last": last}
        result = process(value)[0]
        assert same(result["rows"], [dict(sorted(row.items())) for row in rows])
    error = refused({"rows": rows, "last": {1}})
    assert (error.code, error.path) == ("unsupported_type", "$.last")


def test_a_finalizer_that_the_collector_runs_changes_nothing_we_read() -> None:
    value: dict[str, Any] = {"rows": [{"b": i, "a": [i]} for i in range(2000)]}

    class Finalized:
        def __init__(self) -> None:
            self.me = self

        def __del__(self) -> None:
            for row in value["rows"]:
                row.clear()

    threshold = gc.get_threshold()
    Finalized()
    gc.set_threshold(1)
    try:
        result = process(value)[0]
        assert gc.isenabled()
    finally:
        gc.set_threshold(*threshold)
    # Whatever was cleared before the call or after it, nothing is half read.
    assert all(row in ({}, {"a": [i], "b": i}) for i, row in enumerate(result["rows"]))
    gc.disable()
    try:
        process({"a": [1]})
        refused({"a": [{1}]})
        assert not gc.isenabled()
    finally:
        gc.enable()
    refused({"a": [{1}]})
    assert gc.isenabled()


def test_a_list_that_an_item_changes_gives_what_was_there_at_first() -> None:
    value: list[Any] = []

    class Changing:
        def __float__(self) -> float:
            value.clear()
            return 7.5

    value.extend([1, Changing(), [2], "three"])
    assert process([value, 4])[0] == [[1, 7.5, [2], "three"], 4]


def test_nothing_is_leaked_or_freed_too_often() -> None:
    marker = "a string of its own " * 10
    value = {"a": marker, "b": [marker, (marker,)], marker: Index(2**80), "n": 10**30, "f": 0.25}
    objects = [value, marker, value["b"]]
    merges = {"a": {"encoding": 1}}
    process(value, merges)
    before = [sys.getrefcount(thing) for thing in objects]
    for _ in range(200):
        process(value, merges)
        refused({"a": value, "b": {1}})
        refused([*nested(130, "list"), value])
        drift_core.process_span({"input_value": value, "name": marker})
        drift_core.process_spans([{"input_value": value, "name": marker}, {"name": 1}, b""])
    # The tracebacks of what was refused are cycles.
    gc.collect()
    assert [sys.getrefcount(thing) for thing in objects] == before


MERGES = {
    "None": (None, True),
    "an empty dict": ({}, True),
    "a dict of dicts": ({"b": {"encoding": 1, "decoded_type": 1, "match_importance": 0.5}}, True),
    "an empty entry": ({"b": {}}, True),
    "an entry by position": ({"b": [1, None, 0.5]}, True),
    "an entry as a tuple": ({"b": (1,)}, True),
    "members that are None": ({"b": {"encoding": None, "match_importance": None}}, True),
    "members with no meaning": ({"b": {"decodedType": object(), "x": {1}, "encoding": 1}}, True),
    "a numpy-like code": ({"b": {"encoding": Index(1)}}, True),
    "a decimal importance": ({"b": {"match_importance": decimal.Decimal("0.5")}}, True),
    "an importance that is NaN": ({"b": {"match_importance": float("nan")}}, True),
    "an importance beyond a double": ({"b": {"match_importance": 10**400}}, True),
    "a dict with overrides": (DictOverride(b=DictOverride(encoding=1)), True),
    "a key the payload lacks": ({"c": {"encoding": 1}, "\ud800": {}}, True),
    "a list": ([], "$"),
    "an int": (1, "$"),
    "a text": ('{"b":{}}', "$"),
    "an entry that is None": ({"b": None}, "$.b"),
    "an entry that is a text": ({"b": "x"}, "$.b"),
    "a code that is a bool": ({"b": {"encoding": True}}, "$.b.encoding"),
    "a code that is a float": ({"b": {"encoding": 1.0}}, "$.b.encoding"),
    "a code beyond 32 bits": ({"b": {"decoded_type": 2**31}}, "$.b.decoded_type"),
    "a long code": ({"b": {"decoded_type": 10**30}}, "$.b.decoded_type"),
    "an importance that is a bool": ({"b": {"match_importance": True}}, "$.b.match_importance"),
    "an importance that is a text": ({"b": {"match_importance": "1"}}, "$.b.match_importance"),
    "four positions": ({"b": [1, 1, 1, 1]}, "$.b[3]"),
    "a wrong position": ({"b": [1, "x"]}, "$.b[1]"),
}


@pytest.mark.parametrize("name", MERGES)
def test_merges_are_taken_or_refused_with_the_path(name: str) -> None:
    merges, expected = MERGES[name]
    if expected is True:
        assert process({"b": "YQ=="}, merges)[0] == {"b": "YQ=="}
        return
    error = refused({"b": "YQ=="}, merges)
    assert isinstance(error, drift_core.DriftError)
    assert (error.code, error.path) == ("invalid_merges", expected)


@pytest.mark.parametrize(
    ("merges", "path"),
    [
        (object(), "$"),
        ({1: {}}, "$"),
        ({"b": {1: 2}}, "$.b"),
        ({"b": {"encoding": object()}}, "$.b.encoding"),
        ({"b": b""}, "$.b"),
    ],
)
def test_merges_beyond_json_are_a_value_error_and_a_type_error(merges: Any, path: str) -> None:
    error = refused({}, merges)
    assert isinstance(error, (drift_core.DriftError, ValueError))
    assert isinstance(error, (drift_core.DriftTypeError, TypeError))
    assert (error.code, error.path) == ("invalid_merges", path)


def test_cyclic_and_deep_merges_are_refused() -> None:
    cyclic: dict[str, Any] = {}
    cyclic["a"] = cyclic
    assert refused({}, cyclic).code == "invalid_merges"
    assert refused({}, {"a": nested(130, "list")}).code == "invalid_merges"


def test_merges_decode_and_mark_the_schema() -> None:
    merges = {"b": {"encoding": 1, "decoded_type": 1, "match_importance": 1}}
    value, value_hash, schema, schema_hash, _ = process({"b": "eyJhIjoxfQ=="}, merges)
    assert value == {"b": "eyJhIjoxfQ=="}
    assert value_hash == drift_core.deterministic_hash('{"b":{"a":1}}')
    expected = {
        "properties": {
            "b": {
                "decoded_type": 1,
                "encoding": 1,
                "match_importance": 1.0,
                "properties": {"a": {"properties": {}, "type": 1}},
                "type": 6,
            }
        },
        "type": 6,
    }
    assert same(schema, expected)
    assert schema_hash == drift_core.deterministic_hash(json.dumps(schema))


SCHEMA_VALUES: dict[str, Any] = {
    "keys out of order": {"b": {"z": 1, "a": [{"y": None, "x": True}]}, "a": "text"},
    "keys in order": {"a": {"b": 1, "c": {}}, "b": []},
    "rows": {"rows": [{"b": 1, "a": "x"}, {"other": 2}], "count": 2},
    "lists in lists": [[[{"b": 1.5, "a": [[]]}]], 1],
    "tuples": ({"b": ({"d": 1, "c": 2},), "a": ()},),
    "keys of a subclass": {StrOverride("b"): {StrOverride("z"): 1, "a": 2}, "a": 1},
    "a dict of a subclass": collections.OrderedDict([("b", {"y": 1, "x": 2}), ("a", None)]),
    "keys with surrogates": {"b\ud800": dict([("z\udfff", 1), ("z\ufffd", 2)]), "a": 1},
    "keys beyond ASCII": {"\U00010000": 1, "\uffff": {"\u00e9": 1}, "\u00e9": [{"b": 1, "a": 2}]},
    "a value that has to be asked": {"b": Index(5), "a": [{"z": Index(1), "c": 2}]},
    "more digits than 64 bits": {"b": 10**30, "a": {"d": 1, "c": -(10**30)}},
    "text that becomes a value": {"z": 1, "body": "eyJiIjp7ImQiOjF9LCJhIjpbeyJjIjoxfV19"},
    "a scalar": 1.5,
}
BODY_MERGES = {"body": {"encoding": 1, "decoded_type": 1, "match_importance": 0.5}}


@pytest.mark.parametrize("name", SCHEMA_VALUES)
def test_a_value_has_the_schema_of_its_text(name: str) -> None:
    value = SCHEMA_VALUES[name]
    for _ in range(3):
        normalized, _, schema, schema_hash, _ = process(value, BODY_MERGES)
        of_text = drift_core.process_export_payload(json.dumps(normalized), json.dumps(BODY_MERGES))
        assert same(schema, json.loads(of_text[3]))
        assert schema_hash == of_text[4]


def containers_of(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [value, *(inner for member in value.values() for inner in containers_of(member))]
    if isinstance(value, list):
        return [value, *(inner for item in value for inner in containers_of(item))]
    return []


@pytest.mark.parametrize("name", SCHEMA_VALUES)
def test_no_two_containers_of_a_result_are_one_object(name: str) -> None:
    value = SCHEMA_VALUES[name]
    first, second = process(value), process(value)
    found = [containers_of(part) for part in (value, first[0], first[2], second[0], second[2])]
    containers = [container for part in found for container in part]
    assert len({id(container) for container in containers}) == len(containers)


def test_an_exponent_of_any_length_gives_the_same_from_text_and_from_a_float() -> None:
    token = "0." + "0" * 655_359 + "1e655360"
    assert drift_core.normalize_json(token) == "1.0"
    assert drift_core.process_export_payload_pyobject(float(token), None)[0] == 1.0
