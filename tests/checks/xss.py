"""xss: texts that mean harm, said, answered, as title, folder and file name, in the real browser: each is readable, none runs, none asks anybody else for
anything, none leads where it must not. The control is a page that takes one of them for markup: it fires."""

from __future__ import annotations

from tests.checks.contract import Check, Metrics, Options, Outcome
from tests.harness.browser import TALK_MODELS, drive, scene, signed_in


def run(_: Options) -> Outcome:
    with scene() as there:
        sessions = signed_in(there)
        found = drive("xss", {"url": there.url, "sessions": sessions, "models": TALK_MODELS})
    metrics = judge(found)
    return Outcome(
        metrics,
        {
            "one ran": metrics | {"executed": len(found["planted"])},
            "one was not shown": metrics | {"rendered": metrics["rendered"] - 1},
            "one asked elsewhere": metrics | {"foreign": 1},
            "one leads where it must not": metrics | {"wrong": 1},
            "the control did not fire": metrics | {"planted": 0},
        },
    )


def judge(found: dict) -> Metrics:
    return {
        "cases": found["payloads"],
        "payloads": found["payloads"],
        "rendered": found["rendered"],
        "executed": len(found["executed"]),
        "wrong": len(found["wrong"]),
        "foreign": len(found["foreign"]),
        "planted": len(found["planted"]),
        "told": (found["executed"] + found["wrong"] + found["foreign"])[:20],
    }


CHECK = Check(
    "xss",
    run,
    {
        "rendered==payloads": lambda m: m["rendered"] == m["payloads"] > 0,
        "executed:0": lambda m: m["executed"] == 0,
        "nothing leads where it must not": lambda m: m["wrong"] == 0,
        "nothing from elsewhere": lambda m: m["foreign"] == 0,
        "an unsanitised page fires": lambda m: m["planted"] > 0,
    },
)
