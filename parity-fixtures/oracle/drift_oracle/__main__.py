"""Answers fixture calls in bulk: one JSON object with `call` and `args` a line in, its `expect` a line out."""

from __future__ import annotations

import json
import sys

from .calls import evaluate


def main() -> None:
    """Read to the end of standard input."""
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(evaluate(request["call"], request["args"]), sort_keys=True), flush=True)


if __name__ == "__main__":
    main()
