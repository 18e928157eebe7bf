"""The one exception of the oracle: a code of the contract and the place it names."""

from __future__ import annotations

from typing import Any


class OracleError(Exception):
    """A refusal. `code` is one of the contract's codes; `offset` counts UTF-8 bytes."""

    def __init__(
        self,
        code: str,
        offset: int | None = None,
        path: str | None = None,
        index: int | None = None,
    ) -> None:
        super().__init__(code, offset, path, index)
        self.code = code
        self.offset = offset
        self.path = path
        self.index = index

    def as_expect(self) -> dict[str, Any]:
        """The form of a fixture's `expect`: what is not known is left out."""
        expect: dict[str, Any] = {"error": self.code}
        for name in ("offset", "path", "index"):
            value = getattr(self, name)
            if value is not None:
                expect[name] = value
        return expect
