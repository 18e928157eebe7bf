"""Stands before the installed binding on the module path and writes down how it is used.

It loads the installed module, which stays what `import drift_core` gives, and wraps its functions
to append one line per call to the file E2E_SPY: the name, and the exception if there was one.
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

_here = str(Path(__file__).resolve().parent)
_lock = threading.Lock()


def _note(name: str, error: BaseException | None) -> None:
    line = {"call": name, "error": None if error is None else f"{type(error).__name__}: {error}"}
    with _lock, open(os.environ["E2E_SPY"], "a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def _watched(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        try:
            result = function(*args, **options)
        except BaseException as error:
            _note(name, error)
            raise
        _note(name, None)
        return result

    return call


def _load() -> Any:
    path = list(sys.path)
    stand_in = sys.modules.pop(__name__)
    sys.path[:] = [entry for entry in path if str(Path(entry or ".").resolve()) != _here]
    importlib.invalidate_caches()
    try:
        real = importlib.import_module(__name__)
    except BaseException:
        sys.modules[__name__] = stand_in
        raise
    finally:
        sys.path[:] = path
    for name in dir(real):
        member = getattr(real, name)
        if not name.startswith("_") and callable(member) and not isinstance(member, type):
            setattr(real, name, _watched(name, member))
    return real


_load()
