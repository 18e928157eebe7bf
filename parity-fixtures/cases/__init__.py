"""Hand-chosen inputs of the fixtures, one module a file; `table` has what makes a case."""
