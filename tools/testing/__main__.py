"""python -m tools.testing [STAGE...]: all stages of `make test` after the build, or the named ones.

Writes the seconds of each stage to build/test-times.json and ends with one line `N passed, N failed, N skipped` over all.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from tools.testing import stages
from tools.testing.outcome import Outcome

TIMES = Path(__file__).resolve().parents[2] / "build/test-times.json"
# Minutes that each stage may take in a fresh clone without any cache on 2 cores, 75 together; more is said, not failed. `clients` are all
# tests of whole servers, `fuzz` is with the fuzzers' build.
BUDGET_MINUTES = {"setup": 8, "build": 18, "unit": 4, "tidy": 1, "web": 2, "clients": 14, "checks": 18, "fuzz": 10}
STAGES = {"unit": stages.unit, "tidy": stages.tidy, "web": stages.web, "clients": stages.clients, "checks": stages.checks, "fuzz": stages.fuzz}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--setup-s", type=int)
    parser.add_argument("--build-s", type=int)
    parser.add_argument("stages", nargs="*", help=f"of {', '.join(STAGES)}")
    arguments = parser.parse_args()
    if unknown := set(arguments.stages) - set(STAGES):
        parser.error(f"there is no stage {', '.join(sorted(unknown))}; there are {', '.join(STAGES)}")
    seconds = {"setup": arguments.setup_s, "build": arguments.build_s}
    seconds = {name: taken for name, taken in seconds.items() if taken is not None}
    outcomes: dict[str, Outcome] = {}
    for name in arguments.stages or STAGES:
        print(f"\n== {name}", flush=True)
        start = time.monotonic()
        outcomes[name] = STAGES[name]()
        seconds[name] = round(time.monotonic() - start, 1)
        if not outcomes[name].passed and not outcomes[name].failed:
            print(f"The stage {name} ran no test.")
            outcomes[name].failed = 1
        print(f"== {name}: {outcomes[name]} in {seconds[name]:.0f} s", flush=True)
    TIMES.write_text(json.dumps(seconds, indent=2) + "\n")
    sys.exit(report(seconds, outcomes))


def report(seconds: dict[str, float], outcomes: dict[str, Outcome]) -> int:
    print()
    for name, taken in seconds.items():
        over = "  over its budget" if taken > BUDGET_MINUTES[name] * 60 else ""
        print(f"{name:8} {taken:7.0f} s  of {BUDGET_MINUTES[name]:2} min  {outcomes.get(name, '')}{over}")
    print(f"{'all':8} {sum(seconds.values()):7.0f} s")
    total = sum(outcomes.values(), Outcome())
    print(total)
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    main()
