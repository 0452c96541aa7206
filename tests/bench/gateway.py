"""gateway: what Steward adds to a call, beside nothing, nginx, Envoy, Portkey and LiteLLM before the same upstream in the same run.

Open loop at 1, 32 and 200 requests a second, then as many at once as a server takes (closed loop); answers whole and streamed in 50
chunks, 10 ms apart, the first byte after 50 ms. Steward meters every call: reserved, settled and durable. The servers take turns in
short rounds, all with the same arrivals, so that the machine's noise falls on all alike; figures are medians over rounds. The duration
counts for each of the eight parts. CPU is that of the server between and its children.
"""

from __future__ import annotations

import sys
import tempfile
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench import cpu, peers
from tests.bench.report import Report, median
from tests.bench.wire import Target, Upstream, body_file, load, upstream
from tests.harness.admin import Admin
from tests.harness.money import Price
from tests.harness.steward import Steward

RATES = (1, 32, 200)
SATURATION = "saturation"
AT_ONCE = {"litellm": 64, "portkey": 256}  # in the closed loop; the others 512
PRICE = Price(input_pico=150_000, output_pico=600_000)
CONFIG = """
[log]
level = "warn"

[providers.up]
base_url = "{base_url}"
key_env = "UP_KEY"
models = ["fake-1"]
"""


@dataclass
class Cell:
    """One server at one load."""

    first_ms: list[float] = field(default_factory=list)
    total_ms: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    per_s: list[float] = field(default_factory=list)
    asked: int = 0
    ok: int = 0

    def take(self, told: dict, spent_s: float) -> None:
        self.asked += told["begun"]
        self.ok += told["ok"]
        if not told["ok"]:
            return
        self.first_ms.append(told["first_us"]["p50"] / 1e3)
        self.total_ms.append(told["total_us"]["p50"] / 1e3)
        self.p99_ms.append(told["first_us"]["p99"] / 1e3)
        self.cpu_ms.append(spent_s * 1e3 / told["answered"])
        self.per_s.append(told["ok"] / told["seconds"])


Cells = dict[tuple[str, bool, object], Cell]  # by server, streamed, load


def add_steward(stack: ExitStack, up: Upstream) -> Target:
    steward = stack.enter_context(Steward(CONFIG.format(base_url=up.base_url), env={"UP_KEY": "sk-none"}))
    with Admin(steward) as admin:
        admin.set_price("up", "fake-1", PRICE)
        admin.set_budget("all", admin.tenant(), 10**15)
        key = admin.new_key("bench")
        admin.set_budget("key", key["id"], 10**15)
    return Target(steward.port, headers=(f"Authorization: Bearer {key['secret']}",), model="up/fake-1", pid=steward.process.pid)


def one(target: Target, folder: Path, streamed: bool, rate: object, seconds: float, seed: int, name: str) -> tuple[dict, float]:
    body = body_file(folder, target.model, streamed)
    if rate == SATURATION:
        at_once = AT_ONCE.get(name, 512)
        options = ["--closed", at_once, "--warm", at_once // 2]
    else:
        # As many connections as will be busy are opened before the clock starts.
        options = ["--rate", rate, "--warm", max(2, int(rate * (0.7 if streamed else 0.08)))]
    before = cpu.seconds(target.pid) if target.pid else 0.0
    told = load(target, body, *options, "--duration", seconds, "--deadline", 5, "--seed", seed)
    return told, (cpu.seconds(target.pid) if target.pid else 0.0) - before


def measure(targets: dict[str, Target], folder: Path, duration_s: float) -> Cells:
    cells: Cells = defaultdict(Cell)
    rounds = 3 if duration_s >= 18 else 1
    seconds = max(1.5, duration_s / rounds / len(targets))
    for streamed in (False, True):
        for rate in (*RATES, SATURATION):
            print(f"{'streamed' if streamed else 'plain'}, {rate}{'' if rate == SATURATION else ' a second'} …", file=sys.stderr, flush=True)
            for turn in range(rounds):
                for name, target in targets.items():
                    told, spent = one(target, folder, streamed, rate, seconds, turn + 1, name)
                    cells[name, streamed, rate].take(told, spent)
    return cells


def rows_of(cells: Cells, names: list[str], missing: dict[str, str]) -> list[dict]:
    rows = []
    for streamed in (False, True):
        for rate in (*RATES, SATURATION):
            direct = cells["direct", streamed, rate]
            for name in names:
                row: dict = {"answers": "streamed" if streamed else "plain", "requests/s": str(rate), "through": name}
                cell = cells.get((name, streamed, rate))
                if cell is None or not cell.first_ms:
                    rows.append(row | {"first p50 ms": missing.get(name, "none answered in time")})
                    continue
                row["first p50 ms"] = round(median(cell.first_ms), 2)
                row["added p50 ms"] = "" if name == "direct" else round(median(cell.first_ms) - median(direct.first_ms), 2)
                row |= {"first p99 ms": round(median(cell.p99_ms), 1), "total p50 ms": round(median(cell.total_ms), 1)}
                row |= {"CPU ms each": "" if name == "direct" else round(median(cell.cpu_ms), 3), "passed/s": round(median(cell.per_s), 1)}
                row["answered"] = f"{cell.ok}/{cell.asked}"
                rows.append(row)
    return rows


class Aims:
    """Ratios and aims; one whose peer is missing is not told as met."""

    def __init__(self, cells: Cells, report: Report):
        self.cells, self.report = cells, report

    def added(self, name: str, streamed: bool, rate: object) -> float | None:
        here, direct = self.cells.get((name, streamed, rate)), self.cells["direct", streamed, rate]
        return median(here.first_ms) - median(direct.first_ms) if here and here.first_ms and direct.first_ms else None

    def cpu(self, name: str, streamed: bool, rate: object) -> float | None:
        cell = self.cells.get((name, streamed, rate))
        return median(cell.cpu_ms) if cell and cell.cpu_ms else None

    def latency(self, streamed: bool, rate: object) -> None:
        mine, nginx, litellm = (self.added(name, streamed, rate) for name in ("steward", "nginx", "litellm"))
        where = f"{'streamed' if streamed else 'plain'}, {rate}/s"
        if mine is None:
            return
        if nginx is not None:
            self.report.ratios[f"added beyond nginx, ms ({where})"] = round(mine - nginx, 3)
            self.report.met[f"p50 added at most nginx's + 0.5 ms ({where})"] = mine <= nginx + 0.5
        if litellm is not None and litellm > 0:
            self.report.ratios[f"added, steward to litellm ({where})"] = round(mine / litellm, 4)
            self.report.met[f"p50 added at most a tenth of LiteLLM's ({where})"] = mine <= litellm / 10

    def share(self, peer: str, most: float, words: str, streamed: bool, rate: object) -> None:
        mine, theirs = self.cpu("steward", streamed, rate), self.cpu(peer, streamed, rate)
        if mine is None or not theirs:
            return
        where = f"{'streamed' if streamed else 'plain'}, {rate}{'' if rate == SATURATION else '/s'}"
        self.report.ratios[f"CPU, steward to {peer} ({where})"] = round(mine / theirs, 4)
        self.report.met[f"CPU {words} ({where})"] = mine / theirs <= most


def judge(cells: Cells, report: Report) -> None:
    aims = Aims(cells, report)
    for streamed in (False, True):
        for rate in RATES:
            aims.latency(streamed, rate)
    for rate in (32, SATURATION):
        aims.share("envoy", 3, "a request at most three times Envoy's", False, rate)
        aims.share("portkey", 1 / 4, "a request at most a quarter of Portkey's", False, rate)
        aims.share("litellm", 1 / 60, "a request at most a sixtieth of LiteLLM's", False, rate)
        aims.share("envoy", 2, "a stream of 50 chunks at most twice Envoy's", True, rate)


def run(duration_s: float) -> Report:
    report = Report("gateway")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="stw-bench-")))
        up = stack.enter_context(upstream())
        running, missing = peers.start(folder, up)
        for peer in running.values():
            stack.callback(peer.stop)
        targets = {"direct": Target(up.port)} | {name: peer.target for name, peer in running.items()} | {"steward": add_steward(stack, up)}
        for name, target in targets.items():  # imports, caches and compilers warm up outside the measuring
            load(target, body_file(folder, target.model, streamed=False), "--closed", 8, "--duration", 1.5 if name != "litellm" else 4)
        cells = measure(targets, folder, duration_s)
        report.rows = rows_of(cells, [*targets, *missing], missing)
        judge(cells, report)
    return report
