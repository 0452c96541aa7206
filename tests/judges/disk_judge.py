"""python -m tests.judges.disk_judge FACTS.json: what clients were told under a fault, against what the journal holds afterwards.

FACTS.json is a list, one entry a case: whether the fault struck, the clients' log, the export after the end, every sign the server gave that
something was wrong, and which of the signs the case expects. Prints a list of verdicts. It never speaks to a server.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.harness.acklog import read_log
from tests.judges import chain
from tests.judges.crash_judge import double_charges, lost_calls, lost_changes
from tests.judges.export import calls_of, read_export


def judge(facts: dict) -> dict:
    """A case is silent when a fault struck and nothing told of it. One that the server bears without harm ("absorbed") must show that it
    went on: what was acknowledged while it struck counts as told."""
    acks = read_log(Path(facts["acks"]))
    records = list(read_export(Path(facts["export"])))
    calls = calls_of(records)
    lost = lost_calls(acks, calls) + lost_changes(acks, records)
    missing = [sign for sign in facts["expect"] if not any(sign in told for told in facts["told"])]
    absorbed = facts.get("absorbed", 0)
    silent = bool(facts["fired"] and (missing or not (facts["told"] or absorbed)))
    wrong = double_charges(acks, calls) + chain.faults(records) + facts["unclear"] + [f"not so: {what}" for what, so in facts["claims"].items() if not so]
    if not facts["verify"]:
        wrong.append("steward journal verify does not pass at the end")
    return {
        "case": facts["case"],
        "fired": bool(facts["fired"]),
        "acked": len(acks),
        "acked_lost": len(lost),
        "silent": silent,
        "wrong": len(wrong),
        "details": (lost + [f"nothing told of: {sign}" for sign in missing] + wrong)[:8],
    }


def main(path: str) -> None:
    print(json.dumps([judge(facts) for facts in json.loads(Path(path).read_text())]))


if __name__ == "__main__":
    main(sys.argv[1])
