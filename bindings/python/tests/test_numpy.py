"""numpy's scalars and arrays as values."""

from typing import Any

import drift_core
import pytest
from support import same

# There is no numpy wheel for every interpreter that this package runs on.
numpy = pytest.importorskip("numpy", reason="numpy has no wheel for this Python")


def process(value: Any) -> Any:
    return drift_core.process_export_payload_pyobject(value, None)[0]


ACCEPTED = {
    "bool": (numpy.bool_(True), True),
    "int8": (numpy.int8(-3), -3),
    "int64": (numpy.int64(-(2**63)), -(2**63)),
    "uint64": (numpy.uint64(2**64 - 1), 2**64 - 1),
    "float16": (numpy.float16(0.1), 0.0999755859375),
    "float32": (numpy.float32(0.1), 0.10000000149011612),
    "float64": (numpy.float64(0.1), 0.1),
    "float64 NaN": (numpy.float64("nan"), None),
    "float32 infinity": (numpy.float32("inf"), None),
    "str": (numpy.str_("x"), "x"),
    "an int array without dimensions": (numpy.array(3), 3),
    "a float array without dimensions": (numpy.array(1.5), 1.5),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_numpy_scalar_is_its_value(name: str) -> None:
    value, expected = ACCEPTED[name]
    assert same(process({"k": value}), {"k": expected})


REFUSED = {
    "bytes": numpy.bytes_(b"x"),
    "a date": numpy.datetime64("2020-01-01"),
    "an array": numpy.array([1, 2]),
    "an array of strings": numpy.array(["a"]),
    "void": numpy.void(b"ab"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_numpy_value_that_is_no_number_is_refused(name: str) -> None:
    with pytest.raises(drift_core.DriftTypeError) as caught:
        process({"k": REFUSED[name]})
    assert (caught.value.code, caught.value.path) == ("unsupported_type", "$.k")


def test_a_numpy_boolean_is_a_boolean_of_a_span() -> None:
    assert (
        drift_core.process_span({"is_root_span": numpy.bool_(True)}).span_bytes
        == drift_core.process_span({"is_root_span": True}).span_bytes
    )
