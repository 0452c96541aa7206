"""upgrade: a home of every release that was ever frozen opens under this one, serves, tells what it told then, and is given back.

Each home of tests/frozen is laid out as its release left it. This release opens it: a backup stands before anything is written, whose chain ends
where the frozen one does (read with SQLite, by none of the product's code). It answers a call, charges it by hand-computed cost on top of the
usage that the old release told, and stops. Then it is rolled back: the chain ends where it did, and it can be upgraded again. At last a home that
claims to be of a later release must be refused, and a rollback must have somewhere to go.
"""

from __future__ import annotations

import asyncio
import copy
import json
import shutil
import sqlite3
import subprocess
import time
from pathlib import Path

from tests.checks.contract import Check, Metrics, Options, Outcome
from tests.harness import scripts
from tests.harness.admin import Admin
from tests.harness.money import Price, nano_of_microusd
from tests.harness.paths import ROOT
from tests.harness.provider import Provider
from tests.harness.steward import Steward
from tests.harness.wire import call
from tests.judges import chain
from tests.judges.export import read_export

FROZEN = ROOT / "tests/frozen"
CONFIG = """
[providers.new]
base_url = "{base_url}"
key_env = "NEW_KEY"
models = ["new-1"]

[engine]
warm = false
"""
PRICE = Price(input_pico=1_234_567, output_pico=7_000_001)
PROMPT, TOKENS = 11, 5
GROUPS = "key,model"


def run(_: Options) -> Outcome:
    homes = sorted(folder for folder in FROZEN.iterdir() if (folder / "journal.db").exists())
    with Provider({"new-1": scripts.answer("as before", prompt=PROMPT, tokens=TOKENS)}) as provider:
        facts = {folder.name: there_and_back(folder, provider) for folder in homes}
        refused = newer_is_refused(homes[0])
    return Outcome(judge(facts, refused), {fault: judge(*doctored) for fault, doctored in planted(facts, refused).items()})


def there_and_back(folder: Path, provider: Provider) -> dict:
    steward = Steward(CONFIG.format(base_url=provider.base_url), env={"NEW_KEY": provider.key})
    try:
        lay(folder, steward.home)
        told = json.loads(steward.cli("upgrade", "--check", "--json").stdout)
        facts = {"frozen": heads(folder / "journal.db"), "expected": expected(folder), "needed": told["needed"]}
        facts |= {"upgraded": live(steward)}
        facts |= {"backups": {path.name: heads(path / "journal.db") for path in (steward.home / "backups").glob("upgrade-*")}}
        facts |= {"chain": faults_of(steward)}
        facts |= {"unasked": steward.cli("upgrade", "--rollback", check=False).returncode}
        back = json.loads(steward.cli("upgrade", "--rollback", "--yes", "--json").stdout)
        facts |= {"back": heads(steward.home / "journal.db"), "format": json.loads((steward.home / "home.json").read_text())["format"], "told_back": back}
        facts |= {"aside": heads(Path(back["aside"]) / "journal.db")}
        facts |= {"again": live(steward)}
        return facts
    finally:
        steward.close()


def lay(folder: Path, home: Path) -> None:
    """As its release left it; the configuration is this machine's."""
    for name in ("journal.db", "blobs", "secrets"):
        if (source := folder / name).is_dir():
            shutil.copytree(source, home / name)
        elif source.exists():
            shutil.copy(source, home / name)
    subprocess.run(["chmod", "-R", "go=", str(home)], check=True)
    if secret := expected(folder)["secret"]:
        (home / "old-secret").write_text(secret)


def expected(folder: Path) -> dict:
    """What the release told of itself, where its home was made by a server."""
    file = folder / "expected.json"
    return json.loads(file.read_text()) if file.exists() else {"usage": [], "keys": [], "secret": None}


def heads(journal: Path) -> dict[str, list]:
    """Each tenant's last record and its digest, straight from the file."""
    with sqlite3.connect(f"file:{journal}?mode=ro", uri=True) as db:
        return {name: [seq, digest.hex()] for name, seq, digest in db.execute("SELECT id, seq, digest FROM tenants WHERE seq > 0")}


def live(steward: Steward) -> dict:
    """Starts, calls, asks what the old records say, stops."""
    steward._admin_key = None
    steward.start()
    with Admin(steward) as admin:
        usage_before = admin.usage(group_by=GROUPS)
        keys = [key["id"] for key in admin.pages("/keys")]
        for budget in admin.budgets():  # what the old release spent beyond stops them still, as it should
            admin.call("DELETE", f"/budgets/{budget['id']}")
        admin.set_price("new", "new-1", PRICE)
        key = admin.new_key("after the upgrade")
        answer = asyncio.run(call(steward.port, "/v1/chat/completions", key["secret"], {"model": "new-1", "messages": [{"role": "user", "content": "hi"}], "max_tokens": TOKENS}))
        local = next(model["name"] for model in admin.pages("/models") if model["kind"] == "embedding")
        vector = asyncio.run(call(steward.port, "/v1/embeddings", key["secret"], {"model": local, "input": "hi"}, deadline_s=60))
        end = time.monotonic() + 20
        while not (own := [row for row in admin.usage(group_by=GROUPS) if row["group"]["key"] == key["id"] and "new-1" in row["group"]["model"]]) and time.monotonic() < end:
            time.sleep(0.05)
        old_key = asyncio.run(call(steward.port, "/admin/v1/status", steward_old(steward), None, method="GET")).status
    return {"status": answer.status, "vector": vector.status, "charged": [nano_of_microusd(row["cost_microusd"]) for row in own],
            "usage": usage_before, "keys": keys, "old_key": old_key, "stop": steward.stop()}


def steward_old(steward: Steward) -> str:
    """The key that the old release gave out; where there was none, one of today."""
    frozen = steward.home / "old-secret"
    return frozen.read_text() if frozen.exists() else steward.admin_key


def faults_of(steward: Steward) -> list[str]:
    export = steward.folder / "export.jsonl"
    export.write_text(steward.cli("journal", "export").stdout)
    return chain.faults(list(read_export(export)))


def newer_is_refused(folder: Path) -> dict:
    steward = Steward()
    try:
        lay(folder, steward.home)
        (steward.home / "home.json").write_text(json.dumps({"format": 999, "program": "99.1.2", "backup": ""}))
        before = heads(steward.home / "journal.db")
        done = steward.cli("serve", check=False)
        return {"code": done.returncode, "said": done.stderr, "same": heads(steward.home / "journal.db") == before}
    finally:
        steward.close()


def rows_of(usage: list[dict], told: list[dict]) -> list[str]:
    """A view may be told in another order, and with figures that the old release did not know; not with other ones."""
    known = {name for row in told for name in row}
    return sorted(json.dumps({name: figure for name, figure in row.items() if name in known}, sort_keys=True) for row in usage)


def requirements(facts: dict) -> dict[str, bool]:
    by_hand = PRICE.cost_nano(PROMPT, TOKENS)
    told, up, again = facts["expected"], facts["upgraded"], facts["again"]
    backups = list(facts["backups"].values())
    later = all(facts["aside"].get(tenant, [0])[0] >= seq for tenant, (seq, _) in facts["frozen"].items())
    return {
        "an upgrade is announced": facts["needed"] is True,
        "it serves": up["status"] == 200 and up["vector"] == 200 and up["stop"] == 0,
        "it charges": up["charged"] == [by_hand] and by_hand > 0,
        "old usage is as it was told": rows_of(up["usage"], told["usage"]) == rows_of(told["usage"], told["usage"]),
        "old keys are there": set(told["keys"]) <= set(up["keys"]) and up["old_key"] == 200,
        "one backup stands, of how it was": len(backups) == 1 and backups[0] == facts["frozen"] != {},
        "the chain holds": facts["chain"] == [],
        "going back is asked for": facts["unasked"] != 0,
        "the home is as it was": facts["back"] == facts["frozen"] and facts["format"] == 1,
        "what was there is kept": later and facts["aside"] != facts["frozen"],
        "it can be upgraded again": again["status"] == 200 and again["charged"] == [by_hand] and rows_of(again["usage"], told["usage"]) == rows_of(told["usage"], told["usage"]),
    }


def judge(facts: dict, refused: dict) -> Metrics:
    verdicts = {f"{home}: {what}": holds for home, one in facts.items() for what, holds in requirements(one).items()}
    verdicts["a later release's home is refused"] = refused["code"] not in (0, None) and "99.1.2" in refused["said"] and refused["same"]
    failed = [what for what, holds in verdicts.items() if not holds]
    return {"cases": len(verdicts), "homes": len(facts), "served": sum(len(one["expected"]["usage"]) > 0 for one in facts.values()), "failed": len(failed), "what_failed": failed}


def planted(facts: dict, refused: dict) -> dict[str, tuple[dict, dict]]:
    name = next(home for home, one in facts.items() if one["expected"]["usage"])

    def changed(**fields: object) -> tuple[dict, dict]:
        doctored = copy.deepcopy(facts)
        for path, value in fields.items():
            place, _, key = path.partition("__")
            if key:
                doctored[name][place][key] = value
            else:
                doctored[name][place] = value
        return doctored, refused

    one = facts[name]
    tenant, (seq, digest) = next(iter(one["frozen"].items()))
    return {
        "refuses everything": changed(upgraded__status=503),
        "makes no backup": changed(backups={}),
        "backs up after it wrote": changed(backups={"upgrade-x": {tenant: [seq + 1, digest]}}),
        "forgets a row of usage": changed(upgraded__usage=one["upgraded"]["usage"][1:]),
        "charges one nano-dollar more": changed(upgraded__charged=[PRICE.cost_nano(PROMPT, TOKENS) + 1]),
        "loses a key": changed(upgraded__keys=[]),
        "rolls back to another chain": changed(back={tenant: [seq, "00" * 32]}),
        "loses what was there": changed(aside=one["frozen"]),
        "goes back unasked": changed(unasked=0),
        "opens what it can't know": (facts, refused | {"code": 0}),
        "knows no home": ({}, refused),
    }


CHECK = Check(
    "upgrade",
    run,
    {
        "homes>=1": lambda m: m["homes"] >= 1,
        "served>=1": lambda m: m["served"] >= 1,
        "failed==0": lambda m: m["failed"] == 0,
    },
)
