"""A binding that imports well and then raises on every call."""

from __future__ import annotations

import json
import os
import threading
from typing import Any, NoReturn

_lock = threading.Lock()


def _raise(name: str) -> NoReturn:
    with _lock, open(os.environ["E2E_SPY"], "a", encoding="utf-8") as file:
        file.write(json.dumps({"call": name, "error": "RuntimeError: this binding always raises"}) + "\n")
    raise RuntimeError("this binding always raises")


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)

    def call(*_args: object, **_options: object) -> NoReturn:
        _raise(name)

    return call
