"""disk: what breaks beneath a server is told, costs nothing that was acknowledged, and mends itself where it can.

Each case has a home of its own and the shipped binary, some with the shim beneath it (tests/faults), some with the system's own limits. The
injector writes down what the clients were told and what the server said of itself; another program judges. The homes run side by side.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.checks.contract import Check, Metrics, Options, Outcome
from tests.checks.disk_cases import DISK_CASES
from tests.checks.disk_site import Site
from tests.checks.process_cases import ENGINE_CASES, ENGINE_CONFIG, PROCESS_CASES
from tests.harness import scripts
from tests.harness.paths import ROOT
from tests.harness.provider import Provider
from tests.judges import disk_judge

CASES = DISK_CASES | PROCESS_CASES | ENGINE_CASES


def run(options: Options) -> Outcome:
    only = options.settings.get("CASE", "")
    names = [name for name in CASES if only in name]
    with Provider({"quick-1": scripts.answer("quick", prompt=7, tokens=3)}) as provider, tempfile.TemporaryDirectory(prefix="stw-disk-") as folder:
        with ThreadPoolExecutor(2 + 2 * (os.cpu_count() or 2)) as pool:
            facts = list(pool.map(lambda name: one_case(name, provider, Path(folder)), names))
        verdicts = in_another_process(facts, Path(folder))
        return Outcome(summary(facts, verdicts), planted(facts, verdicts))


def one_case(name: str, provider: Provider, folder: Path) -> dict:
    """The facts of one case. What breaks the case itself is a claim that does not hold."""
    site = Site(provider, ENGINE_CONFIG) if name in ENGINE_CASES else Site(provider)
    with site:
        try:
            told = CASES[name](site)
            facts = {"fired": told.fired, "expect": list(told.expect), "claims": told.claims, "absorbed": told.absorbed}
        except Exception as error:  # noqa: BLE001 - the case's own end must be told, not hidden
            traceback.print_exc()
            facts = {"fired": False, "expect": [], "claims": {f"the case runs ({type(error).__name__}: {error})"[:600]: False}}
        return {"case": name} | facts | site.facts(folder)


def in_another_process(facts: list[dict], folder: Path) -> list[dict]:
    path = folder / "facts.json"
    path.write_text(json.dumps(facts))
    done = subprocess.run([sys.executable, "-m", "tests.judges.disk_judge", str(path)], cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def summary(facts: list[dict], verdicts: list[dict]) -> Metrics:
    bad = [one for one in verdicts if one["acked_lost"] or one["silent"] or one["wrong"] or not one["fired"]]
    return {
        "cases": len(verdicts),
        "faults_fired": sum(one["fired"] for one in verdicts),
        "acked": sum(one["acked"] for one in verdicts),
        "acked_lost": sum(one["acked_lost"] for one in verdicts),
        "silent": sum(one["silent"] for one in verdicts),
        "wrong": sum(one["wrong"] for one in verdicts),
        "claims": sum(len(one["claims"]) for one in facts),
        "failing": [{"case": one["case"], "fired": one["fired"], "details": one["details"]} for one in bad],
    }


def planted(facts: list[dict], verdicts: list[dict]) -> dict[str, Metrics]:
    """The judge's own verdicts over doctored facts of one case."""
    one = facts[0]
    folder = Path(one["export"]).parent
    lines = Path(one["export"]).read_text().splitlines(keepends=True)

    def without(name: str, keep) -> str:
        path = folder / name
        path.write_text("".join(line for i, line in enumerate(lines) if keep(i, line)))
        return str(path)

    last_call = max((i for i, line in enumerate(lines) if '"call.settled"' in line), default=-1)
    cases = {
        "loses a settled call": one | {"export": without("call", lambda i, _: i != last_call)},
        "loses a key": one | {"export": without("key", lambda _, line: '"key.created"' not in line)},
        "is silent": one | {"told": []},
        "tells of it in /readyz alone": one | {"told": [sign for sign in one["told"] if not sign.startswith("doctor")]},
        "answers without a sentence": one | {"unclear": ["/v1/messages: 503 "]},
        "promises while it is broken": one | {"claims": one["claims"] | {"nothing is promised while it lasts": False}},
        "does not come back": one | {"claims": one["claims"] | {"it goes on without hand work": False}},
        "was not struck at all": one | {"fired": False},
        "leaves a broken chain": one | {"verify": False},
    }
    doctored = {fault: summary(facts, [disk_judge.judge(case), *verdicts[1:]]) for fault, case in cases.items()}
    nothing = [verdict | {"acked": 0} for verdict in verdicts]
    return doctored | {"refuses everything": summary(facts, nothing)}


CHECK = Check(
    "disk",
    run,
    {
        "faults_fired==cases": lambda m: m["faults_fired"] == m["cases"] > 0,
        "acked>0": lambda m: m["acked"] > 0,
        "acked_lost==0": lambda m: m["acked_lost"] == 0,
        "silent==0": lambda m: m["silent"] == 0,
        "wrong==0": lambda m: m["wrong"] == 0,
    },
)
