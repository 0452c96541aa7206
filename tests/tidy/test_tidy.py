"""The repository checks itself: floors, sizes, banned calls with their reason, machine paths, large and dead files."""

from __future__ import annotations

import hashlib
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

TREE = Path(__file__).resolve().parents[2]
RATCHET = tomllib.loads((Path(__file__).parent / "ratchet.toml").read_text())
# From the ground up. Folders on one line don't include each other.
FLOORS = [["base"], ["net"], ["journal"], ["jobs"], ["identity"], ["ledger"], ["engine"], ["gateway"], ["memory", "library"], ["talk"], ["server"], ["cli"]]
FLOOR_OF = {folder: height for height, folders in enumerate(FLOORS) for folder in folders}
MAX_FILE_LINES = 600
MAX_FUNCTION_LINES = 70
MAX_FILE_BYTES = 1_000_000


def tracked(*patterns: str) -> list[Path]:
    names = subprocess.run(["git", "ls-files", "-z", *patterns], cwd=TREE, capture_output=True, check=True).stdout.decode().split("\0")
    return [TREE / name for name in names if name and (TREE / name).is_file()]


def cpp() -> list[Path]:
    return tracked("src/*.cc", "src/*.h", "bench/*.cc")


def rel(path: Path) -> str:
    return str(path.relative_to(TREE))


def wrong_includes(folder: str, text: str) -> list[str]:
    targets = re.findall(r'^#include "(\w+)/', text, re.MULTILINE)
    return [one for one in targets if one in FLOOR_OF and one != folder and FLOOR_OF[one] >= FLOOR_OF[folder]]


def test_includes_go_down_the_floors():
    wrong = []
    for path in tracked("src/*.cc", "src/*.h"):
        for target in wrong_includes(path.relative_to(TREE / "src").parts[0], path.read_text()):
            wrong.append(f"{rel(path)} includes from {target}, which is not a floor below it")
    assert wrong == []


def test_an_include_that_goes_up_or_sideways_is_found():
    text = '#include "base/json.h"\n#include "memory/recall.h"\n#include "talk/answer.h"\n'
    assert wrong_includes("library", text) == ["memory", "talk"] and wrong_includes("server", text) == []


def test_files_stay_small():
    wrong = []
    for path in [*cpp(), *tracked("*.py")]:
        lines, allowed = len(path.read_text().splitlines()), RATCHET["lines"].get(rel(path), MAX_FILE_LINES)
        if lines > allowed:
            wrong.append(f"{rel(path)} has {lines} lines; at most {allowed}")
    assert wrong == []


def functions(text: str) -> list[tuple[str, int]]:
    """Top-level and class-level function bodies by clang-format's layout: a line that ends in ') … {' and the line that closes it."""
    found, lines = [], text.splitlines()
    for start, line in enumerate(lines):
        head = re.match(r"^( {0,4})(?!namespace|class|struct|enum|if|for|while|switch|else|try|do\b|: )\S.*\)[^;{}]*\{$", line)
        if not head:
            continue
        close = head.group(1) + "}"
        length = next((n for n, after in enumerate(lines[start:]) if after.startswith(close) and n), 0)
        found.append((line.strip()[:80], length))
    return found


def test_functions_stay_small():
    wrong = [f"{rel(path)}: {name} has {length} lines" for path in cpp() for name, length in functions(path.read_text())
             if length > RATCHET["functions"].get(f"{rel(path)}", MAX_FUNCTION_LINES)]
    assert wrong == []


def test_the_function_counter_sees_a_long_function():
    long = "void f() {\n" + "  g();\n" * 80 + "}\n"
    assert functions(long) == [("void f() {", 81)]


BANNED = {
    r"\bstd::rand\b|\bsrand\(|\bdrand48\b": "randomness is handed in (base/random.h)",
    r"\bsystem\(|\bpopen\(": "a shell reads its arguments in its own way: spawn the program itself",
    r"\bstrcpy\(|\bstrcat\(|\bsprintf\(|\bgets\(": "unbounded writes",
    r"\basctime\(|\bgmtime\(|\blocaltime\(": "not thread-safe: base/clock.h and date/tz.h",
    r"\bstd::regex\b": "recurses on its input: a long one ends the process",
    r"\busing namespace std;": "names the whole library",
    r"\bstd::cout\b": "output belongs to the CLI, through fmt",
    r"\bassert\(": "off in some builds: return an error, or abort with a reason",
}


@pytest.mark.parametrize("pattern", BANNED)
def test_banned_calls(pattern):
    wrong = [f"{rel(path)}:{number}" for path in cpp() for number, line in enumerate(path.read_text().splitlines(), 1)
             if re.search(pattern, re.sub(r'//.*|"[^"]*"', "", line)) and "static_assert" not in line]
    assert wrong == [], BANNED[pattern]


def layout_digest(path: Path, style: bytes) -> str:
    return hashlib.sha256(style + path.read_bytes()).hexdigest()


def test_cpp_is_laid_out_by_clang_format():
    """`make format` mends it. What was found right once isn't looked at again until the file or the style changes."""
    remembered = TREE / "build" / "tidy" / "laid-out"
    known = set(remembered.read_text().split()) if remembered.exists() else set()
    style = (TREE / ".clang-format").read_bytes() + subprocess.run(["clang-format-19", "--version"], capture_output=True, check=True).stdout
    digests = {layout_digest(path, style): str(path) for path in cpp()}
    unknown = [digests[one] for one in digests.keys() - known]
    if unknown:
        done = subprocess.run(["clang-format-19", "--dry-run", "-Werror", *unknown], capture_output=True, text=True)
        wrong = {line.split(":")[0] for line in done.stderr.splitlines() if "clang-format-violations" in line}
        assert (sorted(wrong), done.returncode) == ([], 0), "make format"
    remembered.parent.mkdir(parents=True, exist_ok=True)
    remembered.write_text("\n".join(digests))


def test_only_net_knows_the_http_library():
    wrong = [rel(path) for path in cpp() if "boost/beast" in path.read_text() and (path.parent != TREE / "src/net" or path.suffix == ".h")]
    assert wrong == [], "Beast costs seconds of compile time: only in src/net/*.cc"


def test_headers_open_with_what_they_are():
    wrong = [rel(path) for path in tracked("src/*.h") if not path.read_text().lstrip("#pragma once\n").lstrip().startswith("//")]
    assert wrong == []


RECORDINGS = TREE / "tests" / "recordings"  # what providers sent: paths in it are other people's
PRIVATE = re.compile(r"/(?:work|root|tmp/h)/|snapshot\.debian|registry\.npmjs|files\.pythonhosted|deb\.debian\.org")


def test_no_machine_paths_and_no_registry_addresses():
    wrong = [f"{rel(path)}: {hit.group()}" for path in tracked() if path.suffix not in {".png", ".gguf", ".db"} and path != Path(__file__)
             and RECORDINGS not in path.parents and (hit := PRIVATE.search(path.read_text(errors="replace")))]
    assert wrong == []


def test_no_large_files():
    assert [rel(path) for path in tracked() if path.stat().st_size > MAX_FILE_BYTES] == []


def test_no_dead_headers():
    included = {name for path in [*cpp(), *tracked("*.def", "cmake/*")] for name in re.findall(r'#include "([^"]+)"', path.read_text())}
    dead = [rel(path) for path in tracked("src/*.h") if str(path.relative_to(TREE / "src")) not in included and path.name != "pch.h"]
    assert dead == []


def test_no_words_of_unfinished_work():
    words = re.compile(r"\b(TODO|FIXME|XXX|not yet implemented|unimplemented)\b")
    wrong = [f"{rel(path)}:{number}" for path in [*cpp(), *tracked("*.py", "docs/*.md")] if path != Path(__file__)
             for number, line in enumerate(path.read_text().splitlines(), 1) if words.search(line)]
    assert wrong == []


# The lists of kinds (src/journal/record_kind.h): what is written is held to them by the journal itself. A fold that waits for a kind that nobody
# writes would be silent, so what kinds are compared with is held here.
LISTED = re.compile(r"RecordKinds?\[\] = \{(.*?)\};", re.DOTALL)
NAMED = re.compile(r"\b(k\w+)\s*=\s*\"([a-z_]+\.[a-z_]+)\"")
COMPARED = re.compile(r"\bkind [!=]= \"([a-z_]+\.[a-z_]+)\"|\bkind [!=]= (k\w+)")


def listed_kinds(texts: list[str]) -> set[str]:
    named = dict(pair for text in texts for pair in NAMED.findall(text))
    rows = [row for text in texts for body in LISTED.findall(text) for row in re.findall(r"\{([^{}]+)\}", body)]
    words = [row.split(",")[0].removeprefix(".name =").strip() for row in rows]
    return {word.strip('"') if word.startswith('"') else named[word] for word in words}


def unknown_kinds(text: str, known: set[str]) -> list[str]:
    """Kinds that a file compares with and no list has, by their name or by a constant of this file."""
    named = dict(NAMED.findall(text))
    compared = [literal or named.get(constant, "") for literal, constant in COMPARED.findall(text)]
    return [kind for kind in compared if kind and kind not in known]


def test_kinds_of_records_that_are_looked_for_are_listed():
    paths = [path for path in tracked("src/*.cc", "src/*.h") if not path.name.endswith(("_test.cc", "testing.h"))]
    known = listed_kinds([path.read_text() for path in paths])
    assert {"record.erased", "call.settled", "job.retried", "conversation.placed", "acl.interned", "batch.answered"} <= known
    wrong = [f"{rel(path)}: {kind}" for path in paths for kind in unknown_kinds(path.read_text(), known)]
    assert wrong == []


def test_the_search_for_kinds_sees_what_no_list_has():
    known = {"a.b"}
    assert unknown_kinds('if (record.kind == "a.b" || record.kind != "a.c") {', known) == ["a.c"]
    assert unknown_kinds('constexpr std::string_view kEnd = "a.d";\n  if (record.kind == kEnd) return;', known) == ["a.d"]
