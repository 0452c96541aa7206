"""crash: what a client was told succeeded survives SIGKILL, and nothing is charged twice.

Clients call models and change settings without pause. The server is killed at random moments from outside, and once at every named
point (`steward debug crash-points`: the process kills itself the n-th time it passes there). After the last kill it is started once more,
which settles what was left open, and stopped; then a separate program compares the clients' log with `steward journal export`.

`STORE=postgres` keeps the journal in a PostgreSQL of the check's own.

More than `ROUND` kills go in rounds (BESIDE=n of them at a time), each on a home of its own, so that neither home nor judge grows without bound. Each round is judged by itself,
leaves a line in build/check/crash-rounds.jsonl, and ends the whole if it failed.
"""

from __future__ import annotations

import asyncio
import copy
import json
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path

from tests.checks.contract import RESULTS, Check, Metrics, Options, Outcome
from tests.checks.crash_load import PRICES, Load, provider_scripts
from tests.harness.acklog import AckLog, read_log
from tests.harness.admin import Admin
from tests.harness.money import nano_of_microusd
from tests.harness.paths import ROOT
from tests.harness.provider import Provider
from tests.harness.steward import StartFailed, Steward
from tests.harness.stores import journal_in
from tests.judges import crash_judge
from tests.judges.export import read_export

KILLS, KILLS_CI = 25, 20
ROUND = 250
ROUNDS_LOG = RESULTS / "crash-rounds.jsonl"
POINT_DEADLINE_S = 10
LONGEST_LIFE_S = 0.6
TAKEN_UP_DEADLINE_S = 60

CONFIG = """
[providers.script]
base_url = "{base_url}"
key_env = "SCRIPT_KEY"
models = ["quick-1", "stream-1", "vectors-1", "slow-1"]
"""


def run(options: Options) -> Outcome:
    kills, seed = options.number("KILLS", KILLS_CI if options.ci else KILLS), options.number("SEED", 20_261)
    store = options.settings.get("STORE", "sqlite")
    if kills <= ROUND:
        return one_round(kills, seed, store)
    ROUNDS_LOG.parent.mkdir(parents=True, exist_ok=True)
    ROUNDS_LOG.unlink(missing_ok=True)
    sizes = [min(ROUND, kills - first) for first in range(0, kills, ROUND)]
    total: Outcome | None = None
    with ProcessPoolExecutor(options.number("BESIDE", 1)) as rounds:
        for number, done in enumerate(rounds.map(timed_round, sizes, range(seed, seed + len(sizes)), [store] * len(sizes))):
            broken = told(number + 1, seed + number, done.metrics)
            total = done if total is None else Outcome(added(total.metrics, done.metrics), total.planted)
            if broken:
                rounds.shutdown(cancel_futures=True)
                break
    total.metrics["kills_asked"] = kills
    return Outcome(total.metrics, {fault: total.metrics | changed_by(doctored, total.metrics) for fault, doctored in total.planted.items()})


def timed_round(kills: int, seed: int, store: str) -> Outcome:
    began = time.monotonic()
    done = one_round(kills, seed, store)
    return Outcome(done.metrics | {"round_s": round(time.monotonic() - began)}, done.planted)


def told(number: int, seed: int, metrics: Metrics) -> list[str]:
    """Notes a round that ended, and answers which conditions it broke."""
    broken = CHECK.failures(metrics, smallest=1)
    with open(ROUNDS_LOG, "a", encoding="utf-8") as log:
        log.write(json.dumps({"round": number, "seed": seed, "broken": broken, **metrics}) + "\n")
    verdict = f"failed: {', '.join(broken)}" if broken else "held"
    print(f"  round {number} (SEED={seed}): {metrics['kills']} kills, {metrics['acked']} acknowledged, {verdict}", flush=True)
    return broken


def one_round(kills: int, seed: int, store: str) -> Outcome:
    rng = random.Random(seed)
    with Provider(provider_scripts(rng)) as provider, journal_in(store) as place:
        steward = Steward(CONFIG.format(base_url=provider.base_url), env={"SCRIPT_KEY": provider.key} | place)
        try:
            siege = Siege(steward, provider, rng)
            asyncio.run(siege.run(kills))
            return conclude(siege, kills)
        finally:
            steward.close()


def added(so_far: Metrics, round_: Metrics) -> Metrics:
    """Counts add up; a condition holds if it held in every round; the points are one list, of which each round hits its own."""
    out: Metrics = {}
    for name, one in so_far.items():
        other = round_[name]
        if name in ("points", "points_hit"):
            out[name] = min(one, other)
        elif isinstance(one, bool):
            out[name] = one and other
        elif isinstance(one, int):
            out[name] = one + other
        elif isinstance(one, dict):
            out[name] = {key: one.get(key, 0) + other.get(key, 0) for key in one | other}
        else:
            out[name] = (one + other)[:20]
    return out


def changed_by(doctored: Metrics, total: Metrics) -> Metrics:
    """What the planted fault of the first round makes of the judge's verdict: its bad counts, not its smaller sums."""
    verdict = ("acked", "acked_by_kind", "acked_lost", "double_charged", "conserved", "chain_faults")
    return {name: doctored[name] for name in verdict if name in doctored and name in total}


class Siege:
    """Life after life of one home."""

    def __init__(self, steward: Steward, provider: Provider, rng: random.Random):
        self.steward, self.provider, self.rng = steward, provider, rng
        self.log = AckLog(steward.folder / "acks.jsonl")
        self.points = [line.split()[0] for line in steward.cli("debug", "crash-points").stdout.splitlines() if line.strip()]
        self.kills = self.kills_in_flight = self.made = 0
        self.hit: set[str] = set()
        self.unexpected: list[str] = []
        self.load_arguments: dict = {}

    async def run(self, kills: int) -> None:
        await asyncio.to_thread(self._furnish)
        plan: list[str | None] = [*self.points, *[None] * max(0, kills - len(self.points))]
        self.rng.shuffle(plan)
        for at, point in enumerate(plan):
            await self._life(point)
            if point and point not in self.hit and None in plan[at + 1 :]:
                plan[plan.index(None, at + 1)] = point  # a busy machine may not get there in time: a later life tries again

    def _furnish(self) -> None:
        """Keys, people, prices, and budgets that are never reached but count every charge."""
        self.steward.start()
        with Admin(self.steward) as admin:
            for name, price in PRICES.items():
                admin.set_price(*name.split("/"), price)
            people = [admin.new_principal("user", name) for name in "PQ"]
            keys = [admin.new_key(f"load-{i}", owner=people[i % 2]) for i in range(4)]
            scopes = {"all": admin.tenant()} | dict(zip("PQ", people, strict=True)) | {one["name"]: one["id"] for one in keys[:2]}
            for name, scope in scopes.items():
                admin.set_budget(f"count-{name}", scope, 10**15)
        self.load_arguments = {"admin_key": self.steward.admin_key, "keys": [one["secret"] for one in keys], "people": people}
        self.steward.stop()

    async def _life(self, point: str | None) -> None:
        armed = {"STEWARD_CRASH_AT": f"{point}:{self.rng.randint(1, 4)}"} if point else {}
        load = Load(self.steward.port, log=self.log, rng=self.rng, made=self.made, **self.load_arguments)
        try:
            await asyncio.to_thread(self.steward.start, armed)
            load.start()
            await (self._until_point() if point else asyncio.sleep(self.rng.uniform(0.02, LONGEST_LIFE_S)))
        except StartFailed:
            if self.steward.process.poll() != -signal.SIGKILL:
                raise
        in_flight = load.in_flight
        hit = self.steward.process.poll() == -signal.SIGKILL
        self.steward.kill()
        await load.stop()
        self.kills += 1
        self.kills_in_flight += in_flight > 0
        self.made = load.made
        self.unexpected += load.unexpected
        if point and hit:
            self.hit.add(point)

    async def _until_point(self) -> None:
        for _ in range(POINT_DEADLINE_S * 100):
            await asyncio.sleep(0.01)
            if self.steward.process.poll() is not None:
                return


def conclude(siege: Siege, kills: int) -> Outcome:
    """One more start for what recovery owes, an orderly stop, the export, and the judge in a process of its own."""
    steward = siege.steward
    steward.start()
    with Admin(steward) as admin:
        budgets = quiet_budgets(admin)
    stop_code = steward.stop()
    export = steward.folder / "export.jsonl"
    export.write_text(steward.cli("journal", "export", timeout=600).stdout)
    verified = steward.cli("journal", "verify", check=False, timeout=600).returncode == 0
    facts = {
        "log": str(siege.log.path),
        "export": str(export),
        "prices": {name: asdict(price) for name, price in PRICES.items()},
        "budgets": budgets,
        "upstream_seen": len(siege.provider.calls()),
    }
    around = {
        "cases": siege.kills,
        "kills": siege.kills,
        "kills_asked": kills,
        "kills_in_flight": siege.kills_in_flight,
        "points": len(siege.points),
        "points_hit": len(siege.hit),
        "points_missed": sorted(set(siege.points) - siege.hit),
        "verify": verified and stop_code == 0,
        "unexpected_answers": len(siege.unexpected),
        "unexpected": siege.unexpected[:5],
    }
    verdict = in_another_process(facts, steward.folder)
    return Outcome(around | verdict, {fault: around | doctored for fault, doctored in planted(facts).items()})


def quiet_budgets(admin: Admin) -> list[dict]:
    """Those that count, once the answers that the last start took up again have ended."""
    end = time.monotonic() + TAKEN_UP_DEADLINE_S
    while True:
        budgets = [
            {"id": one["id"], "spent_nano": nano_of_microusd(one["spent_microusd"]), "reserved_nano": nano_of_microusd(one["reserved_microusd"])}
            for one in admin.budgets()
            if one["name"].startswith("count-")
        ]
        if all(one["reserved_nano"] == 0 for one in budgets) or time.monotonic() > end:
            return budgets
        time.sleep(0.1)


def in_another_process(facts: dict, folder: Path) -> Metrics:
    path = folder / "facts.json"
    path.write_text(json.dumps(facts))
    done = subprocess.run([sys.executable, "-m", "tests.judges.crash_judge", str(path)], cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def planted(facts: dict) -> dict[str, Metrics]:
    """The judge's verdicts over doctored logs and exports."""
    acks, records = read_log(Path(facts["log"])), list(read_export(Path(facts["export"])))
    told = next(ack for ack in acks if ack["ack"] == "call")
    change = next(ack for ack in acks if ack["ack"] == "change")
    settled = next(i for i, one in enumerate(records) if one["kind"] == "call.settled" and one["stream"].endswith(told["call"]))
    dearer = copy.deepcopy(records)
    dearer[settled]["body"]["cost_nano"] += 1
    forged = copy.deepcopy(records)
    forged[settled]["actor"] = "usr_00000000000000000000000000"
    first, *others = facts["budgets"]
    cases = {
        "loses a settled call": (acks, records[:settled] + records[settled + 1 :], facts),
        "loses a change": (acks, [one for one in records if crash_judge.subject(one) != change["subject"]], facts),
        "was told of a call that is nowhere": ([*acks, told | {"call": "call_0"}], records, facts),
        "settles twice": (acks, [*records, records[settled]], facts),
        "charges one nano-dollar more": (acks, dearer, facts),
        "tells the client other tokens": ([one | {"prompt": one["prompt"] + 1} if one is told else one for one in acks], records, facts),
        "counts a budget wrong": (acks, records, facts | {"budgets": [first | {"spent_nano": first["spent_nano"] + 1}, *others]}),
        "asks upstream without a reservation": (acks, records, facts | {"upstream_seen": 10**9}),
        "changes a header": (acks, forged, facts),
        "refuses everything": ([], records, facts),
    }
    return {fault: crash_judge.judge(*case) for fault, case in cases.items()}


CHECK = Check(
    "crash",
    run,
    {
        "kills==KILLS": lambda m: m["kills"] == m["kills_asked"] > 0,
        "kills_in_flight>0": lambda m: m["kills_in_flight"] > 0,
        "acked>0": lambda m: m["acked"] > 0,
        "acked calls>0": lambda m: m["acked_by_kind"]["call"] > 0,
        "acked changes>0": lambda m: m["acked_by_kind"]["change"] > 0,
        "points_hit==all": lambda m: m["points_hit"] == m["points"] > 0,
        "acked_lost==0": lambda m: m["acked_lost"] == 0,
        "double_charged==0": lambda m: m["double_charged"] == 0,
        "conserved": lambda m: m["conserved"] is True,
        "chain_faults==0": lambda m: m["chain_faults"] == 0,
        "verify": lambda m: m["verify"] is True,
        "unexpected_answers==0": lambda m: m["unexpected_answers"] == 0,
    },
)
