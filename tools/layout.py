"""Puts the engine, its libraries and the shipped models where the program looks for them, relative to itself:
bin/steward, lib/steward-engine and its .so files, share/steward/models/*.gguf, share/steward/demo. lib/steward-extract is compiled to where it lies.

    python3 -m tools.layout BUILD_FOLDER

Files are hard links into the cache where the file system allows, so that a build folder costs no second copy.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

TREE = Path(__file__).resolve().parents[1]
LAID = TREE / "build" / "third_party"


def place(source: Path, target: Path) -> None:
    """Makes `target` the same file as `source`; a running program keeps the one it opened."""
    if target.exists() and os.path.samefile(source, target):
        return
    fresh = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        os.link(source.resolve(), fresh)
    except OSError:
        if target.exists() and _alike(source, target):
            return
        shutil.copy2(source, fresh)
    fresh.replace(target)


def _alike(source: Path, target: Path) -> bool:
    one, other = source.stat(), target.stat()
    return (one.st_size, int(one.st_mtime)) == (other.st_size, int(other.st_mtime))


def mirror(source: Path, target: Path, pattern: str = "*", beside: frozenset[str] = frozenset()) -> None:
    """`target` holds exactly the files of `source` that fit `pattern`, and those `beside` them that are its own."""
    target.mkdir(parents=True, exist_ok=True)
    wanted = {path.name: path for path in source.glob(pattern) if path.is_file()}
    for present in target.iterdir():
        if present.name not in wanted and present.name not in beside:
            present.unlink()
    for name, path in wanted.items():
        place(path, target / name)


def main() -> None:
    build = Path(sys.argv[1])
    mirror(LAID / "llama/lib", build / "lib", beside=frozenset({"steward-extract"}))
    mirror(LAID / "models", build / "share/steward/models", "*.gguf")
    mirror(TREE / "demo", build / "share/steward/demo", "*")


if __name__ == "__main__":
    main()
