"""Files that are compiled together never meet each other's file-local names (tools/unity.py)."""

from __future__ import annotations

import itertools
from pathlib import Path

from tools import unity

TREE = Path(__file__).resolve().parents[2]

FIRST = """#include "base/first.h"
namespace steward {
namespace {
constexpr size_t kMost = 1'000, kLeast = 2;
struct Options {
  int many = 0;
};
template <typename T>
std::optional<std::string> told(const T& value, const std::map<std::string, int>& all) {
  return "namespace { int quoted() {";  // int commented() {
}
using Row = std::vector<std::string>;
}  // namespace
int known() { return kMost; }
}  // namespace steward
"""


def _source(folder: Path, name: str, text: str) -> unity.Source:
    (folder / name).write_text(text)
    return unity.read_source(folder / name, folder)


def test_local_names_are_seen(tmp_path: Path):
    assert _source(tmp_path, "first.cc", FIRST).local == {"kMost", "kLeast", "Options", "told", "Row"}


def test_files_that_would_meet_are_apart(tmp_path: Path):
    first = _source(tmp_path, "first.cc", FIRST)
    (tmp_path / "told.h").write_text("namespace steward {\nint told(int n);\n}\n")
    body = "namespace steward {{\n{}\n}}\n"
    same = _source(tmp_path, "same.cc", body.format("namespace {\nint told(int n) {\n  return n;\n}\n}  // namespace"))
    uses = _source(tmp_path, "uses.cc", body.format("int f(int kMost) { return kMost; }"))
    includes = _source(tmp_path, "includes.cc", '#include "told.h"\n' + body.format("int g() { return 1; }"))
    other = _source(tmp_path, "other.cc", body.format("namespace {\nint other(int n) {\n  return n;\n}\n}  // namespace"))
    assert [unity.may_share(first, one) for one in (same, uses, includes, other)] == [False, False, False, True]
    assert unity.group([first, same, uses, other]) == [[first, other], [same, uses]]


def test_groups_stay_small_and_most_files_have_one():
    src = TREE / "src"
    paths = [path for path in sorted(src.rglob("*.cc")) if not path.name.endswith(("_test.cc", "_fuzz.cc"))]
    groups = []
    for _, files in itertools.groupby(paths, key=lambda path: path.relative_to(src).parts[0]):
        groups += unity.group([unity.read_source(path, src) for path in files])
    assert sum(len(group) for group in groups) == len(paths)
    assert max(sum(source.lines for source in group) for group in groups if len(group) > 1) <= unity.MOST_LINES
    alone = [group[0].path.name for group in groups if len(group) == 1]
    assert len(alone) < len(paths) / 10, alone
