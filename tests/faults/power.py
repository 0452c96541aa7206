"""What a disk holds after a power cut: built from the shim's log of every write and sync, for any point of it and any luck.

The rules, which are the strictest that a disk and POSIX leave:
- What was written to a file before a sync of it began, and that sync ended before the cut, is there.
- Every other write is kept, dropped, or torn: of its 512-byte sectors some are kept. A kept sector holds what the page cache held of it
  after that write. Truncations are kept or dropped.
- Changes of names (new files and folders, renames, removals) hold once their folder was synced; of the later ones of a folder a random
  number, in their order, is kept.
"""

from __future__ import annotations

import os
import random
import shutil
import struct
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

FILE, CREATE, WRITE, TRUNCATE, SYNC_BEGIN, SYNC_END, RENAME, UNLINK, MKDIR, DIR_BEGIN, DIR_END = range(1, 12)
ENTRY = struct.Struct("<2I2Q")
SECTOR = 512
NAMES = (CREATE, RENAME, UNLINK, MKDIR)


@dataclass(frozen=True)
class Entry:
    op: int
    file: int
    offset: int  # of a write; a truncation's length; a sync's token
    data: memoryview
    end: int  # bytes of log up to and with this entry

    def path(self) -> str:
        return bytes(self.data).decode()


@dataclass
class Luck:
    """How one cut falls: which share of the writes that were not synced is kept whole, and which torn."""

    keep: float
    tear: float
    rng: random.Random

    @classmethod
    def draw(cls, seed: int) -> Luck:
        rng = random.Random(seed)
        keep, tear = rng.choice([(0.0, 0.0), (1.0, 0.0), (0.5, 0.0), (0.5, 0.3), (0.1, 0.6), (0.9, 0.1)])
        return cls(keep, tear, rng)


@dataclass
class Image:
    """What the cut left, and what it took."""

    dropped: int = 0
    torn: int = 0
    kept: int = 0
    names_dropped: int = 0
    files: dict[int, bytearray] = field(default_factory=dict)
    names: dict[str, int | None] = field(default_factory=dict)  # path → file; None: a folder
    modes: dict[int, int] = field(default_factory=dict)


def read_log(data: bytes) -> Iterator[Entry]:
    """The entries in order. A file that a later life of the server opens again keeps its first number."""
    live: dict[str, int] = {}
    same: dict[int, int] = {}
    for entry in _raw_entries(data):
        if entry.op == FILE and entry.path() in live:
            same[entry.file] = live[entry.path()]
            continue
        if entry.op in (FILE, CREATE):
            live[entry.path()] = entry.file
        elif entry.op == UNLINK:
            live.pop(entry.path(), None)
        elif entry.op == RENAME:
            old, new = entry.path().split("\n")
            if old in live:
                live[new] = live.pop(old)
        yield replace(entry, file=same[entry.file]) if entry.file in same else entry


def _raw_entries(data: bytes) -> Iterator[Entry]:
    view, at = memoryview(data), 0
    while at + ENTRY.size <= len(view):
        op, length, file, offset = ENTRY.unpack_from(view, at)
        end = at + ENTRY.size + length
        if end > len(view):
            return
        yield Entry(op, file, offset, view[at + ENTRY.size : end], end)
        at = end


def cut(entries: list[Entry], base: Path | None, home: Path, at: int, luck: Luck) -> Image:
    """The image after power went when `at` bytes of the log stood. `base`: what the home held, all of it durable, when the log began."""
    seen = entries[: _count(entries, at)]
    image = Image()
    _lay_base(image, base, home)
    _names(image, seen, home, luck)
    _contents(image, seen, base, home, luck)
    return image


def _count(entries: list[Entry], at: int) -> int:
    low, high = 0, len(entries)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if entries[middle].end <= at else (low, middle)
    return low


def _lay_base(image: Image, base: Path | None, home: Path) -> None:
    image.names[str(home)] = None
    for found in sorted(base.rglob("*")) if base else []:
        image.names[str(home / found.relative_to(base))] = None if found.is_dir() else 0


def _synced_until(seen: list[Entry], begin: int, end: int, key) -> dict:
    """By file or folder: the index up to which a finished sync covers it."""
    begun = {entry.offset: index for index, entry in enumerate(seen) if entry.op == begin}
    until: dict = {}
    for entry in seen:
        if entry.op == end and entry.offset in begun:
            until[key(entry)] = max(until.get(key(entry), -1), begun[entry.offset])
    return until


def _folder(entry: Entry) -> str:
    path = entry.path().split("\n")[-1]
    return os.path.dirname(path)


def _names(image: Image, seen: list[Entry], home: Path, luck: Luck) -> None:
    """Applies the changes of names that hold: of each folder all up to its last sync, then a random number more."""
    synced = _synced_until(seen, DIR_BEGIN, DIR_END, lambda entry: entry.path())
    changes = defaultdict(list)
    for index, entry in enumerate(seen):
        if entry.op in NAMES:
            changes[_folder(entry)].append(index)
    holds: set[int] = set()
    for folder, indexes in changes.items():
        sure = sum(index <= synced.get(folder, -1) for index in indexes)
        count = luck.rng.choice([sure, len(indexes), luck.rng.randint(sure, len(indexes))])
        image.names_dropped += len(indexes) - count
        holds.update(indexes[:count])
    for index, entry in enumerate(seen):
        if entry.op == FILE:
            image.names[entry.path()] = entry.file
        elif index in holds:
            _change_name(image, entry)
    for path in sorted(image.names):  # a folder before what is in it
        if path != str(home) and image.names.get(os.path.dirname(path), 0) is not None:
            del image.names[path]


def _change_name(image: Image, entry: Entry) -> None:
    if entry.op == CREATE:
        image.names[entry.path()] = entry.file
    elif entry.op == MKDIR:
        image.names[entry.path()] = None
    elif entry.op == UNLINK:
        image.names.pop(entry.path(), None)
    else:
        old, new = entry.path().split("\n")
        if old in image.names:
            image.names[new] = image.names.pop(old)


def _contents(image: Image, seen: list[Entry], base: Path | None, home: Path, luck: Luck) -> None:
    synced = _synced_until(seen, SYNC_BEGIN, SYNC_END, lambda entry: entry.file)
    cache: dict[int, bytearray] = {}
    for index, entry in enumerate(seen):
        if entry.op in (FILE, CREATE):
            start = _base_bytes(entry, base, home)
            cache[entry.file], image.files[entry.file] = bytearray(start), bytearray(start)
            image.modes[entry.file] = entry.offset
        elif entry.op == WRITE:
            _write(cache[entry.file], entry.offset, entry.data)
            _settle_write(image, cache[entry.file], entry, index <= synced.get(entry.file, -1), luck)
        elif entry.op == TRUNCATE:
            _resize(cache[entry.file], entry.offset)
            if index <= synced.get(entry.file, -1) or luck.rng.random() < luck.keep:
                _resize(image.files[entry.file], entry.offset)
            else:
                image.dropped += 1


def _base_bytes(entry: Entry, base: Path | None, home: Path) -> bytes:
    if entry.op == CREATE or not base:
        return b""
    return (base / Path(entry.path()).relative_to(home)).read_bytes()


def _write(buffer: bytearray, at: int, data: memoryview) -> None:
    if len(buffer) < at:
        buffer.extend(bytes(at - len(buffer)))
    buffer[at : at + len(data)] = data


def _resize(buffer: bytearray, length: int) -> None:
    if len(buffer) > length:
        del buffer[length:]
    else:
        buffer.extend(bytes(length - len(buffer)))


def _settle_write(image: Image, cache: bytearray, entry: Entry, sure: bool, luck: Luck) -> None:
    disk, end = image.files[entry.file], entry.offset + len(entry.data)
    draw = 0.0 if sure else luck.rng.random()
    if sure or draw < luck.keep:
        image.kept += not sure
        return _take_sectors(disk, cache, entry.offset, end)
    image.dropped += 1
    if draw < luck.keep + luck.tear:
        image.torn += 1
        for sector in range(entry.offset // SECTOR, (end + SECTOR - 1) // SECTOR):
            if luck.rng.random() < 0.5:
                _take_sectors(disk, cache, max(entry.offset, sector * SECTOR), min(end, (sector + 1) * SECTOR))


def _take_sectors(disk: bytearray, cache: bytearray, begin: int, end: int) -> None:
    """The sectors of [begin, end) as the page cache holds them; a file grows only to the end of what is kept."""
    first, last = begin // SECTOR * SECTOR, min(len(cache), (end + SECTOR - 1) // SECTOR * SECTOR)
    last = max(end, min(last, len(disk)))
    _write(disk, first, memoryview(cache)[first:last])


def lay_down(image: Image, home: Path, target: Path, base: Path | None) -> None:
    """Writes the image as a home that a server can start on. Shared-memory files don't outlive the machine."""
    for path, file in sorted(image.names.items(), key=lambda item: item[0]):
        place = target / Path(path).relative_to(home)
        if file is None:
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
        elif not path.endswith("-shm"):
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if file:
                place.write_bytes(image.files[file])
            else:
                shutil.copyfile(base / Path(path).relative_to(home), place)
            place.chmod(image.modes.get(file, 0o600) if file else 0o600)
