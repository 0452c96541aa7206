"""python3 -m tools.third_party [PART...]: makes what is missing and links it under build/."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tools.third_party import engine, models, sqlite
from tools.third_party.cache import link
from tools.third_party.venv import clients_venv

BUILD = Path(__file__).resolve().parents[2] / "build"
PARTS = {
    "python": lambda: link(clients_venv(), BUILD / "venv"),
    "sqlite": lambda: link(sqlite.build(), BUILD / "third_party/sqlite"),
    "models": lambda: link(models.build(), BUILD / "third_party/models"),
    "engine": lambda: link(engine.build(), BUILD / "third_party/llama"),
}


def main() -> None:
    wanted = sys.argv[1:] or list(PARTS)
    for part in wanted:
        if part not in PARTS:
            raise SystemExit(f"There is no part {part}; the parts are: {', '.join(PARTS)}.")
    with ThreadPoolExecutor(max_workers=1) as aside:
        # SQLite is one file, so its compilation keeps one core busy while the other parts are fetched.
        compiled = aside.submit(PARTS["sqlite"]) if "sqlite" in wanted else None
        for part in PARTS:
            if part in wanted and part not in ("sqlite", "engine"):
                PARTS[part]()
        if compiled:
            compiled.result()
    if "engine" in wanted:
        PARTS["engine"]()


if __name__ == "__main__":
    main()
