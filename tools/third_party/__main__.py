"""python3 -m tools.third_party: makes what is missing and links it under build/third_party."""

from __future__ import annotations

import sys
from pathlib import Path

from tools.third_party import sqlite
from tools.third_party.cache import link

TREE = Path(__file__).resolve().parents[2]
LAID = TREE / "build" / "third_party"


def main() -> None:
    wanted = sys.argv[1:] or ["sqlite"]
    if "sqlite" in wanted:
        link(sqlite.build(), LAID / "sqlite")


if __name__ == "__main__":
    main()
