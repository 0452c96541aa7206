"""python -m tests.judges.power_judge: what clients were told before a power cut, against what a server makes of the disk's image.

A filter: one JSON object of facts a line in, one verdict a line out. Facts name the clients' log, the length that the disk's log had at the
cut, the export of the journal after the start, and how the probes went (what was promised, asked of the new server).
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

from tests.harness.acklog import read_log
from tests.judges import chain
from tests.judges.crash_judge import lost_changes, usage_of
from tests.judges.export import Call, calls_of, read_export


def judge(acks: list[dict], records: list[dict], facts: dict) -> dict:
    """The verdict on one cut. An acknowledgement counts when its client had it before the power went."""
    told = [ack for ack in acks if ack["at"] <= facts["at"]]
    calls = calls_of(records)
    lost = lost_reservations(told, calls) + lost_answers(told, calls) + lost_changes(told, records) + lost_probes(facts["probes"])
    charges = wrong_charges(told, calls)
    broken = chain.faults(records)
    if not facts["started"]:
        lost = lost or ["the server did not start on the image"]
    return {
        "acked": len(told),
        "acked_by_kind": dict(Counter(ack["ack"] for ack in told)),
        "acked_lost": len(lost),
        "wrong_charges": len(charges),
        "chain_ok": facts["started"] and facts["verify"] and not broken,
        "in_doubt": sum(one.get("outcome") == "in_doubt" for call in calls.values() for one in call.settled),
        "details": (lost + charges + broken)[:10],
    }


def lost_reservations(told: list[dict], calls: dict[str, Call]) -> list[str]:
    """Whoever saw a first byte has a reservation, which the start has settled: as it was, or in doubt at its bound."""
    found = []
    for ack in (ack for ack in told if ack["ack"] in ("begun", "call", "kept")):
        call = calls.get(ack["call"])
        if not call or not call.reserved:
            found.append(f"{ack['call']}: its client had a first byte, no reservation is in the journal")
        elif not call.settled:
            found.append(f"{ack['call']}: left open after the start")
    return found


def lost_answers(told: list[dict], calls: dict[str, Call]) -> list[str]:
    """A promise of state holds the settlement itself; a stateless answer may be in doubt, but never otherwise than it was told."""
    found = []
    for ack in (ack for ack in told if ack["ack"] in ("call", "kept")):
        call = calls.get(ack["call"])
        if not call or not call.settled:
            continue  # told above
        settled = call.settled[0]
        if settled["outcome"] == "in_doubt":
            if ack["ack"] == "kept":
                found.append(f"{ack['call']}: its answer was promised to be kept, its settlement is gone")
        elif usage_of(settled) != (ack["prompt"], ack["completion"]):
            found.append(f"{ack['call']}: the client was told other tokens than the journal holds")
    return found


def lost_probes(probes: list[dict]) -> list[str]:
    return [f"{probe['what']}: {probe['why']}" for probe in probes if not probe["ok"]]


def wrong_charges(told: list[dict], calls: dict[str, Call]) -> list[str]:
    found = [f"{call.id}: {len(call.settled)} settlements" for call in calls.values() if len(call.settled) > 1]
    for call in calls.values():
        for reserved, settled in zip(call.reserved[:1], call.settled[:1], strict=False):
            if settled["outcome"] == "in_doubt" and settled["cost_nano"] != reserved["reserved_nano"]:
                found.append(f"{call.id}: in doubt and not charged at its bound")
    return found


def main() -> None:
    acks: dict[str, list[dict]] = {}
    for line in sys.stdin:
        facts = json.loads(line)
        log = facts["log"]
        if log not in acks:
            acks[log] = read_log(Path(log))
        records = list(read_export(Path(facts["export"]))) if facts["started"] else []
        print(json.dumps(judge(acks[log], records, facts)), flush=True)


if __name__ == "__main__":
    main()
