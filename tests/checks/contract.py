"""What every check shares: its name, its conditions, its control, and the one JSON object it ends with.

A check gathers *metrics* from the running binary; its conditions are functions of the metrics alone, so the same judge can be handed
planted faults. `control` is true only when the judge refused every one of them.
"""

from __future__ import annotations

import json
import os
import time
import tomllib
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.harness.paths import BUILD, ROOT
from tests.harness.steward import commit, lift_file_limit

COMMITTED = ROOT / "tests" / "checks.toml"
RESULTS = (BUILD if "STEWARD_PRESET" in os.environ else ROOT / "build") / "check"  # a sanitized run's stand beside it

Metrics = dict[str, object]
Condition = Callable[[Mapping[str, object]], bool]


@dataclass(frozen=True)
class Options:
    """What a check may be told: CI's size, and NAME=VALUE settings such as KILLS=10000."""

    ci: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)

    def number(self, name: str, default: int) -> int:
        return int(self.settings.get(name, default))


@dataclass
class Outcome:
    """Metrics, and for the control: doctored metrics that the judge has to refuse, by the fault's name."""

    metrics: Metrics
    planted: dict[str, Metrics]


@dataclass(frozen=True)
class Check:
    name: str
    run: Callable[[Options], Outcome]
    conditions: Mapping[str, Condition]  # as the documentation words them

    def failures(self, metrics: Mapping[str, object], smallest: int) -> list[str]:
        """The conditions that do not hold; a metric that is missing fails what needs it."""
        broken = [text for text, holds in self.conditions.items() if not _holds(holds, metrics)]
        if int(metrics.get("cases", 0)) < smallest:
            broken.append(f"cases>={smallest}")
        return broken


def _holds(condition: Condition, metrics: Mapping[str, object]) -> bool:
    try:
        return bool(condition(metrics))
    except (KeyError, TypeError, ZeroDivisionError):
        return False


def committed(name: str) -> dict:
    with open(COMMITTED, "rb") as file:
        return tomllib.load(file)[name]


def perform(check: Check, options: Options) -> dict:
    """Runs one check and writes build/check/NAME.json. Never raises: what breaks is a failed check."""
    lift_file_limit()
    began = time.monotonic()
    smallest = committed(check.name)["cases_ci" if options.ci else "cases"]
    metrics: Metrics = {"cases": 0, "skipped": 0, "control": False}
    try:
        outcome = check.run(options)
        metrics = {"cases": 0, "skipped": 0, **outcome.metrics}
        missed = [fault for fault, doctored in outcome.planted.items() if not check.failures(doctored, smallest)]
        metrics["control"] = bool(outcome.planted) and not missed
        if missed:
            metrics["planted_faults_missed"] = missed
    except Exception as error:  # the judge's own end must be told, not hidden
        traceback.print_exc()
        metrics["error"] = f"{type(error).__name__}: {error}"[:2000]
    failed = check.failures(metrics, smallest) + ([] if metrics["control"] else ["control"]) + (["error"] if "error" in metrics else [])
    result = {
        "name": check.name,
        "ok": not failed,
        "seconds": round(time.monotonic() - began, 2),
        "metrics": metrics | ({"failed": failed} if failed else {}),
        "commit": commit(),
    }
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{check.name}.json").write_text(json.dumps(result, indent=2) + "\n")
    return result
