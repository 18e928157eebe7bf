"""Shows what Drift does, on real traffic: two services are recorded, and what they recorded is looked at.

    make demo        builds what this needs, then runs it

A Flask service with the published Python SDK, which computes through our binding, and an Express
service with the published Node SDK get the same requests. Everything runs on 127.0.0.1 and is gone
afterwards. The exit code is 0 only if every hash and every byte shown was as it should be.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = ROOT / "target" / "env" / "e2e-python"
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

if __name__ == "__main__" and Path(sys.prefix).resolve() != ENVIRONMENT.resolve():
    interpreter = ENVIRONMENT / "bin" / "python"
    if not interpreter.exists():
        sys.exit("the demo's environment is not there yet: run `make demo`")
    os.execv(interpreter, [str(interpreter), *sys.argv])

import drift_core  # noqa: E402
from support import harness, node, rules  # noqa: E402
from support.pairs import paired  # noqa: E402
from support.recording import Payload, Span, case_names, read  # noqa: E402
from support.traffic import ORDER, Case, send  # noqa: E402
from support.upstream import Answer, Upstream  # noqa: E402

JSON = "application/json"
WIDTH = 100
FLUSH_SECONDS = 60

CUSTOMER = Case("customer 7", "/customers/7?verbose=1", outbound=2)
REQUESTS = (
    Case("customer 1", "/customers/1", outbound=2),
    CUSTOMER,
    Case("order", "/orders", "POST", ORDER, JSON),
    Case("unicode", "/relay/unicode"),
    Case("numbers", "/relay/numbers"),
    Case("text", "/relay/text"),
)
AFTER_DEPLOY = Case("customer 7 again", "/customers/7?verbose=1", outbound=2)
DEPLOYED = {
    "customers/7": Answer('{"id":7,"name":"李雷","score":0.5,"since":"2021-12-31","tags":["vip"]}'.encode()),
    "orders": Answer(
        b'[{"id":9007199254740993,"price":21.5,"tags":["new"],"address":{"city":"Bern","zip":"3011"}}]'
    ),
}
LABELS = {"flask": "Flask", "express": "Express"}

COLOURS = sys.stdout.isatty() and "NO_COLOR" not in os.environ


def paint(text: str, code: str) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if COLOURS else text


def say(text: str = "") -> None:
    print(text, flush=True)


def section(number: int, title: str, intro: str) -> None:
    say()
    say(paint(f"{number}  {title}", "1;36"))
    say(paint(intro, "2"))
    say()


def cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def table(heads: Iterable[str], rows: list[list[str]], right: Iterable[int] = ()) -> None:
    columns = [list(column) for column in paired(*([list(heads), *rows]))]
    widths = [max(len(cell) for cell in column) for column in columns]
    on_right = set(right)

    def line(cells: Iterable[str]) -> str:
        parts = (
            cell.rjust(width) if at in on_right else cell.ljust(width)
            for at, (cell, width) in enumerate(paired(cells, widths))
        )
        return ("  " + "  ".join(parts)).rstrip()

    say(paint(line(heads), "1"))
    for row in rows:
        say(line(row))


class Verdict:
    """Counts what was checked; what is wrong is said at once and decides the exit code."""

    def __init__(self) -> None:
        self.checked = 0
        self.wrong: list[str] = []

    def check(self, what: str, right: bool) -> str:
        self.checked += 1
        if not right:
            self.wrong.append(what)
            say(paint(f"  WRONG: {what}", "1;31"))
        return "equal" if right else "DIFFERENT"


def span_fields(span: Span) -> drift_core.SpanInput:
    """What `process_span` takes: the recorded fields, and both payloads as recorded, as text."""
    status, timestamp, duration = (span.get(name) for name in ("status", "timestamp", "duration"))
    asked, answered = span.payloads()
    return {
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "parent_span_id": span.get("parentSpanId"),
        "name": span.get("name"),
        "package_name": span.get("packageName"),
        "instrumentation_name": span.get("instrumentationName"),
        "submodule_name": span.get("submoduleName"),
        "package_type": span.get("packageType") or 0,
        "environment": span.get("environment"),
        # The Node SDK of 0.1.27 numbers kinds in OpenTelemetry's way; a root is a server span.
        "kind": kind_number(span),
        "status_code": status["code"],
        "status_message": status["message"],
        "is_pre_app_start": span.get("isPreAppStart"),
        "is_root_span": span.is_root,
        "timestamp_seconds": timestamp["seconds"],
        "timestamp_nanos": timestamp["nanos"],
        "duration_seconds": duration["seconds"],
        "duration_nanos": duration["nanos"],
        "input_json": asked.value,
        "input_merges": asked.merges_text,
        "output_json": answered.value,
        "output_merges": answered.merges_text,
    }


def kind_number(span: Span) -> int:
    if span.get("packageName") in ("os.environ", "process.env"):
        return 1
    return 2 if span.is_root else 3


KINDS = {1: "internal", 2: "server", 3: "client"}


def body(span: Span) -> str:
    return base64.b64decode(span.get("outputValue")["body"]).decode("utf-8")


def started(span: Span) -> tuple[int, int]:
    timestamp = span.get("timestamp")
    return timestamp["seconds"], timestamp["nanos"]


def spans_of(spans: list[Span], case: Case) -> list[Span]:
    """The spans of one request, the answered one first."""
    names = case_names(spans)
    found = [span for span in spans if names.get(span.trace_id) == case.name]
    return sorted(found, key=lambda span: (not span.is_root, started(span)))


def root_of(spans: list[Span], case: Case) -> Span:
    return spans_of(spans, case)[0]


def hexdump(data: bytes, lines: int) -> None:
    for at in range(0, min(len(data), 16 * lines), 16):
        row = data[at : at + 16]
        shown = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        say(f"  {at:06x}  {row.hex(' '):<47}  {shown}")
    if len(data) > 16 * lines:
        say(f"  … and {len(data) - 16 * lines} bytes more")


class Demo:
    def __init__(self) -> None:
        self.verdict = Verdict()
        self.spans: dict[str, list[Span]] = {}
        self.bytes: dict[str, bytes] = {}

    def run(self) -> int:
        say(paint("Drift", "1") + " records what services do, so that it can be replayed and compared.")
        say("Python, Node and Rust have to see the same value in the same way: one canonical form,")
        say("one hash, one encoding. This is what that looks like on real traffic.")
        began = time.monotonic()
        run = harness.Run("demo")
        with Upstream() as upstream, run:
            self.record(upstream, run)
        self.show_spans()
        self.show_pair()
        self.show_bytes()
        self.show_side_by_side()
        self.show_disagreements()
        self.show_differences()
        say()
        say(f"Cleaned up: both services and the upstream are stopped, .run/{run.folder.name} is removed.")
        seconds = time.monotonic() - began
        if self.verdict.wrong:
            say(paint(f"{len(self.verdict.wrong)} of {self.verdict.checked} checks are WRONG.", "1;31"))
            return 1
        say(paint(f"All {self.verdict.checked} checks passed, in {seconds:.0f} s.", "1;32"))
        return 0

    # --- Recording ------------------------------------------------------------------------

    def record(self, upstream: Upstream, run: harness.Run) -> None:
        section(
            1,
            "Record two real services",
            "Both ask a third server for what they need. Their SDKs are the published ones, unchanged.",
        )
        services = {
            "flask": run.start("flask", "python", upstream.url),
            "express": run.start("express", "node", upstream.url),
        }
        for service in services.values():
            service.wait_until_ready()
        binding = services["flask"].ready["binding"]
        loaded = self.verdict.check("the Python SDK loads our binding", binding["binding_loaded"]) == "equal"
        say(
            f"  Flask    127.0.0.1:{services['flask'].port}  tusk-drift-python-sdk 0.1.29, "
            f"drift_core {drift_core.__version__} {'loaded' if loaded else 'NOT loaded'}"
        )
        say(
            f"  Express  127.0.0.1:{services['express'].port}  @use-tusk/drift-node-sdk 0.1.27, "
            "which computes in JavaScript"
        )
        say(f"  upstream {upstream.url.removeprefix('http://')}")
        say()
        rows = [self.ask(services, case) for case in REQUESTS]
        for name, answer in DEPLOYED.items():
            upstream.change(name, answer)
        rows.append(self.ask(services, AFTER_DEPLOY))
        table(["request", "Flask", "Express", "calls made for it"], rows, right=(1, 2, 3))
        say("  Before the last request the upstream was 'deployed': it now answers differently.")
        say()
        expected = 2 + sum(1 + case.outbound for case in (*REQUESTS, AFTER_DEPLOY))
        self.wait_for_flush(services, expected)
        for name, service in services.items():
            service.stop()
            self.spans[name] = read(service.lines())
            self.verdict.check(f"{LABELS[name]} recorded {expected} spans", len(self.spans[name]) == expected)

    def ask(self, services: dict[str, harness.Service], case: Case) -> list[str]:
        cells = [f"{case.method} {case.path}"]
        for name, service in services.items():
            reply = send(service.port, case)
            self.verdict.check(f"{LABELS[name]} answers {case.path}", reply.status == 200)
            cells.append(f"{len(reply.body)} B")
        return [*cells, str(case.outbound)]

    def wait_for_flush(self, services: dict[str, harness.Service], expected: int) -> None:
        began = time.monotonic()
        last = ""

        def flushed() -> bool:
            nonlocal last
            counts = {name: len(service.lines()) for name, service in services.items()}
            parts = ", ".join(f"{LABELS[name]} {count} of {expected}" for name, count in counts.items())
            now = f"  waiting for the recorders to flush their queues: {parts} spans"
            if COLOURS:
                print(f"\r{now} ({time.monotonic() - began:.0f} s)", end="", flush=True)
            elif now != last:
                say(now)
            last = now
            return all(count >= expected for count in counts.values())

        harness.wait_for("the recorders to flush", flushed, FLUSH_SECONDS, pause=0.25)
        if COLOURS:
            say()

    # --- Looking at the recording -----------------------------------------------------------

    def show_spans(self) -> None:
        section(
            2,
            "What was recorded",
            "A span is one request answered (server) or made (client). `JSON` is the size of the recorded\n"
            "line, `span` that of its protobuf bytes, made by one call, process_span.",
        )
        rows = []
        hashes = {name: [0, 0] for name in self.spans}
        for name, spans in self.spans.items():
            traces: dict[str, list[Span]] = {}
            for span in sorted(spans, key=started):
                traces.setdefault(span.trace_id, []).append(span)
            for trace in traces.values():
                for span in sorted(trace, key=lambda one: (not one.is_root, started(one))):
                    rows.append(self.row(name, span, hashes[name]))
        heads = ["service", "trace", "kind", "name", "JSON", "span", "hash of the output"]
        table(heads, rows, right=(4, 5))
        say()
        for name, (values, schemas) in hashes.items():
            total = 2 * len(self.spans[name])
            say(
                f"  {LABELS[name]}: {values} of {total} value hashes and {schemas} of {total} schema hashes "
                "are what the SDK itself recorded."
            )
        say("  The Node SDK hashes numbers as JavaScript has them, and spells schema keys in camel case.")
        for name, spans in self.spans.items():
            made = drift_core.process_spans(
                [self.bytes[span.span_id] for span in spans], environment="development"
            )
            size = sum(len(span.line.encode()) + 1 for span in spans)
            say(
                f"  {LABELS[name]}: {len(spans)} spans, {size} B of JSON lines, "
                f"{len(made.request_bytes)} B as one export request (process_spans)."
            )
            self.verdict.check("no span is left out of the batch", made.errors == [])

    def row(self, name: str, span: Span, equal: list[int]) -> list[str]:
        made = drift_core.process_span(span_fields(span))
        self.bytes[span.span_id] = made.span_bytes
        values = (made.input_value_hash, made.output_value_hash)
        schemas = (made.input_schema_hash, made.output_schema_hash)
        recorded_values = (span.get("inputValueHash"), span.get("outputValueHash"))
        recorded_schemas = (span.get("inputSchemaHash"), span.get("outputSchemaHash"))
        equal[0] += sum(a == b for a, b in paired(values, recorded_values))
        equal[1] += sum(a == b for a, b in paired(schemas, recorded_schemas))
        if name == "flask":
            same = (values, schemas) == (recorded_values, recorded_schemas)
            self.verdict.check(f"process_span gives the recorded hashes of {span.span_id}", same)
        return [
            LABELS[name],
            span.trace_id[:6],
            KINDS[kind_number(span)],
            cut(str(span.get("name")).removeprefix("http://"), 34),
            str(len(span.line.encode())),
            str(len(made.span_bytes)),
            made.output_value_hash[:12],
        ]

    def show_pair(self) -> None:
        span = spans_of(self.spans["flask"], CUSTOMER)[1]
        section(
            3,
            "One call and its answer: the Flask service asks for customer 7",
            "Canonical form: no white space, sorted keys, one way to print a number. Bodies are recorded\n"
            "as base64 and decoded before they are hashed; the schema is that of the decoded value.",
        )
        for payload in span.payloads():
            title = {"input": "call", "output": "answer"}[payload.side]
            result = drift_core.process_export_payload(payload.value, payload.merges_text)
            normalized, decoded, value_hash, schema, schema_hash, struct = result
            again = drift_core.deterministic_hash(payload.schema)
            value_verdict = self.verdict.check(f"{title} value hash", value_hash == payload.value_hash)
            schema_verdict = self.verdict.check(
                f"{title} schema hash", schema_hash == again == payload.schema_hash
            )
            say(paint(f"  {title}", "1"))
            say(f"    recorded     {cut(normalized, WIDTH - 17)}")
            if payload.side == "output":
                say(f"    decoded      {cut(decoded, WIDTH - 17)}")
            say(f"    value hash   {value_hash}  {value_verdict}")
            say(f"    schema hash  {schema_hash}  {schema_verdict}")
            say(
                f"    sizes        {len(normalized.encode())} B of JSON, {len(struct)} B as a protobuf Struct"
            )
            if payload.side == "output":
                say("    schema:")
                self.show_schema(json.loads(schema), "answer", 3)
        say("  `equal` means: what the SDK recorded, and what is computed here again, are the same.")

    def show_schema(self, schema: dict[str, Any], name: str, indent: int) -> None:
        types = {1: "number", 2: "string", 3: "boolean", 4: "null", 6: "object", 7: "list"}
        marks = []
        if schema.get("encoding") == rules.BASE64:
            marks.append("recorded as base64")
        if "match_importance" in schema:
            marks.append(f"match importance {schema['match_importance']:g}")
        marked = f" ({', '.join(marks)})" if marks else ""
        say("  " * indent + f"{name}: {types[schema['type']]}{marked}")
        if name == "headers":
            return
        for key, item in schema["properties"].items():
            self.show_schema(item, key, indent + 1)
        if "items" in schema:
            self.show_schema(schema["items"], "each item", indent + 1)

    def show_bytes(self) -> None:
        span = spans_of(self.spans["flask"], CUSTOMER)[1]
        section(
            4,
            "The span's bytes, and back",
            "What an SDK sends: tusk.drift.core.v1.Span in protobuf. span_to_json reads it back.",
        )
        data = self.bytes[span.span_id]
        hexdump(data, 6)
        document = json.loads(drift_core.span_to_json(data))
        say()
        for name in ("traceId", "spanId", "name", "kind", "timestamp", "duration", "inputValueHash"):
            say(f"  {name:<16} {json.dumps(document[name])}")
        for name, spans in self.spans.items():
            same = 0
            for one in spans:
                read_back = json.loads(drift_core.span_to_json(self.bytes[one.span_id]))
                members = ("traceId", "spanId", "inputValue", "outputValue", "timestamp", "duration")
                right = all(read_back[member] == one.get(member) for member in members)
                self.verdict.check(f"{one.span_id} reads back as recorded", right)
                same += right
            say(f"  {LABELS[name]}: {same} of {len(spans)} spans read back equal to their recorded lines.")

    def show_side_by_side(self) -> None:
        section(
            5,
            "Python and Node, side by side",
            "Every recorded value, decoded and hashed by both bindings from the same text.",
        )
        payloads = [payload for spans in self.spans.values() for span in spans for payload in span.payloads()]
        texts = [rules.decoded_by_contract(payload, assume_json=True) for payload in payloads]
        hashes = node.call_binding([["deterministicHash", text] for text in texts])
        processed = node.call_binding(
            [["processExportPayload", payload.value, payload.merges_text] for payload in payloads]
        )
        for payload, text, node_hash, theirs in paired(payloads, texts, hashes, processed):
            same = drift_core.deterministic_hash(text) == node_hash
            self.verdict.check(f"{payload.label}: the bindings' hashes", same)
            ours = drift_core.process_export_payload(payload.value, payload.merges_text)
            names = (
                "normalizedJson",
                "decodedJson",
                "decodedValueHash",
                "decodedSchemaJson",
                "decodedSchemaHash",
            )
            same = ours[:5] == tuple(theirs[one] for one in names)
            same = same and ours[5].hex() == theirs["protobufStructBytes"]["hex"]
            self.verdict.check(f"{payload.label}: the bindings' payloads", same)
        say(f"  {len(payloads)} values: hashes, schemas, texts and Struct bytes of both are equal.")
        say("  Some of them, the answers as the two services gave them:")
        say()
        bodies = [
            (name, case, body(root_of(spans, case)))
            for name, spans in self.spans.items()
            for case in REQUESTS
        ]
        values = [text if is_json(text) else json.dumps(text) for _, _, text in bodies]
        hashes = node.call_binding([["deterministicHash", text] for text in values])
        rows = []
        for (name, case, _), value, node_hash in paired(bodies, values, hashes):
            python_hash = drift_core.deterministic_hash(value)
            verdict = self.verdict.check(f"the bindings on {case.path}", python_hash == node_hash)
            rows.append([case.path, LABELS[name], python_hash[:24], str(node_hash)[:24], verdict])
        rows.sort(key=lambda row: row[0])
        for case in REQUESTS:
            if case.path.startswith("/relay/"):
                found = {row[2] for row in rows if row[0] == case.path}
                self.verdict.check(f"both services' {case.path} have one hash", len(found) == 1)
        table(["answer of", "service", "Python binding", "Node binding", ""], rows)
        say()
        say("  Where both services passed on the same value, all four hashes are the same.")

    def show_disagreements(self) -> None:
        section(
            6,
            "Where the languages disagree when left alone",
            "Sorted keys and the language's own JSON, hashed: what an SDK does without a binding.\n"
            "With the bindings there is one answer.",
        )
        values = {
            "1.0 or 1, keys like numbers": '{"a":1.0,"10":1,"9":2}',
            "an integer of 2^63": '{"id":9223372036854775808}',
            "a small number": '{"rate":0.0000001}',
            "the order of keys": '{"\U0001f600":1,"\ue000":2}',
        }
        texts = list(values.values())
        empty = '{"type":6,"properties":{}}'
        javascript = node.sdk_rule([Payload("", "", "", text, empty, "", "") for text in texts])
        from_node = node.call_binding([["normalizeAndHash", text] for text in texts])
        for (what, text), plain, ours in paired(values.items(), javascript, from_node):
            python_text = rules.python_text(json.loads(text))
            canonical, digest = drift_core.normalize_and_hash(text)
            shown = json.dumps(text)[1:-1].replace('\\"', '"')
            say(f"  {paint(what, '1')}: {shown}")
            say(f"    Python alone      {rules.sha256(python_text)[:20]}  {readable(python_text)}")
            say(f"    JavaScript alone  {plain['valueHash'][:20]}  {readable(plain['sorted'])}")
            say(f"    Drift in Python   {digest[:20]}  {readable(canonical)}")
            say(f"    Drift in Node     {ours['deterministicHash'][:20]}  {readable(ours['normalizedJson'])}")
            self.verdict.check(
                f"{what}: the languages disagree alone", rules.sha256(python_text) != plain["valueHash"]
            )
            self.verdict.check(
                f"{what}: the bindings agree",
                (canonical, digest) == (ours["normalizedJson"], ours["deterministicHash"]),
            )

    def show_differences(self) -> None:
        section(
            7,
            "What changed",
            "diff_json compares two recorded responses by value: order and white space are not differences.",
        )
        flask, express = self.spans["flask"], self.spans["express"]
        before, after = root_of(flask, CUSTOMER), root_of(flask, AFTER_DEPLOY)
        self.show_difference("Flask, before and after the deployment", body(before), body(after), 6)
        other = root_of(express, CUSTOMER)
        self.show_difference("The same request: Flask and Express", body(before), body(other), 1)
        say("  The Express service parsed the upstream's JSON: JavaScript rounded an id beyond 2^53.")
        self.verdict.check(
            "a value does not differ from itself", drift_core.diff_json(body(after), body(after)) == []
        )

    def show_difference(self, title: str, left: str, right: str, least: int) -> None:
        found = drift_core.diff_json(left, right)
        self.verdict.check(f"{title}: {least} differences or more", len(found) >= least)
        say(paint(f"  {title}", "1"))
        rows = [
            [item["kind"], item["path"], cut(item["left"] or "-", 28), cut(item["right"] or "-", 28)]
            for item in found
        ]
        table(["  what", "where", "left", "right"], [["  " + row[0], *row[1:]] for row in rows])
        say()


def is_json(text: str) -> bool:
    try:
        rules.parse(text)
    except ValueError:
        return False
    return True


def readable(text: str) -> str:
    """Characters no terminal shows are escaped."""
    return "".join(f"\\u{ord(one):04x}" if "\ue000" <= one <= "\uf8ff" else one for one in text)


if __name__ == "__main__":
    try:
        sys.exit(Demo().run())
    except KeyboardInterrupt:
        say("\nstopped; both services are ended and their data is removed")
        sys.exit(130)
