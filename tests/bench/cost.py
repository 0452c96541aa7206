"""cost: what a metered call costs in CPU and in bytes written as the journal grows, and how long `usage` takes over all of it.

Homes of 10,000, 1,000,000 and SIZE records (default 2,000,000; the full run: SIZE=20000000, ten million calls) are made once by
build/release/bin/make_home and kept in the cache. A Steward on each gets the same load in turn, so that the machine's noise falls on
all alike.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.bench import cpu
from tests.bench.gateway import CONFIG, PRICE
from tests.bench.report import Report, median
from tests.bench.wire import Target, Upstream, body_file, load, upstream
from tests.harness.admin import Admin
from tests.harness.paths import BUILD
from tests.harness.steward import Steward
from tools.third_party.cache import cache_root

MAKER = BUILD / "bin/make_home"
SIZES = (10_000, 1_000_000)
RATE = 100
FOLD_S = 7_200  # a large home's views are folded once


@dataclass
class Home:
    records: int
    steward: Steward
    target: Target
    admin: Admin
    cpu_ms: list[float] = field(default_factory=list)
    written: list[float] = field(default_factory=list)
    first_ms: list[float] = field(default_factory=list)
    usage_ms: list[float] = field(default_factory=list)


def home_of(records: int) -> Path:
    """In the cache; made if it isn't there."""
    home = cache_root() / "bench" / f"home-{records}-1"  # the number: of what make_home writes
    if home.exists():
        return home
    building = home.with_suffix(".new")
    subprocess.run(["rm", "-rf", str(building)], check=True)
    building.parent.mkdir(parents=True, exist_ok=True)
    print(f"making a home of {records:,} records …", file=sys.stderr, flush=True)
    with Steward(home=building) as steward:
        export = steward.cli("journal", "export")
        tenant = json.loads(export.stdout.splitlines()[0])["tenant"]
    began = time.monotonic()
    subprocess.run([str(MAKER), "--records", str(records), "--tenant", tenant, str(building)], check=True)
    print(f"  written in {time.monotonic() - began:.0f} s; folding its views …", file=sys.stderr, flush=True)
    began = time.monotonic()
    with Steward(home=building, ready_deadline_s=FOLD_S) as steward:
        wait_folded(steward)
    print(f"  folded in {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    building.rename(home)
    return home


def wait_folded(steward: Steward) -> None:
    end = time.monotonic() + FOLD_S
    while json.loads(steward.get("/readyz"))["parts"]["views"]["state"] != "ready":
        if time.monotonic() > end:
            raise RuntimeError(f"the views were not folded within {FOLD_S} s")
        time.sleep(0.5)


def open_home(stack: ExitStack, records: int, up: Upstream) -> Home:
    steward = Steward(CONFIG.format(base_url=up.base_url), env={"UP_KEY": "sk-none"}, home=home_of(records), ready_deadline_s=300)
    stack.enter_context(steward)
    admin = stack.enter_context(Admin(steward))
    wait_folded(steward)
    admin.set_price("up", "fake-1", PRICE)
    key = admin.new_key(f"bench-{time.time_ns()}")
    target = Target(steward.port, headers=(f"Authorization: Bearer {key['secret']}",), model="up/fake-1", pid=steward.process.pid)
    return Home(records, steward, target, admin)


def turn(home: Home, folder: Path, seconds: float, seed: int) -> None:
    body = body_file(folder, home.target.model, streamed=False)
    spent, written = cpu.seconds(home.target.pid), cpu.written_bytes(home.target.pid)
    told = load(home.target, body, "--rate", RATE, "--warm", 16, "--duration", seconds, "--seed", seed)
    calls = told["answered"]
    home.cpu_ms.append((cpu.seconds(home.target.pid) - spent) * 1e3 / calls)
    home.written.append((cpu.written_bytes(home.target.pid) - written) / calls)
    home.first_ms.append(told["first_us"]["p50"] / 1e3)
    for _ in range(3):
        home.usage_ms.append(ask_usage(home))


def ask_usage(home: Home) -> float:
    """All of it, by key and model, in milliseconds: over the wire, first page."""
    began = time.perf_counter()
    answer = home.admin.http.get("/usage", params={"group_by": "key,model", "from": "2000-01-01"}, timeout=httpx.Timeout(300))
    took = (time.perf_counter() - began) * 1e3
    if answer.status_code != 200:
        raise RuntimeError(f"usage answered {answer.status_code}: {answer.text[:300]}")
    calls = sum(row["calls"] for row in answer.json()["data"])
    if calls < min(home.records // 2, 1):
        raise RuntimeError("usage tells of no calls")
    return took


def run(duration_s: float) -> Report:
    report = Report("cost")
    largest = int(os.environ.get("SIZE") or 2_000_000)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="stw-bench-")))
        up = stack.enter_context(upstream())
        homes = [open_home(stack, records, up) for records in sorted({*SIZES, largest})]
        rounds = 5
        for round_number in range(rounds):
            for home in homes:
                turn(home, folder, max(1.0, duration_s / rounds / len(homes)), round_number + 1)
        for home in homes:
            size = sum(file.stat().st_size for file in home.steward.home.glob("*.db"))
            report.rows.append({"records": f"{home.records:,}", "GB on disk": round(size / 1e9, 2), "CPU ms a call": round(median(home.cpu_ms), 3),
                                "bytes written a call": round(median(home.written)), "first byte p50 ms": round(median(home.first_ms), 2),
                                "usage p50 ms": round(median(home.usage_ms), 1)})
    small, large = homes[0], homes[-1]
    cpu_ratio, written_ratio = median(large.cpu_ms) / median(small.cpu_ms), median(large.written) / max(1.0, median(small.written))
    report.ratios = {"CPU a call, largest to smallest": round(cpu_ratio, 3), "bytes written a call, largest to smallest": round(written_ratio, 3)}
    report.met = {"CPU a call is flat (within a fifth)": cpu_ratio <= 1.2, "bytes written a call are flat (within a fifth)": written_ratio <= 1.2,
                  f"usage over {largest // 2:,} calls under 100 ms": median(large.usage_ms) < 100}
    return report
