"""What docs/security.md says is held by a test, is: each named file, fuzzer and check is there."""

from __future__ import annotations

import re
from pathlib import Path

from tests.checks.__main__ import NAMES

ROOT = Path(__file__).resolve().parents[2]


def test_every_named_test_is_there() -> None:
    table = (ROOT / "docs/security.md").read_text().split("## What is not")[0]
    rows = [line.split("|") for line in table.splitlines() if line.startswith("| ") and not line.startswith("| against")]
    assert len(rows) > 15
    missing = []
    for _, against, _, held, _ in rows:
        named = re.findall(r"`([\w./*-]+)`", held)
        assert named, against
        for name in named:
            there = name in NAMES or (ROOT / name).exists() or any(ROOT.glob(f"src/**/{name}.cc")) or any(ROOT.glob(f"src/**/{name}"))
            missing += [] if there else [name]
    assert missing == []
