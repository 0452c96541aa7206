"""start: from exec to the first /healthz and to /readyz, with a journal of 1,000,000 records.

The home is made once by build/release/bin/make_home and kept in build/bench. The peer is the same binary on an empty home.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
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
        subprocess.run([str(MAKER), "--records", str(RECORDS), str(building)], check=True)
        building.rename(home)
    return home


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
    port = free_port()
    runtime = tempfile.mkdtemp(prefix="stw-")
    env = os.environ | {"STEWARD_HOME": str(home), "STEWARD_PORT": str(port), "XDG_RUNTIME_DIR": runtime}
    start = time.perf_counter()
    process = subprocess.Popen([str(steward_binary()), "serve"], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        return answers(port, "/healthz", process) - start, answers(port, "/readyz", process) - start
    finally:
        process.terminate()
        process.wait(30)


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
