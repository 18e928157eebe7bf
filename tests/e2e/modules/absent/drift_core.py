"""Stands before the installed binding on the module path and is not there, as if none were installed."""

raise ModuleNotFoundError("No module named 'drift_core'", name="drift_core")
