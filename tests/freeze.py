"""Makes the home of a release for tests/frozen, over its public interfaces alone: a history of every kind of record, a key that is still
good, and what the program told of it then. Every later release must open it, tell the same, and give it back (the check `upgrade`).

    STEWARD_BIN=… python -m tests.freeze tests/frozen/0.1.0-served
"""

from __future__ import annotations

import json
import random
import shutil
import sys
from pathlib import Path

from tests.checks.history import History, config_of, history_provider
from tests.checks.history_talk import Shelf
from tests.harness.admin import Admin
from tests.harness.steward import Steward

TURNS, SEED = 60, 20_261_129
GROUPS = "key,model"


def freeze(target: Path) -> None:
    with history_provider() as provider, Shelf() as shelf:
        steward = Steward(config_of(provider.base_url), env={"SCRIPT_KEY": provider.key})
        try:
            if unexpected := History(steward, random.Random(SEED), shelf.url).live(TURNS):
                raise SystemExit(f"the history did not go as it should: {unexpected}")
            steward.start()
            with Admin(steward) as admin:
                # The history stopped the organisation's budget by an overrun: that stays so, and this key reads.
                told = {"version": steward.cli("version").stdout.split()[-1], "secret": steward.admin_key, "usage": admin.usage(group_by=GROUPS),
                        "budgets": admin.budgets(), "keys": [key["id"] for key in admin.pages("/keys")]}
            steward.stop()
            steward.cli("backup", str(target))
            shutil.copytree(steward.home / "secrets", target / "secrets")
            told["heads"] = json.loads(steward.cli("journal", "verify", "--json").stdout)["heads"]
        finally:
            steward.close()
    (target / "steward.toml").unlink()
    (target / "expected.json").write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    freeze(Path(sys.argv[1]).absolute())
