"""Vectors of texts by the shipped embedder over the API, kept under build/ by what was embedded: a second run asks for nothing."""

from __future__ import annotations

import base64
import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import numpy as np

from tests.harness.admin import Admin
from tests.harness.paths import ROOT
from tests.harness.steward import Steward

MODEL = "multilingual-e5-small"
AT_ONCE = 32
# One thread, and time: beside other work, two threads of one pass wait for each other.
CONFIG = "[engine]\nwarm = false\nthreads = 1\nload_timeout_s = 3600\nhang_timeout_s = 3600\n"


class Vectors:
    def __init__(self, db: sqlite3.Connection):
        self.db = db

    def of(self, texts: list[str], kind: str) -> np.ndarray:
        """`kind`: "query" or "passage"."""
        keys = [hashlib.sha256(f"{MODEL} {kind} {text}".encode()).digest() for text in texts]
        missing = {key: text for key, text in zip(keys, texts, strict=True) if not self._find(key)}
        if missing:
            self._embed(missing, kind)
        return np.stack([np.frombuffer(self._find(key), dtype=np.float32) for key in keys])

    def _find(self, key: bytes) -> bytes:
        row = self.db.execute("SELECT vector FROM vectors WHERE key = ?", (key,)).fetchone()
        return row[0] if row else b""

    def _embed(self, missing: dict[bytes, str], kind: str) -> None:
        pairs = list(missing.items())
        with Steward(CONFIG, ready_deadline_s=600) as steward, Admin(steward) as admin:
            key = admin.new_key("bench")["secret"]
            client = httpx.Client(base_url=steward.url, headers={"Authorization": f"Bearer {key}"}, timeout=3600)
            for at in range(0, len(pairs), AT_ONCE):
                some = pairs[at : at + AT_ONCE]
                answer = client.post("/v1/embeddings", json={"model": MODEL, "input": [text for _, text in some], "input_type": kind, "encoding_format": "base64"})
                answer.raise_for_status()
                for (name, _), item in zip(some, answer.json()["data"], strict=True):
                    self.db.execute("INSERT OR REPLACE INTO vectors VALUES (?, ?)", (name, base64.b64decode(item["embedding"])))
                self.db.commit()


@contextmanager
def vectors() -> Iterator[Vectors]:
    folder = ROOT / "build" / "recall"
    folder.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(folder / "vectors.db")
    db.execute("CREATE TABLE IF NOT EXISTS vectors(key BLOB PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID")
    yield Vectors(db)
    db.close()
