"""Stands before the installed package on the module path and is not there, as if none were installed."""

raise ModuleNotFoundError("No module named 'coverage'", name="coverage")
