"""journeys: what people do in the web app, from the first start on, in a real browser against the shipped binary."""

from __future__ import annotations

from tests.checks.contract import Check, Metrics, Options, Outcome, committed
from tests.harness.browser import drive, journeys_job, scene


def run(_: Options) -> Outcome:
    with scene() as there:
        found = drive("journeys", journeys_job(there), there.steward)
    return Outcome(judge(found), planted(found))


def judge(found: dict) -> Metrics:
    return {"cases": len(found["names"]), "names": found["names"], "failed": len(found["failed"]), "why": found["failed"]}


def planted(found: dict) -> dict[str, Metrics]:
    less = judge(found | {"names": found["names"][:-1]})
    return {
        "a journey broke": judge(found | {"failed": ["one"]}),
        "a journey was left out": less | {"cases": len(found["names"])},
    }


CHECK = Check(
    "journeys",
    run,
    {
        "failed:0": lambda m: m["failed"] == 0,
        "names == the committed list": lambda m: m["names"] == committed("journeys")["names"],
    },
)
