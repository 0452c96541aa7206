"""Ways to change a journal behind its owner's back. Each must be found by `steward journal verify`."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

MIDDLE = "(SELECT pos FROM records WHERE erased=0 AND length(body)>2 ORDER BY pos LIMIT 1 OFFSET (SELECT count(*)/2 FROM records WHERE erased=0 AND length(body)>2))"


def _sql(*statements: str) -> Callable[[Path], None]:
    def change(journal: Path) -> None:
        with closing(sqlite3.connect(journal)) as db:
            changed = sum(db.execute(statement.replace("MIDDLE", MIDDLE)).rowcount for statement in statements)
            db.commit()
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        if changed < 1:
            raise AssertionError("the tampering changed nothing")

    return change


def _flip_a_byte(journal: Path) -> None:
    """One byte inside a stored body, by no database's rules."""
    with closing(sqlite3.connect(journal)) as db:
        (body,) = db.execute(f"SELECT body FROM records WHERE pos={MIDDLE}").fetchone()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = bytearray(journal.read_bytes())
    at = data.index(body if isinstance(body, bytes) else body.encode())
    data[at + 1] ^= 0x01
    journal.write_bytes(data)


FAULTS: dict[str, Callable[[Path], None]] = {
    "one byte of a body, on the disk": _flip_a_byte,
    "a body": _sql("UPDATE records SET body = CAST(replace(CAST(body AS TEXT), ':', ': ') AS BLOB) WHERE pos=MIDDLE"),
    "an actor": _sql("UPDATE records SET actor = 'usr_00000000000000000000000000' WHERE pos=MIDDLE"),
    "a time": _sql("UPDATE records SET time = time + 1 WHERE pos=MIDDLE"),
    "a kind": _sql("UPDATE records SET kind = 'call.settled2' WHERE pos=MIDDLE"),
    "a label": _sql("UPDATE records SET label = 'owner2' WHERE pos=MIDDLE"),
    "a salt": _sql("UPDATE records SET salt = zeroblob(32) WHERE pos=MIDDLE"),
    "a digest": _sql("UPDATE records SET digest = zeroblob(32) WHERE pos=MIDDLE"),
    "a record taken out": _sql("DELETE FROM records WHERE pos=MIDDLE"),
    "the last record taken off": _sql("DELETE FROM records WHERE pos=(SELECT max(pos) FROM records)"),
    "a body hidden as if erased": _sql("UPDATE records SET body = NULL, salt = NULL, erased = 1 WHERE pos=MIDDLE"),
}
