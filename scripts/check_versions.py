"""Fails unless every package of the workspace carries the version of the root Cargo.toml.

python scripts/check_versions.py                 the tree with itself
python scripts/check_versions.py --tag v0.2.0    and with the tag that is being released

From a test: `assert find_mismatches(root) == []`.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    # pytest brings it along where Python has none.
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent


def find_mismatches(root: Path = ROOT, tag: str | None = None) -> list[str]:
    """One line for each place that does not carry the version, naming the file; empty when all do.

    Files that may be absent are `npm/*/package.json`, the generated loader and `fuzz/Cargo.lock`.
    """
    version = _read_toml(root / "Cargo.toml")["workspace"]["package"]["version"]
    found: list[tuple[str, object, object]] = [] if tag is None else [("the tag", tag, f"v{version}")]
    for file, place, actual in _places(root):
        found.append((f"{file}: {place}", actual, version))
    return [
        f"{place} is {actual}, expected {expected}" for place, actual, expected in found if actual != expected
    ]


def _places(root: Path) -> Iterator[tuple[str, str, object]]:
    """Every place with a version: file, place in it, what stands there."""
    yield from _cargo_places(root)
    yield from _python_places(root)
    yield from _node_places(root)
    yield "CHANGELOG.md", "the newest entry", _newest_changelog_entry(root / "CHANGELOG.md")


def _cargo_places(root: Path) -> Iterator[tuple[str, str, object]]:
    manifest = _read_toml(root / "Cargo.toml")
    version = manifest["workspace"]["package"]["version"]
    for name, dependency in manifest["workspace"]["dependencies"].items():
        if isinstance(dependency, dict) and "path" in dependency:
            yield "Cargo.toml", f"workspace.dependencies.{name}", dependency.get("version")

    ours = set()
    for pattern in manifest["workspace"]["members"]:
        for folder in sorted(root.glob(pattern)):
            file = str((folder / "Cargo.toml").relative_to(root))
            package = _read_toml(folder / "Cargo.toml")["package"]
            ours.add(package["name"])
            stated = package.get("version")
            # A member inherits: a number of its own would have to be found at the next release.
            inherits = stated == {"workspace": True}
            yield file, "package.version", version if inherits else f"not inherited ({stated})"

    for file in ("Cargo.lock", "fuzz/Cargo.lock"):
        if file != "Cargo.lock" and not (root / file).exists():
            continue
        locked = {
            package["name"]: package["version"]
            for package in _read_toml(root / file)["package"]
            if "source" not in package
        }
        # The fuzz targets lie outside the workspace: their lock file has only what they use of it.
        expected = sorted(ours) if file == "Cargo.lock" else sorted(ours & locked.keys())
        for name in expected:
            yield file, f"package {name}", locked.get(name)


def _python_places(root: Path) -> Iterator[tuple[str, str, object]]:
    project = _read_toml(root / "bindings/python/pyproject.toml")["project"]
    # A dynamic version is the crate's, which inherits the workspace's.
    if "version" not in project.get("dynamic", []):
        yield "bindings/python/pyproject.toml", "project.version", project.get("version")


def _node_places(root: Path) -> Iterator[tuple[str, str, object]]:
    folder = root / "bindings/node"
    package = _read_json(folder / "package.json")
    yield "bindings/node/package.json", "version", package.get("version")
    yield from _own_dependencies("bindings/node/package.json", package)

    lock = _read_json(folder / "package-lock.json")
    locked = lock["packages"][""]
    yield "bindings/node/package-lock.json", "version", lock.get("version")
    yield "bindings/node/package-lock.json", 'packages[""].version', locked.get("version")
    yield from _own_dependencies("bindings/node/package-lock.json", locked)

    for file in sorted(folder.glob("npm/*/package.json")):
        yield str(file.relative_to(root)), "version", _read_json(file).get("version")

    # The loader that napi-rs generates compares its version with that of the platform's package.
    loader = folder / "index.js"
    if loader.exists():
        for stated in sorted(
            set(re.findall(r"bindingPackageVersion !== '([^']*)'", loader.read_text("utf-8")))
        ):
            yield "bindings/node/index.js", "the version it expects of a platform package", stated


def _own_dependencies(file: str, package: dict[str, Any]) -> Iterator[tuple[str, str, object]]:
    """The packages for single platforms, which the main package names exactly."""
    for name, version in package.get("optionalDependencies", {}).items():
        if name.startswith("@use-tusk/drift-core-node-"):
            yield file, f"optionalDependencies.{name}", version


def _newest_changelog_entry(file: Path) -> str | None:
    """The first word of the first second-level heading: `## 0.2.0 - 2026-11-21` gives 0.2.0."""
    heading = re.search(r"^## +\[?v?([^\s\]]+)", file.read_text("utf-8"), re.MULTILINE)
    return heading.group(1) if heading else None


def _read_toml(file: Path) -> dict[str, Any]:
    return tomllib.loads(file.read_text("utf-8"))


def _read_json(file: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return document


def main() -> int:
    """The command line: prints the mismatches, gives 1 if there are any."""
    parser = argparse.ArgumentParser(description="Checks that all packages carry one version.")
    parser.add_argument("--tag", help="the tag being released; must be v and the version")
    arguments = parser.parse_args()
    mismatches = find_mismatches(ROOT, arguments.tag)
    for line in mismatches:
        print(line, file=sys.stderr)
    if mismatches:
        return 1
    version = _read_toml(ROOT / "Cargo.toml")["workspace"]["package"]["version"]
    print(f"versions: {sum(1 for _ in _places(ROOT))} places, all {version}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
