"""The exceptions of drift_core, raised by its native half."""

from __future__ import annotations

from typing import Optional


class _Details(Exception):
    """What every exception of this package can say about itself."""

    #: What is wrong, a stable string: invalid_json, invalid_utf8, depth_exceeded,
    #: number_out_of_range, duplicate_key, lone_surrogate, unsupported_type,
    #: invalid_key, cycle, invalid_merges, invalid_enum, invalid_argument,
    #: invalid_protobuf or internal.
    code: str
    #: Where in a Python value, in merges or in a span: ``$.rows[3].when``.
    path: Optional[str]
    #: Where in a text or in protobuf bytes, in UTF-8 bytes from its start.
    offset: Optional[int]
    #: Which span of a list, from 0.
    index: Optional[int]

    def __init__(
        self,
        message: str = "",
        code: str = "internal",
        path: Optional[str] = None,
        offset: Optional[int] = None,
        index: Optional[int] = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.path = path
        self.offset = offset
        self.index = index


class DriftError(_Details, ValueError):
    """A value, text, message or argument that drift_core refuses."""


class DriftTypeError(_Details, TypeError):
    """A value or argument of a type that drift_core has no use for."""


class DriftMergesTypeError(DriftTypeError, DriftError):
    """Schema merges that hold what JSON has no form for.

    Both exceptions in one: merges are at fault, a ``ValueError`` with the code
    ``invalid_merges``, and callers of drift_core 0.1 know it as a ``TypeError``.
    """
