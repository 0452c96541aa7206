"""What every benchmark ends with: a printed table, and build/bench/NAME.json with rows, ratios, which aims were met, machine and commit."""

from __future__ import annotations

import json
import os
import platform
import statistics
from dataclasses import dataclass, field
from pathlib import Path

from tests.harness.paths import ROOT
from tests.harness.steward import commit

RESULTS = ROOT / "build" / "bench"


@dataclass
class Report:
    name: str
    rows: list[dict] = field(default_factory=list)
    ratios: dict[str, float] = field(default_factory=dict)
    met: dict[str, bool] = field(default_factory=dict)  # by the aim's words; a missed aim never fails

    def write(self) -> Path:
        RESULTS.mkdir(parents=True, exist_ok=True)
        path = RESULTS / f"{self.name}.json"
        body = {"name": self.name, "rows": self.rows, "ratios": self.ratios, "met": self.met, "machine": machine(), "commit": commit()}
        path.write_text(json.dumps(body, indent=2) + "\n")
        return path

    def table(self) -> str:
        columns = list(dict.fromkeys(key for row in self.rows for key in row))
        lines = [[str(row.get(column, "")) for column in columns] for row in self.rows]
        widths = [max(len(line[at]) for line in [columns, *lines]) for at in range(len(columns))]
        text = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in [columns, *lines]]
        text += [f"{name}: {value:.3f}" for name, value in self.ratios.items()]
        text += [f"{'met   ' if ok else 'MISSED'}  {aim}" for aim, ok in self.met.items()]
        return "\n".join(text)


def machine() -> dict:
    model = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "?")
    return {"cpu": model, "cores": os.cpu_count(), "kernel": platform.release(), "load": round(os.getloadavg()[0], 2)}


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def median(values: list[float]) -> float:
    return statistics.median(values)
