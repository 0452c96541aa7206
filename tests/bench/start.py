"""start: from exec to the first /healthz and to /readyz, with a journal of 1,000,000 records: 500,000 metered calls.

The home is made once by the server itself and build/release/bin/make_home, its views are folded once, and it is kept in build/bench. The
peer is the same binary on an empty home.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.report import RESULTS, Report, median
from tests.harness.paths import ROOT, free_port, steward_binary

RECORDS = 1_000_000
MAKER = ROOT / "build/release/bin/make_home"


def grown_home() -> Path:
    home = RESULTS / f"home-{RECORDS}"
    if not home.exists():
        print(f"making a home of {RECORDS:,} records …", flush=True)
        building = home.with_suffix(".new")
        subprocess.run(["rm", "-rf", str(building)], check=True)
        RESULTS.mkdir(parents=True, exist_ok=True)
        with served(building) as (port, process):
            answers(port, "/readyz", process)
        export = subprocess.run([str(steward_binary()), "journal", "export"], env=environment(building, 0), capture_output=True, text=True, check=True)
        tenant = json.loads(export.stdout.splitlines()[0])["tenant"]
        subprocess.run([str(MAKER), "--records", str(RECORDS), "--tenant", tenant, str(building)], check=True)
        with served(building) as (port, process):
            answers(port, "/readyz", process)
            wait_folded(port)
        building.rename(home)
    return home


def environment(home: Path, port: int) -> dict[str, str]:
    return os.environ | {"STEWARD_HOME": str(home), "STEWARD_PORT": str(port), "XDG_RUNTIME_DIR": tempfile.mkdtemp(prefix="stw-"), "STEWARD_ENGINE_WARM": "false"}


@contextmanager
def served(home: Path) -> Iterator[tuple[int, subprocess.Popen]]:
    port = free_port()
    process = subprocess.Popen([str(steward_binary()), "serve"], env=environment(home, port), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield port, process
    finally:
        process.terminate()
        process.wait(30)


def wait_folded(port: int, deadline_s: float = 600) -> None:
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            if json.load(answer)["parts"]["views"]["state"] == "ready":
                return
        time.sleep(0.2)
    raise RuntimeError("the views did not catch up")


def answers(port: int, path: str, process: subprocess.Popen, deadline_s: float = 60) -> float:
    end = time.perf_counter() + deadline_s
    while time.perf_counter() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=1) as answer:
                if answer.status == 200:
                    return time.perf_counter()
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.002)
    raise RuntimeError(f"{path} did not answer 200")


def one(home: Path) -> tuple[float, float]:
    start = time.perf_counter()
    with served(home) as (port, process):
        return answers(port, "/healthz", process) - start, answers(port, "/readyz", process) - start


def run(duration_s: float) -> Report:
    grown = grown_home()
    times: dict[str, list[tuple[float, float]]] = {f"{RECORDS:,} records": [], "empty home": []}
    end = time.monotonic() + duration_s
    while time.monotonic() < end or len(times["empty home"]) < 3:
        times[f"{RECORDS:,} records"].append(one(grown))
        with tempfile.TemporaryDirectory(prefix="stw-") as empty:
            times["empty home"].append(one(Path(empty) / "home"))
    report = Report("start")
    medians = {}
    for name, all_of in times.items():
        medians[name] = median([health for health, _ in all_of])
        report.rows.append({"home": name, "starts": len(all_of), "healthz p50 ms": round(medians[name] * 1e3, 1), "readyz p50 ms": round(median([ready for _, ready in all_of]) * 1e3, 1)})
    report.ratios = {"healthz, grown to empty": round(medians[f"{RECORDS:,} records"] / medians["empty home"], 3)}
    report.met = {"first /healthz within 0.3 s": medians[f"{RECORDS:,} records"] <= 0.3}
    return report
