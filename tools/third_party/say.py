"""Tells the person what set-up is doing and how long it took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def step(what: str) -> Iterator[None]:
    """Prints `what …` at once and the time it took at the end, so that a wait is never a riddle."""
    print(f"  {what} …", flush=True)
    start = time.monotonic()
    yield
    print(f"  {what}: done in {time.monotonic() - start:.0f} s", flush=True)
