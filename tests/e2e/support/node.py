"""Runs the small Node programs of tests/e2e/node, one call for many values."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from typing import Any

from .harness import E2E, NODE_ENV, ROOT, node_program
from .recording import Payload


def binding_folder() -> str:
    return os.environ.get("DRIFT_NODE_BINDING") or str(ROOT / "bindings" / "node")


def _run(program: str, given: bytes) -> Any:
    done = subprocess.run(
        [node_program(), str(E2E / "node" / program)],
        input=given,
        capture_output=True,
        timeout=60,
        check=False,
        env={
            "PATH": os.environ.get("PATH", ""),
            "NODE_PATH": str(NODE_ENV / "node_modules"),
            "DRIFT_NODE_BINDING": binding_folder(),
        },
    )
    if done.returncode != 0:
        raise RuntimeError(f"{program} failed: {done.stderr.decode('utf-8', errors='replace')[-2000:]}")
    return json.loads(done.stdout)


def call_binding(calls: Sequence[Sequence[object]]) -> list[Any]:
    """The results of our Node binding; None where it refuses, as the Python one does with a ValueError."""
    return [answer.get("result") for answer in _run("binding.cjs", json.dumps(calls).encode())]


def sdk_rule(payloads: Sequence[Payload]) -> list[dict[str, str]]:
    """The Node SDK's own decoding and hashes, recomputed in JavaScript."""
    given = [{"value": payload.value, "schema": payload.schema} for payload in payloads]
    return list(_run("rule.cjs", json.dumps(given).encode()))


def decode_export(request: bytes) -> dict[str, Any]:
    return dict(_run("decode.cjs", request))
