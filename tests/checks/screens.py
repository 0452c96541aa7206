"""screens: a picture of each page and state (wide and phone, light and dark, English and Chinese) under build/screenshots; none is blank, none is
wider than its window, and no console complains. With --ci, each form of a few and each state in one form."""

from __future__ import annotations

import shutil

from tests.checks.contract import Check, Metrics, Options, Outcome
from tests.harness.browser import drive, forms, look_job, pictures_folder, scene, signed_in

ALL = forms(("light", "dark"), (1440, 390), ("en", "zh"))
IN_CI = [{"theme": "light", "width": 1440, "language": "en"}, {"theme": "dark", "width": 390, "language": "zh"}]


def run(options: Options) -> Outcome:
    shutil.rmtree(pictures_folder(), ignore_errors=True)
    wanted = IN_CI if options.ci else ALL
    with scene() as there:
        sessions = signed_in(there)
        found = drive("look", look_job(there, sessions, wanted, pictures=str(pictures_folder()), turns=options.ci))
        faults = {fault: drive("look", look_job(there, sessions, wanted[:1], plant=fault, only=["use"])) for fault in ("blank", "console")}
    metrics = judge(found, len(list(pictures_folder().glob("*.png"))))
    planted = {
        "an empty page": metrics | {"blank": len(faults["blank"]["blank"])},
        "a complaining console": metrics | {"console_errors": len(faults["console"]["console_errors"])},
        "a picture is missing": metrics | {"pictures": metrics["pictures"] - 1},
    }
    return Outcome(metrics, planted)


def judge(found: dict, pictures: int) -> Metrics:
    return {
        "cases": found["looked"],
        "pictures": pictures,
        "blank": len(found["blank"]),
        "wide": len(found["wide"]),
        "console_errors": len(found["console_errors"]),
        "told": (found["blank"] + found["wide"] + found["console_errors"])[:20],
    }


CHECK = Check(
    "screens",
    run,
    {
        "a picture of each": lambda m: m["pictures"] == m["cases"],
        "blank:0": lambda m: m["blank"] == 0,
        "none is wider than its window": lambda m: m["wide"] == 0,
        "console_errors:0": lambda m: m["console_errors"] == 0,
    },
)
