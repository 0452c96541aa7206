"""The local engine: llama.cpp's libraries as a package ships them, and its server compiled against them."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path

from tools.third_party.cache import entry, key_of
from tools.third_party.fetch import extract
from tools.third_party.pins import pin
from tools.third_party.say import step

TAG = "v0.4.0"
NEEDED_SOURCES = ["common", "ggml/include", "include", "licenses", "src", "tools/mtmd", "tools/server", "tools/ui", "vendor", "LICENSE"]


def build() -> Path:
    """The cached folder with lib/steward-engine and the libraries it loads from beside itself."""
    compiler = subprocess.run(["clang++-19", "--version"], capture_output=True, text=True, check=True).stdout
    recipe = [path.read_bytes() for path in sorted(Path(__file__).parent.iterdir()) if path.is_file()]
    key = key_of([_libraries().sha256, pin("node-llama-cpp").sha256, compiler, *recipe])
    return entry("engine", TAG, key, _compile)


def _libraries():
    return pin("@node-llama-cpp/linux-")


def _compile(out: Path) -> None:
    work = out.parent / "work"
    work.mkdir()
    libraries = _unpack_libraries(work, out / "lib")
    sources = _unpack_sources(work, out)
    flags = [
        f"-DLLAMA_SOURCE={sources}", f"-DLLAMA_LIBRARIES={libraries}", f"-DLLAMA_TAG={TAG}",
        "-DCMAKE_C_COMPILER=clang-19", "-DCMAKE_CXX_COMPILER=clang++-19", "-DCMAKE_BUILD_TYPE=Release",
        "-DCMAKE_CXX_FLAGS_RELEASE=-O1 -DNDEBUG", "-DCMAKE_C_FLAGS_RELEASE=-O1 -DNDEBUG",  # what is hot lies in the libraries
    ]
    with step(f"Compiling the engine (the server of llama.cpp {TAG}; about 2 minutes on 2 cores)"):
        _quietly(["cmake", "-G", "Ninja", "-S", str(Path(__file__).parent), "-B", str(work / "build"), *flags])
        _quietly(["ninja", "-C", str(work / "build"), f"-j{os.cpu_count()}", "steward-engine"])
    shutil.copy(work / "build/steward-engine", out / "lib")


def _unpack_libraries(work: Path, into: Path) -> Path:
    extract(_libraries(), work / "prebuilt", "package/bins/")
    into.mkdir()
    found = sorted((work / "prebuilt/package/bins").rglob("*.so"))
    for library in found:
        shutil.copy(library, into)
    if not (into / f"libllama.{TAG}.so").exists():
        raise SystemExit(f"{_libraries().spec} holds no llama.cpp {TAG} for {platform.machine()}.")
    return into


def _unpack_sources(work: Path, out: Path) -> Path:
    """The bundle's sources; the licence texts of all that is compiled go beside the result."""
    extract(pin("node-llama-cpp"), work / "sources", "package/llama/gitRelease.bundle")
    tree = work / "llama.cpp"
    bundle = work / "sources/package/llama/gitRelease.bundle"
    _quietly(["git", "clone", "--quiet", "--no-checkout", str(bundle), str(tree)])
    _quietly(["git", "-C", str(tree), "checkout", "--quiet", "HEAD", "--", *NEEDED_SOURCES])
    shutil.copytree(tree / "licenses", out / "licenses")
    shutil.copy(tree / "LICENSE", out / "licenses/LICENSE-llama.cpp")
    return tree


def _quietly(command: list[str]) -> None:
    """Runs a command and shows what it said only if it failed."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        print(done.stdout[-8000:])
        raise SystemExit(f"This failed (see above): {' '.join(command)}")
