"""streams: how many open SSE streams, one event a second each, Steward holds: memory, stalls and exact charges, beside none between.

The upstream stamps each event with its time of sending, the client compares it with that of receipt: the longest gap is the stall. Each
level is run through Steward and directly, in turn. Memory is the growth of the server's resident set at the time when all are open,
divided by their number then; what the kernel holds for all sockets of the machine (four ends a stream) is told apart. Exact: the usage that
Steward reports is what the upstream counted. A stream needs two descriptors of the server, so the hard limit of the process bounds what
can be tried.
"""

from __future__ import annotations

import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.bench import cpu
from tests.bench.gateway import CONFIG, PRICE
from tests.bench.report import Report
from tests.bench.wire import Target, Upstream, body_file, load_command, upstream
from tests.harness.admin import Admin
from tests.harness.money import nano_of_microusd
from tests.harness.steward import Steward, lift_file_limit

AIM = 10_000
LEVELS = (1_000, AIM, 15_000, 20_000, 25_000)  # one address has some 28,000 ports
PER_SECOND = 1_000  # streams opened
SPARE = 200  # descriptors of the server that are no stream's
LIMITS = "[limits]\nmax_connections = 60000\n"


@dataclass
class Held:
    """What one level came to."""

    told: dict
    at_once: int  # the most that were seen open
    memory_bytes: float = 0.0  # of the server, a stream
    sockets_bytes: float = 0.0  # of the kernel, a stream
    cpu_ms: float = 0.0  # of the server, an event
    exact: bool = True

    @property
    def holds(self) -> bool:
        return self.exact and self.memory_bytes < 40_000 and self.smooth

    @property
    def smooth(self) -> bool:
        told = self.told
        return told["ok"] == told["begun"] and told.get("stalls", 1) == 0


def most_streams() -> int:
    """What the descriptors of one process allow."""
    lift_file_limit()
    return (resource.getrlimit(resource.RLIMIT_NOFILE)[0] - SPARE) // 2


def hold(target: Target, folder: Path, count: int, up: Upstream) -> Held:
    """Opens `count` streams and watches until all have ended."""
    body = body_file(folder, target.model, streamed=True, max_tokens=100_000)
    rss, sockets, spent = (cpu.rss_bytes(target.pid), cpu.socket_memory_bytes(), cpu.seconds(target.pid)) if target.pid else (0, cpu.socket_memory_bytes(), 0.0)
    events = up.stats()["chunks"]
    command = load_command(target, body, "--rate", PER_SECOND, "--count", count, "--duration", 1, "--deadline", 600)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    most, peak, peak_sockets = 1, rss, sockets
    while process.poll() is None:
        time.sleep(0.5)
        stats = up.stats()
        if (now_open := stats["streams"] - stats["streams_ended"]) >= most:
            most, peak, peak_sockets = now_open, cpu.rss_bytes(target.pid) if target.pid else 0, cpu.socket_memory_bytes()
    held = Held(json.loads(process.stdout.read()), most)
    held.memory_bytes, held.sockets_bytes = (peak - rss) / most, (peak_sockets - sockets) / most
    if target.pid:
        held.cpu_ms = (cpu.seconds(target.pid) - spent) * 1e3 / max(1, up.stats()["chunks"] - events)
    return held


def charged(admin: Admin, key: str) -> dict[str, int]:
    rows = [row for row in admin.usage(group_by="key") if row["group"]["key"] == key]
    names = ("calls", "prompt_tokens", "completion_tokens")
    return {name: sum(row[name] for row in rows) for name in names} | {"cost": sum(nano_of_microusd(row["cost_microusd"]) for row in rows)}


def exact(before: dict, after: dict, seen: dict, counted: dict) -> bool:
    """Charges of the calls since `before` against what the upstream counted meanwhile."""
    calls, prompt, completion = (counted[name] - seen[name] for name in ("streams", "prompt_tokens", "completion_tokens"))
    grown = {name: after[name] - before[name] for name in after}
    # Each call is rounded up to the nano-dollar by itself; these prices give whole ones.
    cost = (prompt * PRICE.input_pico + completion * PRICE.output_pico) // 1_000
    return grown == {"calls": calls, "prompt_tokens": prompt, "completion_tokens": completion, "cost": cost}


def row(through: str, count: int, held: Held) -> dict:
    told = held.told
    lag = told.get("lag_us") or {"p50": math.nan, "p99": math.nan, "max": math.nan}
    out = {"streams": count, "through": through, "at once": held.at_once, "whole": f"{told['ok']}/{told['begun']}", "events": told.get("events", 0)}
    out |= {"lag p50 ms": round(lag["p50"] / 1e3, 2), "lag p99 ms": round(lag["p99"] / 1e3, 1), "longest ms": round(lag["max"] / 1e3, 1), "over 200 ms": told.get("stalls", 0)}
    if through != "direct":
        out |= {"kB each": round(held.memory_bytes / 1e3, 1), "CPU us an event": round(held.cpu_ms * 1e3, 1), "exact": held.exact}
    return out | {"kernel kB each": round(held.sockets_bytes / 1e3, 1)}


def run(duration_s: float) -> Report:
    report = Report("streams")
    most, best, whole = most_streams(), 0, 0
    levels = sorted({min(level, most) for level in LEVELS})
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="stw-bench-")))
        chunks = max(10, int(duration_s))  # a stream lives this many seconds, so that all are open at once
        chunks = max(chunks, math.ceil(levels[-1] / PER_SECOND) + 8)
        up = stack.enter_context(upstream("--chunks", str(chunks), "--gap-ms", "1000", "--first-ms", "50", "--stamp"))
        steward = stack.enter_context(Steward(LIMITS + CONFIG.format(base_url=up.base_url), env={"UP_KEY": "sk-none"}))
        admin = stack.enter_context(Admin(steward))
        admin.set_price("up", "fake-1", PRICE)
        key = admin.new_key("bench")
        target = Target(steward.port, headers=(f"Authorization: Bearer {key['secret']}",), model="up/fake-1", pid=steward.process.pid)
        for count in levels:
            print(f"{count} streams …", file=sys.stderr, flush=True)
            report.rows.append(row("direct", count, hold(Target(up.port), folder, count, up)))
            before, seen = charged(admin, key["id"]), up.stats()
            held = hold(target, folder, count, up)
            time.sleep(2)
            held.exact = exact(before, charged(admin, key["id"]), seen, up.stats())
            report.rows.append(row("steward", count, held))
            if count == min(AIM, most):
                report.met |= {f"under 40 kB of memory each ({count} streams)": held.memory_bytes < 40_000, f"no stall over 200 ms ({count} streams)": held.smooth,
                               f"exact charges ({count} streams)": held.exact}
            if held.holds:
                best = count
            if not held.smooth or not held.exact or (count >= AIM and not held.holds):
                break
            whole = count
    report.ratios = {"largest number at which all hold": best, "largest without a stall and exactly charged": whole, "most that the limit of descriptors allows": most}
    report.met[f"{AIM} streams"] = best >= AIM
    return report
