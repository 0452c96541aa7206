"""python -m tests.judges.crash_judge FACTS.json: what the clients were told, against what the journal holds after the kills.

A program of its own, run after the server has ended. FACTS.json names the clients' log, the export, the prices in pico-US-dollars by
"provider/model", the budgets as the server tells them at the end, and how many calls the provider saw. Prints one JSON object.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

from tests.harness.acklog import read_log
from tests.harness.money import Price
from tests.judges import chain
from tests.judges.export import Call, calls_of, read_export


def judge(acks: list[dict], records: list[dict], facts: dict) -> dict:
    calls = calls_of(records)
    lost = lost_calls(acks, calls) + lost_changes(acks, records)
    doubled = double_charges(acks, calls)
    unbalanced = conservation(calls, facts["budgets"]) + wrong_charges(calls, facts["prices"]) + unsettled(calls)
    unrecorded = unrecorded_calls(facts["upstream_seen"], calls)
    return {
        "acked": len(acks),
        "acked_by_kind": dict(Counter(ack["ack"] for ack in acks)),
        "calls_recorded": len(calls),
        "in_doubt": sum(one.get("outcome") == "in_doubt" for call in calls.values() for one in call.settled),
        "acked_lost": len(lost),
        "double_charged": len(doubled),
        "conserved": not unbalanced and not unrecorded,
        "chain_faults": len(chain.faults(records)),
        "details": (lost + doubled + unbalanced + unrecorded + chain.faults(records))[:20],
    }


def lost_calls(acks: list[dict], calls: dict[str, Call]) -> list[str]:
    """An answer that came whole is settled, with the usage that the client was told, and not in doubt."""
    found = []
    for ack in (ack for ack in acks if ack["ack"] == "call"):
        call = calls.get(ack["call"])
        if not call or not call.settled:
            found.append(f"{ack['call']}: acknowledged, not in the journal")
        elif (told := (ack["prompt"], ack["completion"])) != (kept := usage_of(call.settled[0])):
            found.append(f"{ack['call']}: the client was told {told} tokens, the journal holds {kept}")
    return found


def usage_of(settled: dict) -> tuple[int, int]:
    return settled["usage"]["prompt"], settled["usage"]["completion"]


def lost_changes(acks: list[dict], records: list[dict]) -> list[str]:
    """A change that was acknowledged has its record: of that kind, and about that thing."""
    held = {(record["kind"], subject(record)) for record in records}
    return [f"{ack['kind']} {ack['subject']}: acknowledged, not in the journal" for ack in acks if ack["ack"] == "change" and (ack["kind"], ack["subject"]) not in held]


def subject(record: dict) -> str:
    """What a change is about: the thing its stream is named after, or for a price the model."""
    if record["kind"] == "price.set":
        return record["body"]["model"]  # "provider/model"
    return record["stream"].partition("/")[2]


def double_charges(acks: list[dict], calls: dict[str, Call]) -> list[str]:
    found = [f"{call.id}: {len(call.settled)} settlements" for call in calls.values() if len(call.settled) > 1]
    found += [f"{call.id}: {len(call.reserved)} reservations" for call in calls.values() if len(call.reserved) > 1]
    told = Counter(ack["call"] for ack in acks if ack["ack"] == "call")
    return found + [f"{call_id}: acknowledged {count} times" for call_id, count in told.items() if count > 1]


def unsettled(calls: dict[str, Call]) -> list[str]:
    """After recovery nothing is left open, and nothing is settled that was not reserved."""
    found = [f"{call.id}: never settled" for call in calls.values() if call.reserved and not call.settled]
    return found + [f"{call.id}: settled without a reservation" for call in calls.values() if call.settled and not call.reserved]


def wrong_charges(calls: dict[str, Call], prices: dict[str, dict]) -> list[str]:
    """Each charge, computed anew from the usage and the prices; in doubt means the whole reservation."""
    found = []
    for call in calls.values():
        for reserved, settled in zip(call.reserved[:1], call.settled[:1], strict=False):
            price = Price(**prices[f"{reserved['provider']}/{reserved['model']}"])
            prompt, completion = usage_of(settled)
            right = reserved["reserved_nano"] if settled["outcome"] == "in_doubt" else price.cost_nano(prompt, completion)
            if settled["cost_nano"] != right:
                found.append(f"{call.id}: charged {settled['cost_nano']}, right is {right} ({settled['outcome']})")
            if settled["cost_nano"] > reserved["reserved_nano"]:
                found.append(f"{call.id}: charged more than was reserved")
    return found


def conservation(calls: dict[str, Call], budgets: list[dict]) -> list[str]:
    """What each budget says was spent is the sum of the charges of the calls under it, and nothing is held any more."""
    charged: Counter[str] = Counter()
    for call in calls.values():
        for reserved, settled in zip(call.reserved[:1], call.settled[:1], strict=False):
            for budget, _period_start in reserved["budgets"]:
                charged[budget] += settled["cost_nano"]
    found = [f"{one['id']}: says {one['spent_nano']} spent, the journal's charges are {charged[one['id']]}" for one in budgets if one["spent_nano"] != charged[one["id"]]]
    return found + [f"{one['id']}: still holds {one['reserved_nano']}" for one in budgets if one["reserved_nano"]]


def unrecorded_calls(upstream_seen: int, calls: dict[str, Call]) -> list[str]:
    """The upstream is asked only for what was reserved before."""
    reserved = sum(bool(call.reserved) for call in calls.values())
    return [f"the upstream saw {upstream_seen} calls, the journal holds {reserved} reservations"] if upstream_seen > reserved else []


def main(path: str) -> None:
    facts = json.loads(Path(path).read_text())
    records = list(read_export(Path(facts["export"])))
    print(json.dumps(judge(read_log(Path(facts["log"])), records, facts)))


if __name__ == "__main__":
    main(sys.argv[1])
