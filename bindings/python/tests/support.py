"""What the tests share: reading JSON without loss, and comparing without tolerance."""

import json
import math
import struct
import sys
from typing import Any

# The interpreter's limit on digits is not part of what is tested here, but the
# tests themselves read and print long integers.
if hasattr(sys, "set_int_max_str_digits"):
    sys.set_int_max_str_digits(0)


def load(text: str) -> Any:
    """The Python value of a JSON text: exact integers, and -0 as the float it means."""
    return json.loads(text, parse_int=lambda digits: -0.0 if digits == "-0" else int(digits))


def holds_infinity(value: Any) -> bool:
    """Whether a number of the text was beyond a double: natively that is null."""
    if isinstance(value, float):
        return math.isinf(value) or math.isnan(value)
    if isinstance(value, dict):
        return any(map(holds_infinity, value.values()))
    return isinstance(value, list) and any(map(holds_infinity, value))


def same(left: Any, right: Any) -> bool:
    """Equal in types, bits of floats and order of keys, not only in value."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, float):
        return struct.pack("<d", left) == struct.pack("<d", right)
    return bool(left == right)


SPAN_DEFAULTS = {
    "trace_id": "",
    "span_id": "",
    "parent_span_id": "",
    "name": "",
    "package_name": "",
    "instrumentation_name": "",
    "submodule_name": "",
    "package_type": 0,
    "environment": None,
    "kind": 0,
    "input_schema": {},
    "output_schema": {},
    "input_schema_hash": "",
    "output_schema_hash": "",
    "input_value_hash": "",
    "output_value_hash": "",
    "status_code": 0,
    "status_message": "",
    "is_pre_app_start": False,
    "is_root_span": False,
    "timestamp_seconds": 0,
    "timestamp_nanos": 0,
    "duration_seconds": 0,
    "duration_nanos": 0,
    "metadata": None,
    "input_value": None,
    "output_value": None,
    "input_value_proto_struct_bytes": None,
    "output_value_proto_struct_bytes": None,
}
