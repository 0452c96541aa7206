"""Which source files are compiled together, so that a first build takes about half the time (cmake/unity.cmake).

    /usr/bin/python3 -m tools.unity SRC FILE...

Prints a line `GROUP FILE` for each file that shares its compilation with others. A file-local name (in an anonymous namespace, or a macro)
is seen by the files after it in a group; so two files are apart where one's local name is used, or declared in a header that is included,
by the other. The groups are found greedily in the order given, which should be the same each time. Uses the standard library alone: it
runs before anything is installed.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

MOST_LINES = 2400  # of a group: past this a change to one file takes too long to compile
MOST_FILES = 16

_NOISE = re.compile(r'R"(\w*)\((?:.|\n)*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'|//[^\n]*|/\*(?:.|\n)*?\*/')
_ANONYMOUS = re.compile(r"^namespace \{\n(.*?)^\}  // namespace$", re.M | re.S)  # as clang-format ends it
_TYPE = re.compile(r"^(?:class|struct|union|enum(?: class| struct)?|concept)\s+(?:\[\[\w+\]\]\s*)?(\w+)|^using (\w+) =")
_NAME = re.compile(r"\b([A-Za-z_]\w*)\s*(?=[({=;\[])")
_CONSTANT = re.compile(r"\b(k[A-Z]\w*)\b\s*(?=[{=;,\[])")
_INCLUDE = re.compile(r'^#include "([^"]+)"', re.M)
_MACRO = re.compile(r"^\s*#\s*define\s+(\w+)", re.M)
_TEST = re.compile(r"^(?:TEST|TEST_F|TEST_P)\((\w+), (\w+)\)", re.M)
_UNQUALIFIED = re.compile(r"(?<![\w.>:])([A-Za-z_]\w*)\b")


def without_noise(text: str) -> str:
    """The text less comments and the insides of strings."""
    return _NOISE.sub(lambda found: '""' if found.group()[0] in "R\"'" else "", text)


def declared(code: str) -> set[str]:
    """Names that lines at the left margin declare, as clang-format lays out a namespace's inside."""
    names: set[str] = set()
    for line in code.splitlines():
        line = re.sub(r"^template <[^>]*>\s*", "", line)
        if not line or line[0] in " \t#}/" or line.startswith(("namespace", "extern", "RC_GTEST", "static_assert", "public:", "private:", "TEST", "INSTANTIATE_")):
            continue
        if kind := _TYPE.match(line):
            names.add(kind.group(1) or kind.group(2))
        elif not line.startswith("using ") and (found := _NAME.search(line)):
            names.add(found.group(1))
            names.update(_CONSTANT.findall(line))
    return names


@dataclass
class Source:
    path: Path
    lines: int = 0
    local: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)
    headers: set[Path] = field(default_factory=set)


@cache
def _code(path: Path) -> str:
    return without_noise(path.read_text())


@cache
def _includes(header: Path, src: Path) -> frozenset[Path]:
    """A file's own headers, and theirs."""
    found: set[Path] = set()
    waiting = [header]
    while waiting:
        text = waiting.pop().read_text()
        for name in _INCLUDE.findall(text):
            inner = src / name
            if inner not in found and inner.is_file():
                found.add(inner)
                waiting.append(inner)
    return frozenset(found)


@cache
def _public(header: Path) -> frozenset[str]:
    return frozenset(declared(_code(header)))


def read_source(path: Path, src: Path) -> Source:
    code = _code(path)
    local = set(_MACRO.findall(code)) | {f"{suite}_{name}_Test" for suite, name in _TEST.findall(code)}
    for inside in _ANONYMOUS.findall(path.read_text()):
        local |= declared(without_noise(inside))
    local |= {name for line in code.splitlines() if line.startswith("static ") for name in declared(line.removeprefix("static "))}
    return Source(path, code.count("\n"), local, set(_UNQUALIFIED.findall(code)), set(_includes(path, src)))


def may_share(one: Source, other: Source) -> bool:
    return not (_touches(one, other) or _touches(other, one))


def _touches(one: Source, other: Source) -> bool:
    """One's local names mean something else in the other, or in the headers that only the other includes."""
    if one.local & (other.local | other.used):
        return True
    return any(one.local & _public(header) for header in other.headers - one.headers)


def group(sources: list[Source]) -> list[list[Source]]:
    groups: list[list[Source]] = []
    for source in sources:
        for members in groups:
            fits = len(members) < MOST_FILES and sum(member.lines for member in members) + source.lines <= MOST_LINES
            if fits and all(may_share(source, member) for member in members):
                members.append(source)
                break
        else:
            groups.append([source])
    return groups


def main() -> None:
    src, paths = Path(sys.argv[1]), sorted(map(Path, sys.argv[2:]))
    for number, members in enumerate(group([read_source(path, src) for path in paths])):
        for member in members:
            if len(members) > 1:
                print(f"g{number} {member.path}")


if __name__ == "__main__":
    main()
