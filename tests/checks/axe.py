"""axe: axe-core finds nothing serious on any page or state of the web app, light and dark. The control adds a button without a name."""

from __future__ import annotations

from tests.checks.contract import Check, Metrics, Options, Outcome
from tests.harness.browser import app_routes, drive, forms, look_job, scene, signed_in

FORMS = forms(("light", "dark"), (1440,), ("en",))


def run(options: Options) -> Outcome:
    with scene() as there:
        sessions = signed_in(there)
        found = drive("look", look_job(there, sessions, FORMS, axe=True, turns=options.ci))
        broken = drive("look", look_job(there, sessions, FORMS[:1], axe=True, plant="unlabelled", only=["use"]))
    few = judge(found) | {"pages": len(found["routes"]) - 1}
    return Outcome(judge(found), {"a button without a name": judge(found) | {"serious": len(broken["serious"])}, "a page was not looked at": few})


def judge(found: dict) -> Metrics:
    return {
        "cases": found["looked"],
        "pages": len(set(found["routes"])),
        "routes": len(app_routes()),
        "unlisted": sorted(set(found["routes"]) ^ app_routes()),
        "serious": len(found["serious"]),
        "found": found["serious"][:20],
        "broken": found["blank"],
    }


CHECK = Check(
    "axe",
    run,
    {
        "pages==routes": lambda m: m["pages"] == m["routes"] and m["unlisted"] == [],
        "serious:0": lambda m: m["serious"] == 0,
        "every state was reached": lambda m: m["broken"] == [],
    },
)
