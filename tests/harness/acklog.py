"""The clients' own log: what a server acknowledged, on disk before it is counted.

One JSON object a line. The judge reads it in another process, so a client that dies keeps what it was told.
"""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path


class AckLog:
    def __init__(self, path: Path):
        self.path = path
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._lock = threading.Lock()
        self.count = 0

    def add(self, ack: str, /, **fields: object) -> None:
        line = json.dumps({"ack": ack, **fields}, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            if os.write(self._file, line) != len(line):
                raise OSError("the clients' log was cut short")
            os.fdatasync(self._file)
            self.count += 1

    def close(self) -> None:
        os.close(self._file)


def read_log(path: Path) -> list[dict]:
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]
