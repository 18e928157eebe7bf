"""Text arguments: what they may be, and what their errors say."""

import array
import hashlib
import json
from typing import Any, Callable

import drift_core
import pytest

TEXT_CALLS: dict[str, Callable[[Any], Any]] = {
    "normalize_json": drift_core.normalize_json,
    "deterministic_hash": drift_core.deterministic_hash,
    "normalize_and_hash": drift_core.normalize_and_hash,
    "object_to_protobuf_struct_bytes": drift_core.object_to_protobuf_struct_bytes,
    "object_to_protobuf_struct_field_count": drift_core.object_to_protobuf_struct_field_count,
    "process_export_payload": lambda text: drift_core.process_export_payload(text, None),
    "the merges of process_export_payload": lambda text: drift_core.process_export_payload(
        '{"a":"YQ=="}', text
    ),
    "diff_json": lambda text: drift_core.diff_json(text, text),
    "process_span": lambda text: (
        drift_core.process_span({"input_json": text, "input_merges": text}).span_bytes
    ),
}


@pytest.fixture(params=TEXT_CALLS)
def call(request: pytest.FixtureRequest) -> Callable[[Any], Any]:
    return TEXT_CALLS[request.param]


def test_text_may_be_str_or_any_kind_of_bytes(call: Callable[[Any], Any]) -> None:
    text = '{"a":{"encoding":1},"\u00e9\U0001f600":{}}'
    raw = text.encode()

    class Str(str):
        def encode(self, *_: Any) -> bytes:
            raise AssertionError

    class Bytes(bytes):
        def __len__(self) -> int:
            raise AssertionError

    expected = call(text)
    forms = [Str(text), raw, Bytes(raw), bytearray(raw), memoryview(raw)]
    forms += [memoryview(bytearray(b"12" + raw))[2:], memoryview(raw).cast("b")]
    for form in forms:
        assert call(form) == expected


def test_other_types_are_refused(call: Callable[[Any], Any]) -> None:
    others = [1, 1.5, True, [], object(), array.array("b", b"{}"), memoryview(b"{ } ")[::2]]
    others += [memoryview(array.array("I", [0x7D7D7B7B]))]
    for other in others:
        # Merges of a span may be native, so that numbers are refused as merges.
        with pytest.raises(drift_core.DriftTypeError) as caught:
            call(other)
        assert caught.value.code == "invalid_argument"
        assert "argument" in str(caught.value) or "span field" in str(caught.value)
    released = memoryview(b"{}")
    released.release()
    with pytest.raises(drift_core.DriftTypeError):
        call(released)


def test_none_is_refused_where_a_text_is_needed() -> None:
    for name in (
        "normalize_json",
        "deterministic_hash",
        "normalize_and_hash",
        "object_to_protobuf_struct_bytes",
        "object_to_protobuf_struct_field_count",
    ):
        with pytest.raises(TypeError):
            TEXT_CALLS[name](None)
    with pytest.raises(TypeError):
        drift_core.process_export_payload(None, None)


def test_bytes_that_are_not_utf8_are_refused_at_their_offset() -> None:
    for raw, offset in ((b'"\xff"', 1), (b'"a\xed\xa0\x80"', 2), (b'"\xc3', 1)):
        with pytest.raises(drift_core.DriftError) as caught:
            drift_core.normalize_json(raw)
        assert (caught.value.code, caught.value.offset) == ("invalid_utf8", offset)


def test_offsets_count_utf8_bytes() -> None:
    with pytest.raises(drift_core.DriftError) as caught:
        drift_core.normalize_json('["\u00e9\U0001f600", x]')
    assert (caught.value.code, caught.value.offset) == ("invalid_json", 11)
    assert "11" in str(caught.value)


def test_surrogates_of_a_string_become_replacement_characters(call: Callable[[Any], Any]) -> None:
    lone = '{"a\ud800\udc00":{"x":"\udfff"}}'
    assert call(lone) == call('{"a\ufffd\ufffd":{"x":"\ufffd"}}')


def test_surrogates_of_a_string_are_refused_by_rfc8785() -> None:
    for text, offset in (
        ('"\u00e9\ud800"', 3),
        ('["\\ud83d\\ude00","\ud83d\ude00"]', 17),
        ("\ud800", 0),
    ):
        for one in (
            drift_core.normalize_json,
            drift_core.deterministic_hash,
            drift_core.normalize_and_hash,
        ):
            with pytest.raises(drift_core.DriftError) as caught:
                one(text, profile="rfc8785")
            assert (caught.value.code, caught.value.offset) == ("lone_surrogate", offset)


def test_a_string_outside_json_is_invalid_json_also_with_surrogates() -> None:
    with pytest.raises(drift_core.DriftError) as caught:
        drift_core.normalize_json("\ud800")
    assert (caught.value.code, caught.value.offset) == ("invalid_json", 0)


def test_profiles_and_algorithms_have_names() -> None:
    assert drift_core.normalize_json("1.0", profile="drift") == "1.0"
    assert drift_core.normalize_json("1.0", profile="rfc8785") == "1"
    sha256 = "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"
    assert drift_core.deterministic_hash("1", algorithm="sha256") == sha256
    blake3 = "d33fb48ab5adff269ae172b29a6913ff04f6f266207a7a8e976f2ecd571d4492"
    assert len(drift_core.deterministic_hash("1", algorithm="blake3")) == len(blake3)
    assert drift_core.deterministic_hash("1", algorithm="blake3") != sha256
    for options in ({"profile": "jcs"}, {"algorithm": "md5"}, {"profile": ""}):
        with pytest.raises(drift_core.DriftError) as caught:
            drift_core.deterministic_hash("1", **options)
        assert caught.value.code == "invalid_argument"
        assert isinstance(caught.value, ValueError)
    for options in ({"profile": 1}, {"algorithm": b"sha256"}):
        with pytest.raises(drift_core.DriftTypeError):
            drift_core.deterministic_hash("1", **options)


def test_text_results_are_one_object_when_nothing_was_decoded() -> None:
    result = drift_core.process_export_payload('{"a": "YQ=="}', None)
    assert result[0] is result[1]
    decoded = drift_core.process_export_payload('{"a": "YQ=="}', '{"a":{"encoding":1}}')
    assert decoded[:2] == ('{"a":"YQ=="}', '{"a":"a"}')


def test_faults_of_the_payload_come_before_those_of_the_merges() -> None:
    with pytest.raises(drift_core.DriftError) as caught:
        drift_core.process_export_payload("{", "[")
    assert caught.value.code == "invalid_json"
    with pytest.raises(drift_core.DriftTypeError) as type_caught:
        drift_core.process_export_payload_pyobject({1: 1}, 1)
    assert type_caught.value.code == "invalid_key"


def test_empty_everything() -> None:
    for empty in ("", b"", bytearray(), memoryview(b"")):
        with pytest.raises(drift_core.DriftError) as caught:
            drift_core.normalize_json(empty)
        assert (caught.value.code, caught.value.offset) == ("invalid_json", 0)
    assert drift_core.struct_to_json(b"") == "{}"
    assert drift_core.process_spans([]).request_bytes == b""
    assert drift_core.process_spans([{}]).message_depths == [2]
    assert drift_core.diff_json("{}", "{}") == []
    assert drift_core.diff_spans(b"", b"") == []


# The first and last character of each number of bytes, and of each form in
# which the interpreter keeps strings.
CHARACTERS = "\x7f\x80\xe9\xff\u0100\u07ff\u0800\ufeff\uffff\U00010000\U0010ffff"
LENGTHS = [1, 15, 16, 17, 47, 48, 49, 127, 128, 129, 510, 511, 512, 513, 527, 528, 529]
LENGTHS += [4095, 4096, 4097, 9000]


def check_text(body: str) -> None:
    """A string goes in by every form of text and comes out as it was."""
    canonical = f'"{body}"'
    expected = hashlib.sha256(canonical.encode("utf-8")).hexdigest()
    loose = f" {canonical}\n"
    for text in (canonical, loose, loose.encode("utf-8")):
        assert drift_core.normalize_and_hash(text) == (canonical, expected)
    assert drift_core.process_export_payload(loose, None)[0] == canonical
    assert drift_core.process_export_payload_pyobject(body, None)[:2] == (body, expected)
    # Of values the first string that is not ASCII changes how the next are read.
    several = [body, "\xe9", body, "plain", body]
    expected = hashlib.sha256(f'[{canonical},"\xe9",{canonical},"plain",{canonical}]'.encode())
    result = drift_core.process_export_payload_pyobject(several, None)
    assert result[:2] == (several, expected.hexdigest())
    assert all(one is other for one, other in zip(result[0], several))


@pytest.mark.parametrize("character", CHARACTERS, ids=lambda character: f"{ord(character):x}")
@pytest.mark.parametrize("length", LENGTHS)
def test_a_character_keeps_its_place_in_a_text_of_any_length(length: int, character: str) -> None:
    places = {0, 1, length // 2, length - 2, length - 1, *range(length // 3, length // 3 + 17)}
    for place in sorted(place for place in places if 0 <= place < length):
        check_text("a" * place + character + "b" * (length - place - 1))
    check_text(character * length)
    check_text((character + "a") * (length // 2))


@pytest.mark.parametrize("length", [65_534, 65_536, 131_070, 131_073, 200_000])
@pytest.mark.parametrize("share", [0, 10, 2, 1], ids=["few", "some", "half", "all"])
def test_long_texts_in_other_letters_come_out_as_they_went_in(length: int, share: int) -> None:
    for letters in ("\xe9", "\u0416\u4e1c", "\u0416\U0001f600", "\xe9\u07ff\u0800\U0010ffff"):
        body = ["x"] * length
        places = range(0, length, share) if share else (5, 65_530, length - 1)
        for place in places:
            body[place] = letters[place % len(letters)]
        check_text("".join(body))
        # Other letters from somewhere on only.
        check_text("x" * 2000 + "".join(body[2000:]))


@pytest.mark.parametrize(
    "place", [0, 47, 48, 100, 1023, 1024, 5000, 65_535, 65_536, 70_000, 150_000]
)
@pytest.mark.parametrize("other", ["x", "\xe9", "\u4e1c", "\U0001f600"])
def test_a_surrogate_anywhere_in_a_long_text_is_replaced(place: int, other: str) -> None:
    for surrogate in "\ud800\udbff\udc00\udfff":
        body = "y" * place + surrogate + other + "z" * 90_000
        plain = body.replace(surrogate, "\ufffd")
        assert drift_core.normalize_json(f'"{body}"') == f'"{plain}"'
        assert drift_core.process_export_payload_pyobject(body, None)[0] == plain
        several = drift_core.process_export_payload_pyobject(["\xe9", body, {body: 1}], None)
        assert several[0] == ["\xe9", plain, {plain: 1}]


# From so many bytes of text on a string is made, and a bytes object filled, in
# pieces; a string is made in pieces of so many bytes.
LARGE = 4 << 20
PIECE = 1 << 20


def check_large_text(body: str, size: int) -> None:
    """A text of so many bytes, quotes included, whose body is filled up with a letter."""
    body += "z" * (size - 2 - len(body.encode()))
    canonical = f'"{body}"'
    expected = hashlib.sha256(canonical.encode()).hexdigest()
    result = drift_core.process_export_payload(f" {canonical}".encode(), None)
    assert result[:3:2] == (canonical, expected)


@pytest.mark.parametrize("size", [LARGE - 1, LARGE, LARGE + PIECE + 7])
@pytest.mark.parametrize("letter", ["y", "\xe9", "\u4e1c", "\U0001f600"])
def test_a_large_text_comes_out_as_it_went_in(size: int, letter: str) -> None:
    check_large_text(letter, size)
    # In front of the widest letter stand others that are not ASCII.
    check_large_text("y\xe9" * 70_000 + letter, size)
    check_large_text(letter * (size // 8), size)
    # The widest letter is the last, which the quote follows.
    check_large_text("x" * (size - 2 - len(letter.encode())) + letter, size)


@pytest.mark.parametrize("letter", ["\xe9", "\u4e1c", "\U0001f600"])
def test_a_large_text_is_cut_between_its_characters(letter: str) -> None:
    for place in range(PIECE - 4, PIECE):
        check_large_text("x" * place + letter * 3, LARGE + 1)


@pytest.mark.parametrize("letters", ["\xe9", "\u4e1c", "\U0001f600"])
def test_a_large_text_is_the_same_by_every_way_in_and_out(letters: str) -> None:
    canonical = '"' + letters * 10 + "z" * LARGE + letters + '"'
    expected = hashlib.sha256(canonical.encode()).hexdigest()
    for loose in (f" {canonical}", f" {canonical}".encode()):
        assert drift_core.normalize_and_hash(loose) == (canonical, expected)
    assert drift_core.process_export_payload(f" {canonical}", None)[0] == canonical


def test_a_large_text_with_surrogates_comes_out_with_replacements() -> None:
    for place in (0, 1_500_000, 2_499_999):
        body = "\xe9" * place + "\udc00" + "\xe9" * (2_499_999 - place)
        plain = body.replace("\udc00", "\ufffd")
        assert drift_core.normalize_json(f'"{body}"') == f'"{plain}"'


@pytest.mark.parametrize("length", [LARGE - 18, LARGE - 17, LARGE - 16, LARGE + 4096])
def test_large_struct_bytes_are_those_of_the_value(length: int) -> None:
    def field(tag: int, content: bytes) -> bytes:
        rest, size = bytearray(), len(content)
        while size >= 0x80:
            rest.append(size & 0x7F | 0x80)
            size >>= 7
        return bytes([tag, *rest, size]) + content

    body = "".join(chr(97 + place % 26) for place in range(1000)) * (length // 1000 + 1)
    body = body[:length]
    expected = field(0x0A, field(0x0A, b"k") + field(0x12, field(0x1A, body.encode())))
    text = f'{{ "k":"{body}"}}'
    assert drift_core.process_export_payload(text, None)[5] == expected
    assert drift_core.object_to_protobuf_struct_bytes(text) == expected
    assert drift_core.process_export_payload_pyobject({"k": body}, None)[4] == expected


def test_a_large_decoded_text_and_its_schema_come_out_whole() -> None:
    members = {f"member {place} \xe9\u4e1c": "\U0001f600" for place in range(120_000)}
    inner = json.dumps(members, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    text = json.dumps({"body": inner}, ensure_ascii=False, separators=(",", ":"))
    merges = '{"body":{"decoded_type":1}}'
    result = drift_core.process_export_payload(text, merges)
    assert result[0] == text
    assert result[1] == f'{{"body":{inner}}}'
    assert len(result[3].encode()) > LARGE
    schema = json.loads(result[3])["properties"]["body"]["properties"]
    assert list(schema) == sorted(members, key=str.encode)
    assert hashlib.sha256(result[3].encode()).hexdigest() == result[4]


def test_a_canonical_text_is_handed_back_as_the_object_that_it_is() -> None:
    class Text(str):
        pass

    for body in ("a", "\xe9" * 20, "x" * 600, "x\xe9" * 600, "x\u4e1c" * 600, "x\U0001f600" * 600):
        text = f'{{"a":"{body}"}}'
        same = [
            drift_core.normalize_json(text),
            drift_core.normalize_and_hash(text)[0],
            *drift_core.process_export_payload(text, None)[:2],
        ]
        assert all(result is text for result in same)
        for other in (Text(text), text.encode(), text.replace(":", ": ")):
            result = drift_core.process_export_payload(other, None)[0]
            assert type(result) is str and result == text
            assert result is not other
