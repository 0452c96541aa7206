"""python -m tests.trials container [PODMAN OPTION…] | service"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time

from tests.harness.paths import ROOT
from tests.trials.life import Failed

NAMES = ("container", "service")


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] not in NAMES:
        print(f"Name a trial: {' or '.join(NAMES)}.", file=sys.stderr)
        return 2
    if os.geteuid() != 0:
        print("A trial makes namespaces and mounts: run it as root.", file=sys.stderr)
        return 2
    name, began = arguments[0], time.monotonic()
    try:
        facts = importlib.import_module(f"tests.trials.{name}").trial(tuple(arguments[1:]))
    except Failed as failed:
        print(f"{name}: {failed}", file=sys.stderr)
        return 1
    told = {"trial": name, "ok": True, "seconds": round(time.monotonic() - began, 1)} | facts
    (ROOT / "build").mkdir(exist_ok=True)
    (ROOT / f"build/trial-{name}.json").write_text(json.dumps(told, indent=1) + "\n")
    print(json.dumps(told))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
