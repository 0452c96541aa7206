"""The Containerfile and the laid-out installation, as far as they can be judged without a container engine: what it copies is there, the run-time
packages hold every library that the program loads, and the installed tree runs from anywhere, answers its own health check, and is an unprivileged
user's."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.harness.paths import ROOT, extract_binary, steward_binary
from tests.harness.steward import Steward
from tests.operations.test_sbom import owners_of

CONTAINERFILE = ROOT / "packaging/container/Containerfile"
PACKAGES = ROOT / "packaging/container/runtime-packages.txt"
IGNORED = ROOT / ".dockerignore"


def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"\\\n\s*", "", "\n".join(line for line in CONTAINERFILE.read_text().splitlines() if not line.startswith("#")))
    return [tuple(line.split(" ", 1)) for line in text.splitlines() if line.strip()]


def tracked() -> set[str]:
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return {str(parent) for name in names for parent in [Path(name), *Path(name).parents]}


def copied() -> list[str]:
    """The paths of the working tree that the build's stage is given."""
    return [path for word, rest in instructions() if word == "COPY" and "--from" not in rest for path in shlex.split(rest)[:-1]]


def sent() -> list[str]:
    """The tracked files that reach the build: .dockerignore lets in by name, top-level by top-level, and takes out again."""
    words = [line for line in IGNORED.read_text().splitlines() if line and not line.startswith("#")]
    assert words[0] == "*" and all("/" not in word for word in words if word.startswith("!"))
    let_in = {word[1:] for word in words if word.startswith("!")}
    out = [word for word in words[1:] if not word.startswith("!") and "*" not in word]
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [name for name in names if name.split("/")[0] in let_in and not any(name == one or name.startswith(one + "/") for one in out)]


def test_every_copied_path_is_in_the_repository_and_is_sent():
    known, reach = tracked(), sent()
    assert len(copied()) >= 8 and [path for path in copied() if path.rstrip("/") not in known] == []
    assert [path for path in copied() if not any(name == path or name.startswith(path.rstrip("/") + "/") for name in reach)] == []
    assert not any(name.startswith(("tests/", "bench/")) for name in reach)


@pytest.mark.timeout(300)
def test_the_build_needs_nothing_that_is_not_copied(tmp_path):
    """CMake configures the tree as the image's build sees it. (A folder that it entered and nobody copied once broke the build.)"""
    tree = tmp_path / "src"
    for name in sent():
        if any(name == path or name.startswith(path.rstrip("/") + "/") for path in copied()):
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tree / name)
    (tree / "build").mkdir()
    (tree / "build/third_party").symlink_to(ROOT / "build/third_party")
    done = subprocess.run(["cmake", "--preset", "release", "-B", str(tmp_path / "build")], cwd=tree, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "build/build.ninja").exists()


def stages() -> list[list[tuple[str, str]]]:
    out: list[list[tuple[str, str]]] = []
    for word, rest in instructions():
        if word == "FROM":
            out.append([])
        if out:
            out[-1].append((word, rest))
    return out


def test_it_is_built_from_the_projects_own_pins():
    """Debian's packages and the pinned archives come by tools/setup and tools/build alone: no version stands here a second time."""
    build, _ = stages()
    runs = [re.sub(r"--mount=\S+ ", "", rest) for word, rest in build if word == "RUN"]
    assert runs == ["tools/setup packages", "trusting tools/setup product", "trusting tools/build product && packaging/install.sh /out"]
    assert not any(word == "ADD" for word, _ in instructions())
    assert not re.search(r"\b(curl|wget|pip|npm|git clone)\b", CONTAINERFILE.read_text().split("ARG BASE", 1)[1].split("HEALTHCHECK")[0])
    bases = {rest.split()[0] for word, rest in instructions() if word == "FROM"}
    default = dict(instructions())["ARG"]
    assert bases == {"${BASE}"} and re.fullmatch(r"BASE=docker\.io/library/debian:bookworm(-slim)?", default)


def test_nothing_that_compiles_is_in_the_final_stage():
    _, final = stages()
    copies = [rest for word, rest in final if word == "COPY"]
    assert copies == ["packaging/container/runtime-packages.txt /tmp/", "--from=build /out/usr /usr"]
    installed = with_dependencies({line for line in PACKAGES.read_text().split("\n") if line and not line.startswith("#")})
    tools = re.compile(r"(clang|gcc-\d+$|g\+\+|cpp|binutils|lld|llvm|make|cmake|ninja|git|python3|perl|nodejs|npm|lib.*-dev)\b")
    assert sorted(name for name in installed if tools.match(name) and name not in ("gcc-12-base",)) == []
    assert "clang-19" in with_dependencies({"clang-19"}) and tools.match("clang-19") and tools.match("libssl-dev"), "the judge sees none"


def with_dependencies(names: set[str]) -> set[str]:
    """What apt would bring for these, without what it only recommends."""
    quiet = ("--no-recommends", "--no-suggests", "--no-conflicts", "--no-breaks", "--no-replaces", "--no-enhances")
    told = subprocess.run(["apt-cache", "depends", "--recurse", *quiet, *sorted(names)], capture_output=True, text=True, check=False).stdout
    return names | set(re.findall(r"Depends: ([^<\s]\S*)", told))


def test_runs_as_nobody_special_with_a_volume_and_a_health_check():
    kinds = dict(instructions())
    assert kinds["USER"] == "7070:7070" and kinds["VOLUME"] == "/var/lib/steward"
    check = json.loads(kinds["HEALTHCHECK"].split("CMD ", 1)[1])
    told = subprocess.run([steward_binary(), *check[1:], "--help"], capture_output=True, text=True, check=True).stdout
    assert check[0] == "steward" and "exit code 0" in told
    for word in json.loads(kinds["CMD"])[1:]:
        assert not word.startswith("--") or word in subprocess.run([steward_binary(), "serve", "--help"], capture_output=True, text=True, check=True).stdout


def test_the_runtime_packages_hold_every_library():
    listed = {line for line in PACKAGES.read_text().split("\n") if line and not line.startswith("#")}
    always_there = {"libc6", "libgcc-s1", "gcc-12-base", "zlib1g", "libzstd1", "libtinfo6"}
    with_theirs = with_dependencies(listed) | always_there
    missing = {}
    for program in (steward_binary(), (steward_binary().parents[1] / "lib/steward-engine").resolve(), extract_binary()):
        told = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
        assert "not found" not in told
        # llama.cpp's own libraries lie beside the engine.
        loaded = [path for path in re.findall(r"=> (/\S+)", told) if str(ROOT) not in path and "third_party" not in path]
        missing |= {path: owners for path, owners in owners_of(loaded).items() if not owners & with_theirs}
    assert missing == {}


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    to = tmp_path_factory.mktemp("out")
    subprocess.run([ROOT / "packaging/install.sh", to, steward_binary().parents[1]], check=True, capture_output=True)
    return to / "usr"


def test_the_installed_tree_runs_from_where_it_lies(installed, monkeypatch):
    monkeypatch.setenv("STEWARD_BIN", str(installed / "bin/steward"))
    with Steward() as steward:
        models = {model["name"]: model for model in steward.cli_json("models", "list")}
        assert len(models) >= 2 and all(str(installed) in model["path"] for model in models.values() if model.get("path"))
        assert json.loads(steward.cli("health").stdout)["status"] == "ready"
        assert not any(one["mark"] == "bad" for one in json.loads(steward.cli("doctor", "--json", check=False).stdout))
    assert (installed / "lib/systemd/system/steward.service").exists() and (installed / "share/doc/steward/sbom.json").exists()


def test_the_unit_names_what_is_installed(installed):
    unit = (installed / "lib/systemd/system/steward.service").read_text()
    programs = re.findall(r"^Exec\w+=[-@:+!]*(\S+)", unit, re.MULTILINE)
    assert len(programs) >= 2
    # And nothing else: a bare Debian has no /bin/kill, for one.
    assert [program for program in programs if not (installed.parent / program.lstrip("/")).exists()] == []
