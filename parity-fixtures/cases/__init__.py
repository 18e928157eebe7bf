"""Hand-chosen inputs of the fixtures, one module a file; `table` has the helpers."""
