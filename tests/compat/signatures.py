"""Names, argument names and order, required and optional, of both sides.

What a caller of the published package wrote must go on working, so ours may only
add: functions, keyword-only arguments in Python, one optional argument at the end
in Node, optional members of an input object, and further types of an argument.
"""

from __future__ import annotations

import re
from typing import Any

from side import Side

_FUNCTION = re.compile(r"export (?:declare )?function (\w+)\(([^)]*)\)\s*:\s*([^;\n]+)")
_INTERFACE = re.compile(r"export (?:declare )?interface (\w+)(?: extends [^{]+)?\s*\{(.*?)\n\}", re.S)
_ALIAS = re.compile(r"export (?:declare )?type (\w+) = ([^;\n]+)")
_MEMBER = re.compile(r"^\s*(?:readonly )?(\w+)(\??):\s*(.+?);?\s*$", re.M)
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
Parameters = list[tuple[str, bool, list[str]]]


def _types(text: str) -> list[str]:
    return sorted(part.strip() for part in text.replace(" ", "").split("|"))


def _optional(name: str, kinds: list[str]) -> tuple[str, bool, list[str]]:
    """`x?: T` and `x: T | undefined` are both optional; null and undefined are not types of the value."""
    optional = name.endswith("?") or "undefined" in kinds
    return name.rstrip("?"), optional, [kind for kind in kinds if kind not in ("undefined", "null")]


def declarations(text: str) -> tuple[dict[str, tuple[Parameters, str]], dict[str, Parameters]]:
    text = _COMMENT.sub("", text)
    for alias, meaning in _ALIAS.findall(text):
        text = re.sub(rf"\b{alias}\b", meaning.replace("\\", r"\\"), text)
    functions = {}
    for name, parameters, result in _FUNCTION.findall(text):
        parts = [part.partition(":") for part in parameters.split(",") if part.strip()]
        functions[name] = (
            [_optional(left.strip(), _types(right)) for left, _, right in parts],
            result.strip(),
        )
    interfaces = {
        name: [_optional(member + mark, _types(kind)) for member, mark, kind in _MEMBER.findall(body)]
        for name, body in _INTERFACE.findall(text)
    }
    return functions, interfaces


def _python(published: Any, ours: Any) -> list[str]:
    found = []
    for name, parameters in published.items():
        if name not in ours:
            found.append(f"py.{name} is missing")
            continue
        kept = ours[name][: len(parameters)]
        if kept != parameters:
            found.append(f"py.{name}: published {parameters}, ours {kept}")
        for extra, kind, required in ours[name][len(parameters) :]:
            if kind != "KEYWORD_ONLY" or required:
                found.append(f"py.{name}: the argument {extra} is not keyword-only and optional")
    return found


def _fits(published: list[str], ours: list[str]) -> bool:
    return set(published) <= set(ours)


def _node(published: Any, ours: Any) -> list[str]:
    found = [f"node.{n} is missing" for n in sorted(set(published["functions"]) - set(ours["functions"]))]
    functions, interfaces = declarations(published["declarations"])
    our_functions, our_interfaces = declarations(ours["declarations"])
    if set(functions) != set(published["functions"]):
        found.append("node: the published declarations could not be read")
    for name, (parameters, result) in functions.items():
        if name not in our_functions:
            found.append(f"node.{name} is not declared")
            continue
        our_parameters, our_result = our_functions[name]
        for index, (argument, optional, kinds) in enumerate(parameters):
            if index >= len(our_parameters):
                found.append(f"node.{name}: the argument {argument} is missing")
                continue
            our_argument, our_optional, our_kinds = our_parameters[index]
            if our_argument != argument:
                found.append(f"node.{name}: argument {index} is {our_argument}, not {argument}")
            if optional and not our_optional:
                found.append(f"node.{name}: {argument} is no longer optional")
            if our_optional and not optional:
                found.append(f"node.{name}: {argument} is declared optional")
            # One array type and one interface name stand for themselves.
            named = {kind.replace("Array<", "").replace(">", "") for kind in kinds}
            if not named & set(interfaces) and not _fits(kinds, our_kinds) and "Array<" not in kinds[0]:
                found.append(f"node.{name}: {argument} takes {our_kinds}, no longer {kinds}")
        extra = our_parameters[len(parameters) :]
        if len(extra) > 1 or any(not optional for _, optional, _ in extra):
            found.append(f"node.{name}: more than one optional argument was added")
        if result not in interfaces and our_result != result:
            found.append(f"node.{name}: returns {our_result}, not {result}")
        if result in interfaces:
            found.extend(_members(result, interfaces[result], our_interfaces.get(our_result), exact=True))
        for _, _, kinds in parameters:
            for interface in set(kinds) & set(interfaces):
                found.extend(
                    _members(interface, interfaces[interface], our_interfaces.get(interface), exact=False)
                )
    return found


def _members(name: str, published: Parameters, ours: Any, exact: bool) -> list[str]:
    if ours is None:
        return [f"node: the interface {name} is missing"]
    by_name = {member: (optional, kinds) for member, optional, kinds in ours}
    found = []
    for member, optional, kinds in published:
        if member not in by_name:
            found.append(f"node: {name}.{member} is missing")
            continue
        our_optional, our_kinds = by_name.pop(member)
        if our_optional != optional:
            found.append(f"node: {name}.{member} differs in being optional")
        if (our_kinds != kinds) if exact else not _fits(kinds, our_kinds):
            found.append(f"node: {name}.{member} is {our_kinds}, not {kinds}")
    if exact and by_name:
        found.append(f"node: {name} has members more: {', '.join(by_name)}")
    found.extend(
        f"node: {name}.{m} is new and required" for m, (o, _) in by_name.items() if not o and not exact
    )
    return found


def compare(sides: dict[str, Side], languages: list[str]) -> list[str]:
    """Everything that would break a caller of the published packages."""
    found: list[str] = []
    counts = []
    for language in languages:
        published = sides["published"].signatures(language)
        ours = sides["ours"].signatures(language)
        found.extend(_python(published, ours) if language == "py" else _node(published, ours))
        functions = published if language == "py" else published["functions"]
        counts.append(f"{language} {len(functions)}")
    print(f"Signatures: published functions compared: {', '.join(counts)}; complaints: {len(found)}")
    return found
