"""Writes web/openapi.json as the built server tells it of itself: what the web app's client is made from.

    python -m tools.openapi
"""

from __future__ import annotations

import json

from tests.harness.paths import ROOT
from tests.harness.steward import Steward


def main() -> None:
    with Steward() as steward:
        document = json.loads(steward.get("/openapi.json"))
    document["servers"] = [{"url": "/"}]  # not the port of this run
    target = ROOT / "web" / "openapi.json"
    target.write_text(json.dumps(document, indent=1) + "\n")
    print(f"{target.relative_to(ROOT)}: {len(document['paths'])} addresses")


if __name__ == "__main__":
    main()
