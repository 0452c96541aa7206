"""python3 -m tools.third_party [PART...]: makes what is missing and links it under build/."""

from __future__ import annotations

import sys
from pathlib import Path

from tools.third_party import engine, models, sqlite
from tools.third_party.cache import link
from tools.third_party.venv import clients_venv

BUILD = Path(__file__).resolve().parents[2] / "build"
# In the order they are needed: the compiler waits for SQLite, the models are packed by the Python environment.
PARTS = {
    "python": lambda: link(clients_venv(), BUILD / "venv"),
    "sqlite": lambda: link(sqlite.build(), BUILD / "third_party/sqlite"),
    "engine": lambda: link(engine.build(), BUILD / "third_party/llama"),
    "models": lambda: link(models.build(), BUILD / "third_party/models"),
}


def main() -> None:
    for part in sys.argv[1:] or PARTS:
        if part not in PARTS:
            raise SystemExit(f"There is no part {part}; the parts are: {', '.join(PARTS)}.")
        PARTS[part]()


if __name__ == "__main__":
    main()
