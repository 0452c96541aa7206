"""python -m tests.bench NAME... [--duration SECONDS] | --all: runs benchmarks against the built binary; never builds."""

from __future__ import annotations

import argparse
import importlib
import sys

from tests.harness.paths import ROOT, steward_binary

NAMES = ["journal", "engine", "start", "gateway", "streams", "cost", "talk", "recall", "given"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help=", ".join(NAMES))
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--duration", type=float, default=45, help="seconds for each (default 45)")
    arguments = parser.parse_args()
    names = NAMES if arguments.all else arguments.names
    if not names or set(names) - set(NAMES):
        parser.error(f"name one or more of {', '.join(NAMES)}, or --all")
    if not steward_binary().exists():
        parser.error("there is no build/release/bin/steward: run make build")
    for name in names:
        report = importlib.import_module(f"tests.bench.{name}").run(arguments.duration)
        path = report.write()
        print(f"\n{name}\n{report.table()}\n{path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
