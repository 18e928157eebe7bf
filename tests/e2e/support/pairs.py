"""Lists side by side, for Python 3.9 too, whose `zip` cannot be strict."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def paired(*columns: Iterable[Any]) -> list[tuple[Any, ...]]:
    """The rows of columns of one length; ValueError when a length differs."""
    lists = [list(column) for column in columns]
    if len({len(column) for column in lists}) > 1:
        raise ValueError(f"columns of {[len(column) for column in lists]} rows stand side by side")
    return list(zip(*lists))
