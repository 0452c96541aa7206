"""Canaries: words that stand nowhere but where they were planted, and the scanner that finds them in whatever a program made of them.

A canary is a random word in one of several scripts. What is looked for are its *forms*: as it was written, folded, without accents, the
pairs that scripts without spaces are cut into, and the end of it alone, which is left where an index writes only what a word doesn't share
with the one before. Each form is looked for in UTF-8, and the whole ones in UTF-16 of both ends, as JSON escapes, percent-encoded, in hex and
in base64 at each of its three alignments; and in what is packed in zip and gzip. Pure but for reading files.
"""

from __future__ import annotations

import base64
import gzip
import io
import random
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import numpy as np

GRAM = 6  # bytes: the shortest form that is looked for
WIDE, MASK = 8, np.uint64((1 << 8 * GRAM) - 1)  # read eight bytes at a time, of which six count
HASH_BITS = 21
CHUNK = 1 << 20
MOST_UNPACKED = 64 << 20
TAIL = 4  # letters that an index may leave out, since the word before it began with them
VOWELS, CONSONANTS = "aeiou", "bdfgklmnprtvz"
ACCENTS = "àéîõüçñšžåœöě"
ARABIC, MARKS = "بتثجحخدذرزسشصضطظعغفقكلمن", "\u064b\u064c\u064d\u064e\u064f\u0650"
HAN = [chr(code) for code in range(0x8D00, 0x9FA0)]
SCRIPTS = ("latin", "accented", "chinese", "arabic")
ENDINGS = {"en": "ings", "de": "en", "": ""}  # what a stemmer takes off


@dataclass(frozen=True)
class Canary:
    place: str
    script: str
    root: str  # what every form of it has in it

    def written(self, language: str = "en") -> str:
        """As somebody writes it: with an ending, where its script has endings."""
        return self.root + (ENDINGS[language] if self.script == "latin" else "")

    def wholes(self) -> set[str]:
        out = {self.root, self.root.casefold(), _bare(self.root)}
        if self.script == "accented":
            out |= {unicodedata.normalize("NFD", self.root), unicodedata.normalize("NFC", self.root)}
        return out

    def parts(self) -> set[str]:
        if self.script == "chinese":
            pairs = {self.root[at : at + 2] for at in range(len(self.root) - 1)}
            return pairs | {" ".join(self.root)}
        return {whole[TAIL:] for whole in self.wholes()}

    def patterns(self) -> set[bytes]:
        out = {part.encode() for part in self.parts()}
        for whole in self.wholes():
            out |= set(encodings(whole))
        return {one for one in out if len(one) >= GRAM}


def _bare(text: str) -> str:
    apart = unicodedata.normalize("NFD", text.casefold())
    return "".join(c for c in apart if not unicodedata.combining(c))


def encodings(text: str) -> Iterator[bytes]:
    plain = text.encode()
    yield plain
    yield plain.hex().encode()
    for wide in (text.encode("utf-16-le"), text.encode("utf-16-be")):
        yield wide
        yield from base64_inside(wide)
    yield from base64_inside(plain)
    if not text.isascii():
        for form in ("\\u%04x", "\\u%04X"):
            yield "".join(c if c.isascii() else form % ord(c) for c in text).encode()
        yield quote(text).encode()
        yield quote(text).lower().encode()


def base64_inside(data: bytes) -> Iterator[bytes]:
    """What of its base64 is the same whatever stands before and after it, at each alignment, in both alphabets."""
    for before in range(3):
        coded = base64.b64encode(bytes(before) + data)
        first = (0, 2, 3)[before]
        end = (before + len(data)) * 8 // 6
        inner = coded[first:end]
        yield inner
        if b"+" in inner or b"/" in inner:
            yield inner.replace(b"+", b"-").replace(b"/", b"_")


class Maker:
    """Makes canaries that share nothing with each other, on a seed."""

    def __init__(self, seed: int):
        self.rng = random.Random(seed)
        self.made: list[Canary] = []
        self._roots: set[str] = set()
        self._han = HAN.copy()
        self.rng.shuffle(self._han)

    def make(self, place: str, script: str) -> Canary:
        while (root := self._word(script)) in self._roots:
            pass
        self._roots.add(root)
        self.made.append(Canary(place, script, root))
        return self.made[-1]

    def _word(self, script: str) -> str:
        pick = self.rng.choice
        if script == "chinese":
            return "".join(self._han.pop() for _ in range(4))
        if script == "arabic":
            return "".join(pick(ARABIC) + (pick(MARKS) if at % 3 == 1 else "") for at in range(9))
        syllables = "".join(pick(CONSONANTS) + pick(VOWELS) for _ in range(7)) + "k"
        if script == "latin":
            return syllables
        return "".join(pick(ACCENTS) if c in VOWELS and at % 4 == 1 else c for at, c in enumerate(syllables)).capitalize()


class Scanner:
    """Finds which of some canaries stand in bytes; one pass, however many there are."""

    def __init__(self, canaries: Iterable[Canary]):
        self._by_gram: dict[int, list[tuple[bytes, Canary]]] = {}
        for canary in canaries:
            for pattern in canary.patterns():
                self._by_gram.setdefault(int.from_bytes(pattern[:GRAM], "little"), []).append((pattern, canary))
        self._grams = np.sort(np.fromiter(self._by_gram, dtype=np.uint64, count=len(self._by_gram)))
        self._table = np.zeros(1 << HASH_BITS, dtype=bool)
        self._table[_hashes(self._grams)] = True
        self._longest = max((len(one) for all_ in self._by_gram.values() for one, _ in all_), default=0)
        self.scanned = 0  # bytes

    def scan(self, data: bytes) -> set[Canary]:
        self.scanned += len(data)
        found: set[Canary] = set()
        for start in range(0, len(data), CHUNK):
            self._chunk(data[start : start + CHUNK + self._longest], found)
        for inner in unpacked(data):
            found |= self.scan(inner)
        return found

    def _chunk(self, data: bytes, found: set[Canary]) -> None:
        if data.count(0) == len(data):
            return
        data += bytes(WIDE)  # so that the last bytes begin a gram too
        for at in range(WIDE):
            grams = np.frombuffer(data, dtype="<u8", count=(len(data) - at) // WIDE, offset=at) & MASK
            if not grams.any():
                continue
            places = np.flatnonzero(self._table.take(_hashes(grams)))
            places = places[np.isin(grams[places], self._grams)]
            for place in places.tolist():
                for pattern, canary in self._by_gram[int(grams[place])]:
                    if canary not in found and data.startswith(pattern, place * WIDE + at):
                        found.add(canary)

    def scan_files(self, *folders: Path) -> dict[Canary, str]:
        """Where in these folders each canary was found first, names of files included."""
        out: dict[Canary, str] = {}
        for folder in folders:
            for path in sorted(folder.rglob("*")):
                name = str(path.relative_to(folder))
                for canary in self.scan(name.encode()) | self._file(path):
                    out.setdefault(canary, name)
        return out

    def _file(self, path: Path) -> set[Canary]:
        if path.is_symlink() or not path.is_file():
            return set()
        try:
            return self.scan(path.read_bytes())
        except FileNotFoundError:  # gone meanwhile
            return set()


def scan_folders(canaries: list[Canary], folders: list[Path]) -> tuple[dict[Canary, str], int]:
    """For a process of its own: what was found in these folders, and how many bytes were looked at."""
    scanner = Scanner(canaries)
    return scanner.scan_files(*folders), scanner.scanned


def _hashes(grams: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        return ((grams * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(64 - HASH_BITS)).view(np.int64)


def unpacked(data: bytes) -> Iterator[bytes]:
    """What is packed in it: the members of a zip, a gzip or zlib stream."""
    if data[:4] == b"PK\x03\x04":
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                for member in archive.infolist():
                    if member.file_size <= MOST_UNPACKED:
                        yield member.filename.encode()
                        yield archive.read(member)
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError):
            return
    elif data[:2] == b"\x1f\x8b":
        try:
            yield gzip.decompress(data)
        except (OSError, EOFError, zlib.error):
            return
