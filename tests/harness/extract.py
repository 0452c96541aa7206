"""Runs lib/steward-extract as the server does: bytes in by a pipe, an answer out by another, nothing else."""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.harness.paths import extract_binary


@dataclass
class Read:
    """What the reader answered, or how it ended."""

    kind: str = ""
    type: str = ""
    text: str = ""
    pages: int | None = None
    notes: list[dict] = field(default_factory=list)
    width: int | None = None
    height: int | None = None
    fault: str = ""
    code: int = 0  # negative: the signal that ended it
    seconds: float = 0.0

    @property
    def answered(self) -> bool:
        return self.code == 0 and bool(self.kind) != bool(self.fault)


def read(data: bytes, name: str = "", *, options: tuple[str, ...] = (), before: tuple[str, ...] = (), program: Path | None = None,
         timeout: float = 90, **popen: object) -> Read:
    """`before` is the command that starts it: a sandbox, another user."""
    start = time.monotonic()
    done = subprocess.run([*before, str(program or extract_binary()), *options], input=name.encode() + b"\n" + data, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, env={}, timeout=timeout, check=False, **popen)
    head, _, text = done.stdout.partition(b"\n")
    told = json.loads(head) if head else {}
    return Read(text=text.decode(), code=done.returncode, seconds=time.monotonic() - start, **told)
