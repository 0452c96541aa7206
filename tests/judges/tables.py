"""The tables of a SQLite file, as exact text: schema and every cell with its type, in an order that does not hang on how they were written."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

Tables = dict[str, list[str]]
# Of a full-text index what it is made of is compared; its own segments hang on how often it was written, not on what stands in it.
INDEX_PARTS = ("_data", "_idx", "_docsize", "_config")


def copy_database(source: Path, target: Path) -> None:
    """The file with what is still in its log beside it."""
    for suffix in ("", "-wal"):
        if (part := source.with_name(source.name + suffix)).exists():
            shutil.copyfile(part, target.with_name(target.name + suffix))


def read_tables(path: Path) -> Tables:
    """Each table's CREATE statement, then its rows, sorted. Reads a copy: a reader may leave files beside what it reads."""
    with tempfile.TemporaryDirectory() as folder:
        copy_database(path, Path(folder) / "copy.db")
        with closing(sqlite3.connect(Path(folder) / "copy.db")) as db:
            db.text_factory = bytes
            listed = db.execute("SELECT name, sql FROM sqlite_master WHERE type='table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
            tables = {name.decode(): sql.decode() for name, sql in listed.fetchall()}
            indexes = [name for name, sql in tables.items() if "USING fts5" in sql]
            parts = {index + part for index in indexes for part in INDEX_PARTS}
            return {name: [sql, *([] if name in indexes else _rows(db, name))] for name, sql in tables.items() if name not in parts}


def _rows(db: sqlite3.Connection, table: str) -> list[str]:
    columns = [name.decode() for _, name, *_ in db.execute(f'PRAGMA table_info("{table}")')]
    cells = " || '|' || ".join(f"""typeof("{name}") || quote("{name}")""" for name in columns)
    return sorted(row[0].decode() for row in db.execute(f'SELECT {cells} FROM "{table}"'))


def differences(live: Tables, rebuilt: Tables) -> list[str]:
    """What differs, in words; empty if every byte is the same."""
    found = [f"only {where} has the table {name}" for name, where in _lonely(live, rebuilt)]
    for name in live.keys() & rebuilt.keys():
        if live[name] != rebuilt[name]:
            missing, extra = set(live[name]) - set(rebuilt[name]), set(rebuilt[name]) - set(live[name])
            shown = [f"- {row[:160]}" for row in sorted(missing)[:3]] + [f"+ {row[:160]}" for row in sorted(extra)[:3]]
            found.append(f"{name}: {len(live[name]) - 1} rows live, {len(rebuilt[name]) - 1} rebuilt; " + " ".join(shown))
    return found


def _lonely(live: Tables, rebuilt: Tables) -> list[tuple[str, str]]:
    return [(name, "the live file") for name in live.keys() - rebuilt.keys()] + [(name, "the rebuilt file") for name in rebuilt.keys() - live.keys()]


def row_count(tables: Tables) -> int:
    return sum(len(rows) - 1 for rows in tables.values())
