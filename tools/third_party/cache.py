"""The cache of third-party builds, outside the source tree and shared by all clones of one person.

An entry is a folder NAME-VERSION-KEY, where KEY digests all that shapes it (archives, recipe, compiler). It is made in a
folder of another name and renamed when whole: what is there is complete, whatever was interrupted. A lock per entry keeps two
set-ups at once from doing the same work.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path


def cache_root() -> Path:
    if given := os.environ.get("STEWARD_CACHE"):
        return Path(given).absolute()
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "steward"


def key_of(parts: Iterable[str | bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()[:16]


def entry(name: str, version: str, key: str, make: Callable[[Path], None]) -> Path:
    """The folder of this entry; `make` fills it (in another place) if it isn't there."""
    folder = cache_root() / "third_party"
    folder.mkdir(parents=True, exist_ok=True)
    final = folder / f"{name}-{version}-{key}"
    if final.is_dir():
        return final
    with open(folder / f".{final.name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if final.is_dir():
            return final
        scratch = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=folder))
        try:
            made = scratch / "made"
            made.mkdir()
            make(made)
            made.rename(final)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return final


def link(target: Path, at: Path) -> None:
    """Points the symbolic link `at` to `target`, replacing what it pointed to."""
    at.parent.mkdir(parents=True, exist_ok=True)
    if at.is_symlink() and Path(os.readlink(at)) == target:
        return
    fresh = at.with_name(f".{at.name}.{os.getpid()}")
    fresh.symlink_to(target)
    if at.is_dir() and not at.is_symlink():
        shutil.rmtree(at)
    fresh.replace(at)
