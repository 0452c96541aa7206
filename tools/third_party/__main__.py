"""python3 -m tools.third_party [--tests] [PART...]: makes what is missing and links it under build/.

Without parts it makes what the product needs, with --tests also the real clients that the tests point at it."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tools.third_party import clients, conformance, engine, models, sqlite, web
from tools.third_party.cache import link
from tools.third_party.venv import clients_venv, litellm_venv, sdk_venv

BUILD = Path(__file__).resolve().parents[2] / "build"
PARTS = {
    "python": lambda: link(clients_venv(), BUILD / "venv"),
    "sqlite": lambda: link(sqlite.build(), BUILD / "third_party/sqlite"),
    "models": lambda: link(models.build(), BUILD / "third_party/models"),
    "node": lambda: link(clients.node(), BUILD / "third_party/node"),
    "web": lambda: link(web.packages(), web.PROJECT / "node_modules"),
    "engine": lambda: link(engine.build(), BUILD / "third_party/llama"),
}
TEST_PARTS = {
    "clients-node": lambda: link(clients.node(), BUILD / "clients/nodejs"),
    "clients": lambda: link(clients.npm_clients(), BUILD / "clients/npm"),
    "conformance": lambda: link(conformance.suite(), BUILD / "clients/conformance"),
    "sdks": lambda: link(sdk_venv(), BUILD / "clients/python"),
    "litellm": lambda: link(litellm_venv(), BUILD / "clients/litellm"),
}


def main() -> None:
    asked = sys.argv[1:]
    parts = PARTS | TEST_PARTS
    wanted = [name for name in asked if name != "--tests"] or list(parts if "--tests" in asked else PARTS)
    for part in wanted:
        if part not in parts:
            raise SystemExit(f"There is no part {part}; the parts are: {', '.join(parts)}.")
    with ThreadPoolExecutor(max_workers=3) as aside:
        # SQLite is one file, so its compilation keeps one core busy while the other parts are fetched; the large environments
        # wait for the network more than for a core.
        early = ("sqlite", "web", "litellm")
        first = [aside.submit(parts[part]) for part in early if part in wanted]
        for part in parts:
            if part in wanted and part not in (*early, "engine"):
                parts[part]()
        if "engine" in wanted:
            PARTS["engine"]()
        for one in first:
            one.result()


if __name__ == "__main__":
    main()
