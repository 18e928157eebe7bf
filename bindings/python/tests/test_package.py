"""The package as others see it: names, signatures, errors, threads, documentation."""

import copy
import doctest
import importlib
import importlib.metadata
import inspect
import json
import pathlib
import pickle
import subprocess
import sys
import threading
from typing import Any

import drift_core
import pytest
from support import SPAN_DEFAULTS

# As `inspect.signature` shows those of the published 0.1.9.
PUBLISHED = {
    "normalize_json": ["payload_json"],
    "deterministic_hash": ["payload_json"],
    "normalize_and_hash": ["payload_json"],
    "object_to_protobuf_struct_bytes": ["payload_json"],
    "object_to_protobuf_struct_field_count": ["payload_json"],
    "process_export_payload": ["payload_json", "schema_merges_json"],
    "process_export_payload_pyobject": ["payload", "schema_merges"],
    "build_span_proto_bytes_pyobject": list(SPAN_DEFAULTS),
    "build_export_spans_request_bytes_pyobject": [
        "observable_service_id",
        "environment",
        "sdk_version",
        "sdk_instance_id",
        "spans",
    ],
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_call_keeps_its_signature(name: str) -> None:
    function = getattr(drift_core, name)
    parameters = inspect.signature(function).parameters.values()
    required = [one.name for one in parameters if one.kind is one.POSITIONAL_OR_KEYWORD]
    assert required == PUBLISHED[name]
    for one in parameters:
        if one.kind is not one.POSITIONAL_OR_KEYWORD:
            assert one.kind is one.KEYWORD_ONLY
            assert one.default is not one.empty
        else:
            assert one.default is one.empty
    with pytest.raises(TypeError):
        function()
    with pytest.raises(TypeError):
        function(*[None] * (len(required) + 1))
    with pytest.raises(TypeError):
        function(**dict.fromkeys(required), surplus=1)


def test_extra_arguments_are_for_keywords_and_show_their_defaults() -> None:
    shown = str(inspect.signature(drift_core.deterministic_hash))
    assert shown == "(payload_json, *, profile='drift', algorithm='sha256')"
    with pytest.raises(TypeError):
        drift_core.normalize_json("1", "drift")


def test_the_published_shapes_are_plain_tuples() -> None:
    text = drift_core.process_export_payload('{"a":1}', None)
    assert type(text) is tuple
    assert [type(part) for part in text] == [str, str, str, str, str, bytes]
    native = drift_core.process_export_payload_pyobject({"a": 1}, None)
    assert type(native) is tuple
    assert [type(part) for part in native] == [dict, str, dict, str, bytes]
    assert type(drift_core.normalize_and_hash("1")) is tuple
    assert type(drift_core.object_to_protobuf_struct_bytes("{}")) is bytes
    assert type(drift_core.object_to_protobuf_struct_field_count("{}")) is int


def test_the_native_module_is_found_under_its_published_name() -> None:
    native = importlib.import_module("drift_core.drift_core")
    assert drift_core.drift_core is native
    assert native.normalize_json is drift_core.normalize_json


def test_all_names_are_there_and_no_others() -> None:
    assert sorted(drift_core.__all__) == drift_core.__all__
    for name in drift_core.__all__:
        assert hasattr(drift_core, name)
    assert set(PUBLISHED) < set(drift_core.__all__)


def test_versions_are_equal() -> None:
    assert drift_core.__version__ == importlib.metadata.version("drift-core-python")


def test_the_package_is_typed() -> None:
    folder = pathlib.Path(drift_core.__file__).parent
    assert (folder / "py.typed").exists()
    assert (folder / "drift_core.pyi").exists()


@pytest.mark.parametrize("name", [name for name in drift_core.__all__ if name.islower()])
def test_the_examples_of_a_call_are_right(name: str) -> None:
    value = getattr(drift_core, name)
    if not callable(value):
        return
    names = {one: getattr(drift_core, one) for one in drift_core.__all__}
    examples = doctest.DocTestParser().get_doctest(value.__doc__, names, name, None, None)
    assert examples.examples, "no example"
    assert "Raises" in value.__doc__
    assert doctest.DocTestRunner().run(examples).failed == 0


def test_errors_are_value_and_type_errors_with_details() -> None:
    assert issubclass(drift_core.DriftError, ValueError)
    assert issubclass(drift_core.DriftTypeError, TypeError)
    with pytest.raises(drift_core.DriftError) as caught:
        drift_core.normalize_json("[1,]")
    error = caught.value
    assert (error.code, error.path, error.offset, error.index) == ("invalid_json", None, 3, None)
    assert type(error).__module__ == "drift_core"
    for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert type(twin) is type(error)
        assert (str(twin), twin.code, twin.offset) == (str(error), error.code, error.offset)


def test_a_panic_is_an_ordinary_exception(capfd: pytest.CaptureFixture[str]) -> None:
    native: Any = importlib.import_module("drift_core.drift_core")
    with pytest.raises(drift_core.DriftError) as caught:
        native._raise_internal_error()
    assert caught.value.code == "internal"
    assert "raised on request" in str(caught.value)
    capfd.readouterr()


def test_long_work_lets_other_threads_run() -> None:
    # With a switch interval of an hour nobody takes the lock away; the counting
    # thread advances during a call only if the call lets go of it.
    text = json.dumps([{"key": "value " * 10, "n": i * 0.5} for i in range(40_000)])
    raw = text.encode()
    calls = {
        "str": lambda: drift_core.normalize_json(text),
        "bytes": lambda: drift_core.process_export_payload(raw, None),
        "span": lambda: drift_core.process_span({"input_json": raw}),
        "batch": lambda: drift_core.process_spans([{"input_json": raw}]),
        "difference": lambda: drift_core.diff_json(raw, text),
    }
    interval = sys.getswitchinterval()
    for name, call in calls.items():
        started, done = threading.Event(), threading.Event()
        seen: list[bool] = []

        def look(started: threading.Event, done: threading.Event, seen: list[bool]) -> None:
            started.wait()
            seen.append(not done.is_set())

        thread = threading.Thread(target=look, args=(started, done, seen))
        thread.start()
        sys.setswitchinterval(3600)
        try:
            started.set()
            call()
            done.set()
        finally:
            sys.setswitchinterval(interval)
            thread.join()
        assert seen == [True], name


def test_a_dict_that_another_thread_changes_gives_an_error_or_an_answer() -> None:
    value: dict[str, Any] = {f"key{i}": {"n": i} for i in range(500)}
    stop = threading.Event()

    def change() -> None:
        i = 0
        while not stop.is_set():
            value[f"new{i % 700}"] = [i]
            value.pop(f"new{(i - 350) % 700}", None)
            i += 1

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    threads = [threading.Thread(target=change) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(200):
            normalized, value_hash, _, _, _ = drift_core.process_export_payload_pyobject(
                value, None
            )
            text = json.dumps(normalized)
            assert drift_core.deterministic_hash(text) == value_hash
            assert {f"key{i}" for i in range(500)} <= set(normalized)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        sys.setswitchinterval(interval)


def test_many_threads_get_the_same_answers() -> None:
    value = {"rows": [{"id": i, "name": f"n{i}"} for i in range(200)]}
    expected = drift_core.process_export_payload_pyobject(value, None)
    text = json.dumps(value)
    failures: list[Any] = []

    def work() -> None:
        for _ in range(50):
            if drift_core.process_export_payload_pyobject(value, None) != expected:
                failures.append("native")
            if drift_core.deterministic_hash(text) != expected[1]:
                failures.append("text")

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_importing_and_leaving_is_quiet() -> None:
    code = "import drift_core; drift_core.process_export_payload_pyobject({'a': 2**80}, None)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
