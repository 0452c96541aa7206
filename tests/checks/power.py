"""power: what a client was told is durable survives a power cut at any moment.

One load is recorded: the shim beneath the server writes down every write and every sync of its home, and each client writes down how long that
log was when it knew of its answer. Then power is cut at many points of the recording: from the log the image is built that a disk would hold,
each write that was not yet synced kept, dropped or torn by the seed's luck. The shipped binary starts on the image, and a program of its own
compares what it finds with what the clients knew by then. The control: the same with a disk that ignores syncs must lose something.
"""

from __future__ import annotations

import asyncio
import copy
import json
import os
import random
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import httpx

from tests.checks.contract import Check, Metrics, Options, Outcome
from tests.checks.crash_load import PRICES, provider_scripts
from tests.checks.power_load import PlacedLog, PowerLoad
from tests.faults import power
from tests.faults.control import Faults
from tests.harness.acklog import AckLog, read_log
from tests.harness.admin import Admin
from tests.harness.paths import ROOT
from tests.harness.provider import Provider
from tests.harness.steward import StartFailed, Steward
from tests.judges import power_judge
from tests.judges.export import read_export

SEEDS, SEEDS_CI, CONTROL_SEEDS = 200, 60, 12
LIVES, LIFE_S, LIFE_CI_S = 3, 2.5, 1.2
PROBES = 6

CONFIG = """
[engine]
enabled = false
[providers.script]
base_url = "{base_url}"
key_env = "SCRIPT_KEY"
models = ["quick-1", "stream-1", "vectors-1"]
"""


@dataclass
class Recording:
    """What one load left: the disk's log, the clients', and what the probes need."""

    steward: Steward
    entries: list[power.Entry]
    acks_path: Path
    acks: list[dict]
    keys: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)


def run(options: Options) -> Outcome:
    seeds = options.number("SEEDS", SEEDS_CI if options.ci else SEEDS)
    first = options.number("SEED", 1)
    life_s = LIFE_CI_S if options.ci else LIFE_S
    with Provider(provider_scripts(random.Random(first))) as provider:
        recording = record(provider, first, LIVES, life_s, honest=True)
        lying = record(provider, first, 1, 1.0, honest=False)
    try:
        verdicts = judge_cuts(recording, range(first, first + seeds))
        lied = judge_cuts(lying, range(first, first + CONTROL_SEEDS))
        return conclude(recording, verdicts, lied, seeds)
    finally:
        recording.steward.close()
        lying.steward.close()


def record(provider: Provider, seed: int, lives: int, life_s: float, *, honest: bool) -> Recording:
    """From the very first start on an empty home, over clean stops, to one moment under load."""
    steward = Steward(CONFIG.format(base_url=provider.base_url), env={"SCRIPT_KEY": provider.key})
    log = steward.folder / "disk.log"
    base = steward.folder / "base"
    shutil.copytree(steward.home, base)
    faults = Faults(steward.folder, steward.home, log)
    if not honest:
        faults.ignore_syncs()
    steward.env |= faults.env()
    acks = AckLog(steward.folder / "acks.jsonl")
    load = PowerLoad(steward.port, admin_key="", keys=[], people=[], log=PlacedLog(acks, faults), rng=random.Random(seed), faults=faults)
    for life in range(lives):
        steward.start()
        if life == 0:
            furnish(steward, load)
        asyncio.run(one_life(load, life_s))
        steward.stop()
    entries = list(power.read_log(log.read_bytes()))
    return Recording(steward, entries, acks.path, read_log(acks.path), load.keys, load.unexpected)


def furnish(steward: Steward, load: PowerLoad) -> None:
    plain = {name: value for name, value in steward.env.items() if name != "LD_PRELOAD"}
    made = steward.cli("keys", "new", "judge-admin", "--admin", "--json", env=plain)
    steward._admin_key = json.loads(made.stdout)["secret"]
    with Admin(steward) as admin:
        for name, price in PRICES.items():
            admin.set_price(*name.split("/"), price)
        load.people = [admin.new_principal("user", name) for name in "PQ"]
        keys = [admin.new_key(f"load-{i}", owner=load.people[i % 2], content="30d") for i in range(4)]
    load.admin_key, load.keys = steward.admin_key, [one["secret"] for one in keys]
    for one in keys:
        load.log.add("change", kind="key.created", subject=one["id"])


async def one_life(load: PowerLoad, seconds: float) -> None:
    load.start()
    await asyncio.sleep(seconds)
    await load.stop()


# --- cutting ----------------------------------------------------------------------------------------------------------------------
def judge_cuts(recording: Recording, seeds: range) -> list[dict]:
    """A verdict a seed, in the order of the seeds. The judge is one process beside those that start servers."""
    with Judge() as judge, ThreadPoolExecutor(max(2, os.cpu_count() or 2)) as pool:
        return list(pool.map(lambda seed: judge_cut(recording, seed, judge), seeds))


class Judge:
    """tests.judges.power_judge as a filter: facts in, verdict out."""

    def __enter__(self) -> Self:
        self._lock = threading.Lock()
        self._process = subprocess.Popen([sys.executable, "-m", "tests.judges.power_judge"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        self._process.wait(30)

    def ask(self, facts: dict) -> dict:
        with self._lock:
            self._process.stdin.write(json.dumps(facts) + "\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())


def moment(recording: Recording, rng: random.Random) -> int:
    """Where power goes: anywhere, or - the hardest moment - right when a client knew of something."""
    if rng.random() < 0.5:
        return rng.choice(recording.acks)["at"]
    return rng.choice(recording.entries).end


def judge_cut(recording: Recording, seed: int, judge: Judge) -> dict:
    luck = power.Luck.draw(seed)
    at = moment(recording, luck.rng)
    home = recording.steward.home
    base = recording.steward.folder / "base"
    image = power.cut(recording.entries, base, home, at, luck)
    with_image = Steward((base / "steward.toml").read_text(), env={"SCRIPT_KEY": "none"})
    try:
        power.lay_down(image, home, with_image.home, base)
        facts = {"at": at, "log": str(recording.acks_path)} | start_on(with_image, recording, at, luck.rng)
        verdict = judge.ask(facts)
        if verdict["acked_lost"] or not verdict["chain_ok"]:
            verdict["log_tail"] = with_image.log_tail(600)
        return verdict | {"seed": seed, "at": at, "dropped": image.dropped + image.names_dropped, "torn": image.torn, "facts": facts}
    finally:
        with_image.close()


def start_on(steward: Steward, recording: Recording, at: int, rng: random.Random) -> dict:
    """Starts the shipped binary on the image, asks for what was promised, exports and verifies."""
    export = recording.steward.folder / f"export-{steward.port}-{rng.getrandbits(48)}.jsonl"
    try:
        steward.start()
        probes = probe(steward, recording, at, rng)
    except StartFailed as failed:
        return {"started": False, "verify": False, "probes": [], "export": "", "why": str(failed)[-400:]}
    export.write_text(steward.cli("journal", "export").stdout)
    verified = steward.cli("journal", "verify", check=False).returncode == 0
    steward.kill()
    return {"started": True, "verify": verified, "probes": probes, "export": str(export)}


def probe(steward: Steward, recording: Recording, at: int, rng: random.Random) -> list[dict]:
    """Some of what was promised, asked of the new server: the key works, the answer comes again, the stored response and the file are there."""
    promised = [ack for ack in recording.acks if ack["at"] <= at and ack["ack"] in ("kept", "file")]
    results = []
    with httpx.Client(base_url=steward.url, headers={"Authorization": f"Bearer {recording.keys[0]}"}, timeout=30) as client:
        for ack in rng.sample(promised, min(PROBES, len(promised))):
            what, answer, right = ask_again(client, ack)
            ok = answer.status_code == 200 and right(answer)
            results.append({"what": what, "ok": ok, "why": "" if ok else f"{answer.status_code} {answer.text[:160]}"})
    return results


def ask_again(client: httpx.Client, ack: dict):
    if "key" in ack:
        answer = client.post("/v1/chat/completions", content=json.dumps(ack["body"]), headers={"Idempotency-Key": ack["key"], "Content-Type": "application/json"})
        return f"the answer under {ack['key']}", answer, lambda a: a.text == ack["text"]
    if "response" in ack:
        return f"the response {ack['response']}", client.get(f"/v1/responses/{ack['response']}"), lambda a: a.json()["id"] == ack["response"] and a.json()["status"] == "completed"
    return f"the file {ack['file']}", client.get(f"/v1/files/{ack['file']}/content"), lambda a: a.text == ack["content"]


# --- the verdict ------------------------------------------------------------------------------------------------------------------
def conclude(recording: Recording, verdicts: list[dict], lied: list[dict], seeds: int) -> Outcome:
    metrics = summary(recording, verdicts, seeds)
    planted = {"a disk that ignores syncs": summary(recording, lied, len(lied)) | {"cases": seeds, "seeds_asked": seeds}}
    for fault, doctored in planted_faults(verdicts).items():
        planted[fault] = summary(recording, [doctored, *verdicts[1:]], seeds)
    planted["refuses everything"] = metrics | {"acked": 0, "acked_by_kind": {}}
    metrics["lost_when_syncs_are_ignored"] = sum(one["acked_lost"] for one in lied)
    return Outcome(metrics, planted)


def summary(recording: Recording, verdicts: list[dict], seeds: int) -> Metrics:
    last = max(verdicts, key=lambda one: one["acked"])
    bad = [one for one in verdicts if one["acked_lost"] or not one["chain_ok"] or one["wrong_charges"]]
    return {
        "cases": len(verdicts),
        "seeds_asked": seeds,
        "log_bytes": recording.entries[-1].end,
        "writes": sum(entry.op == power.WRITE for entry in recording.entries),
        "syncs": sum(entry.op == power.SYNC_END for entry in recording.entries),
        "dropped_writes": sum(one["dropped"] for one in verdicts),
        "torn_writes": sum(one["torn"] for one in verdicts),
        "acked": sum(one["acked"] for one in verdicts),
        "acked_by_kind": last["acked_by_kind"],
        "acked_lost": sum(one["acked_lost"] for one in verdicts),
        "in_doubt": sum(one["in_doubt"] for one in verdicts),
        "wrong_charges": sum(one["wrong_charges"] for one in verdicts),
        "probes": sum(len(one["facts"]["probes"]) for one in verdicts),
        "chain_ok": all(one["chain_ok"] for one in verdicts),
        "unexpected_answers": len(recording.unexpected),
        "unexpected": recording.unexpected[:3],
        "log": recording.steward.log_tail(1500) if recording.unexpected else "",
        "failing_seeds": [{"seed": one["seed"], "details": one["details"][:4], "why": one["facts"].get("why", ""), "log": one.get("log_tail", "")} for one in bad[:3]],
    }


def planted_faults(verdicts: list[dict]) -> dict[str, dict]:
    """The judge's own verdicts over doctored exports of one cut."""
    whole = max(verdicts, key=lambda one: one["acked"])
    facts = whole["facts"]
    acks, records = read_log(Path(facts["log"])), list(read_export(Path(facts["export"])))
    told = [ack for ack in acks if ack["at"] <= facts["at"]]
    kept = next(ack["call"] for ack in told if ack["ack"] == "kept")
    change = next(ack["subject"] for ack in told if ack["ack"] == "change" and ack["kind"] == "key.created")
    cheap = copy.deepcopy(records)
    settled = next(one for one in cheap if one["kind"] == "call.settled" and one["stream"].endswith(kept))
    settled["body"]["outcome"] = "in_doubt"
    cases = {
        "loses a reservation": ([one for one in records if not one["stream"].endswith(kept)], facts),
        "loses a settlement that was promised": (cheap, facts),
        "loses a key": ([one for one in records if not one["stream"].endswith(change)], facts),
        "cuts the chain": (records[:5] + records[6:], facts),
        "does not start": ([], facts | {"started": False}),
        "has lost a stored answer": (records, facts | {"probes": [{"what": "the response", "ok": False, "why": "404"}]}),
    }
    return {fault: whole | power_judge.judge(acks, *case) for fault, case in cases.items()}


CHECK = Check(
    "power",
    run,
    {
        "seeds==asked": lambda m: m["cases"] == m["seeds_asked"] > 0,
        "dropped_writes>0": lambda m: m["dropped_writes"] > 0,
        "torn_writes>0": lambda m: m["torn_writes"] > 0,
        "acked>0": lambda m: m["acked"] > 0 and all(m["acked_by_kind"][kind] > 0 for kind in ("begun", "call", "kept", "change", "file")),
        "probes>0": lambda m: m["probes"] > 0,
        "acked_lost==0": lambda m: m["acked_lost"] == 0,
        "wrong_charges==0": lambda m: m["wrong_charges"] == 0,
        "chain_ok": lambda m: m["chain_ok"] is True,
        "unexpected_answers==0": lambda m: m["unexpected_answers"] == 0,
    },
)
