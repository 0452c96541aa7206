"""journal: durable appends at 1 and 256 writers, beside raw SQLite batches and fdatasync alone, all in one run of bin/journal_bench."""

from __future__ import annotations

import json
import subprocess

from tests.bench.report import Report
from tests.harness.paths import ROOT

PROGRAM = ROOT / "build/release/bin/journal_bench"


def run(duration_s: float) -> Report:
    done = subprocess.run([str(PROGRAM), "--duration", str(duration_s)], capture_output=True, text=True, check=True, timeout=duration_s * 4 + 120)
    told = json.loads(done.stdout.splitlines()[-1])
    return Report("journal", told["rows"], told["ratios"], told["met"])
