"""The Containerfile and the laid-out installation, as far as they can be judged without a container engine: what it copies is there, the run-time
packages hold every library that the program loads, and the installed tree runs from anywhere, answers its own health check, and is an unprivileged
user's."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.harness.paths import ROOT, extract_binary, steward_binary
from tests.harness.steward import Steward
from tests.operations.test_sbom import owners_of

CONTAINERFILE = ROOT / "packaging/container/Containerfile"
PACKAGES = ROOT / "packaging/container/runtime-packages.txt"


def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"\\\n\s*", "", "\n".join(line for line in CONTAINERFILE.read_text().splitlines() if not line.startswith("#")))
    return [tuple(line.split(" ", 1)) for line in text.splitlines() if line.strip()]


def tracked() -> set[str]:
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return {str(parent) for name in names for parent in [Path(name), *Path(name).parents]}


def test_every_copied_path_is_in_the_repository():
    known, copied = tracked(), []
    for word, rest in instructions():
        if word == "COPY" and "--from" not in rest:
            copied += shlex.split(rest)[:-1]
    assert len(copied) >= 8 and [path for path in copied if path.rstrip("/") not in known] == []


def test_what_the_build_reads_is_copied():
    """Every folder that CMake and the build's scripts enter."""
    copied = {path.split("/")[0] for word, rest in instructions() if word == "COPY" and "--from" not in rest for path in shlex.split(rest)[:-1]}
    cmake = (ROOT / "CMakeLists.txt").read_text() + (ROOT / "cmake/floors.cmake").read_text()
    entered = set(re.findall(r"include\((\w+)/", cmake)) | set(re.findall(r"\$\{CMAKE_SOURCE_DIR\}/(\w+)", cmake)) - {"bench"}
    assert entered <= copied
    runs = [word for kind, rest in instructions() if kind == "RUN" for word in shlex.split(rest) if "/" in word and not word.startswith(("/", "-"))]
    assert all((ROOT / word).exists() for word in runs if word.startswith(("tools/", "packaging/")))


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
    depends = subprocess.run(["apt-cache", "depends", "--recurse", "--no-recommends", "--no-suggests", "--no-conflicts", "--no-breaks", "--no-replaces", "--no-enhances", *sorted(listed)],
                             capture_output=True, text=True, check=False).stdout
    with_theirs = listed | set(re.findall(r"Depends: (\S+)", depends)) | always_there
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
    program = re.search(r"^ExecStart=(\S+)", unit, re.MULTILINE).group(1)
    assert (installed.parent / program.lstrip("/")).exists()
