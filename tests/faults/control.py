"""Steers the fault shim (fault_shim.c) of a running server from outside: rules that make its disk fail, and its wall clock's offset.

The page is shared memory, so a change holds for the server's next call; `fired` says how often a rule has struck.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

from tests.harness.paths import BUILD

WRITE, SYNC, READ, OPEN_TO_WRITE, NAMES, TRUNCATE = 1, 2, 4, 8, 16, 32
CHANGES = WRITE | OPEN_TO_WRITE | NAMES | TRUNCATE
ERRNO, SHORT, TEAR_AND_DIE, FLIP, SHORT_THEN_ERRNO = 1, 2, 3, 4, 5

PAGE_BYTES, RULES_AT, RULE_BYTES, RULES = 4096, 64, 128, 8
CLOCK_AT, IGNORE_AT, LOG_BYTES_AT = 8, 16, 24
RULE = struct.Struct("<4I2q2Q64s16x")


def shim() -> Path:
    return BUILD / "tests" / "fault_shim.so"


class Faults:
    """One server's page. `env()` is what the server is started with."""

    def __init__(self, folder: Path, home: Path, log: Path | None = None):
        self.path, self.home, self.log = folder / "faults", home, log
        self.path.write_bytes(bytes(PAGE_BYTES))
        with open(self.path, "r+b") as file:
            self._page = mmap.mmap(file.fileno(), PAGE_BYTES)
        self._used = 0

    def env(self) -> dict[str, str]:
        told = {"LD_PRELOAD": str(shim()), "FAULT_CONTROL": str(self.path), "FAULT_HOME": str(self.home)}
        return told | ({"FAULT_LOG": str(self.log)} if self.log else {})

    def arm(self, ops: int, action: int, *, error: int = 0, match: str = "", skip: int = 0, times: int = -1) -> int:
        """A rule's number. `times` calls fail (-1: all) after `skip` that pass; `match` is what the path ends with."""
        rule, self._used = self._used, self._used + 1
        if rule >= RULES:
            raise ValueError("the page has no room for another rule")
        at = RULES_AT + rule * RULE_BYTES
        self._page[at : at + RULE_BYTES] = RULE.pack(0, ops, action, error, skip, times, 0, 0, match.encode())
        struct.pack_into("<I", self._page, at, 1)
        return rule

    def disarm(self) -> None:
        """The disk works again."""
        for rule in range(self._used):
            struct.pack_into("<I", self._page, RULES_AT + rule * RULE_BYTES, 0)

    def fired(self) -> int:
        return sum(struct.unpack_from("<Q", self._page, RULES_AT + rule * RULE_BYTES + 32)[0] for rule in range(self._used))

    def step_clock(self, seconds: float) -> None:
        """The server's wall clock stands so far from the machine's."""
        struct.pack_into("<q", self._page, CLOCK_AT, int(seconds * 1e9))

    def ignore_syncs(self) -> None:
        struct.pack_into("<I", self._page, IGNORE_AT, 1)

    def log_bytes(self) -> int:
        return struct.unpack_from("<Q", self._page, LOG_BYTES_AT)[0]
