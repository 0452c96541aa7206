"""Runs the tests under a sanitizer, on what `tools/build asan` or `tools/build tsan` built; a report by any process fails them.

    python -m tools.testing.sanitized asan|tsan [unit|clients|checks ...]

Unit and property tests; then the sanitized server under the real clients and under checks of CI's size (faults, kills, hostile bytes, a
full budget). Each process writes its reports to a file of its own, so none is lost with a server's log: what lies there at the end is
shown and counted as failed, whatever the tests themselves made of it. Before, faults planted in a small program must be found.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tools.testing.outcome import Outcome, of_output, of_pytest

TREE = Path(__file__).resolve().parents[2]
SUPPRESSIONS = Path(__file__).with_name("tsan.supp")
CHECKS = ("crash", "wall", "hostile", "fallback", "chaos", "drain")  # those of them that there are
CLIENTS = ("tests/clients", "tests/symptoms")
REPORT_SHOWN_BYTES = 6000
PLANTED = {"asan": ("address,undefined", ("heap", "overflow")), "tsan": ("thread", ("race",))}
MARKS = {"asan": b"__asan_init", "tsan": b"__tsan_init"}


def environment(preset: str, reports: Path) -> dict[str, str]:
    """What the sanitizers of this preset are told; `log_path` gets the process's id behind it."""
    log = f"log_path={reports}/report"
    if preset == "tsan":
        # Reports are gathered and not ended at, so that one run tells all; a process that made one still exits with 66.
        return {"TSAN_OPTIONS": f"{log}:suppressions={SUPPRESSIONS}:halt_on_error=0:exitcode=66:second_deadlock_stack=1:history_size=4"}
    return {
        "ASAN_OPTIONS": f"{log}:detect_leaks=1:strict_string_checks=1:check_initialization_order=1:detect_stack_use_after_return=1",
        "UBSAN_OPTIONS": f"{log}:print_stacktrace=1:halt_on_error=1",
    }


def reports_in(folder: Path) -> Outcome:
    """Each report failed; shown shortened."""
    found = sorted(path for path in folder.iterdir() if path.stat().st_size)
    for path in found:
        print(f"\n{path.name}:\n{path.read_bytes()[:REPORT_SHOWN_BYTES].decode(errors='replace')}")
    return Outcome(failed=len(found))


def control(preset: str, reports: Path) -> bool:
    """Faults planted in a small program must be reported, each by a file; then these are removed."""
    flags, faults = PLANTED[preset]
    program = TREE / "build" / preset / "planted_faults"
    source = Path(__file__).with_name("planted_faults.cc")
    subprocess.run(["clang++-19", "-O1", "-g1", f"-fsanitize={flags}", "-fno-sanitize-recover=all", str(source), "-o", str(program)], check=True)
    found = []
    for fault in (*faults, "none"):
        subprocess.run([str(program), fault], env=os.environ | environment(preset, reports), stdin=subprocess.DEVNULL, check=False)
        found.append(any(path.stat().st_size for path in reports.iterdir()))
        for path in reports.iterdir():
            path.unlink()
    return found == [True] * len(faults) + [False]


def is_instrumented(binary: Path, preset: str) -> bool:
    """A clean run of a binary without the sanitizer would say nothing."""
    return MARKS[preset] in binary.read_bytes()


def unit(preset: str) -> Outcome:
    done = subprocess.run(["ctest", "--test-dir", f"build/{preset}", "--output-on-failure", "-j2", "--timeout", "1800"], cwd=TREE, stdin=subprocess.DEVNULL)
    return Outcome(failed=1) if done.returncode else Outcome(passed=1)


def clients(preset: str) -> Outcome:
    report = TREE / "build" / preset / "clients.xml"
    report.unlink(missing_ok=True)
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", *CLIENTS, f"--junitxml={report}"], cwd=TREE, stdin=subprocess.DEVNULL)
    outcome = of_pytest(report) if report.exists() else Outcome()
    return outcome if not done.returncode or outcome.failed else outcome + Outcome(failed=1)


def checks(preset: str) -> Outcome:
    from tests.checks.__main__ import NAMES

    outcome = Outcome()
    for name in (name for name in CHECKS if name in NAMES):
        done = subprocess.run([sys.executable, "-m", "tests.checks", name, "--ci"], cwd=TREE, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        print(done.stdout, flush=True)
        outcome += of_output("", done.returncode)
    return outcome


STAGES = {"unit": unit, "clients": clients, "checks": checks}


def main() -> int:
    preset, *stages = sys.argv[1:] or [""]
    if preset not in MARKS or set(stages) - set(STAGES):
        print(__doc__)
        return 2
    binary = TREE / "build" / preset / "bin/steward"
    if not is_instrumented(binary, preset):
        print(f"{binary} was not built with the sanitizer.")
        return 1
    reports = TREE / "build" / preset / "reports"
    shutil.rmtree(reports, ignore_errors=True)
    reports.mkdir(parents=True)
    if not control(preset, reports):
        print("A planted fault was not reported: a clean run would say nothing.")
        return 1
    os.environ.update(environment(preset, reports) | {"STEWARD_PRESET": preset})
    total = Outcome()
    for name in stages or STAGES:
        print(f"\n== {preset} {name}", flush=True)
        total += STAGES[name](preset)
    found = reports_in(reports)
    print(f"{found.failed} reports in build/{preset}/reports")
    total += found
    print(total)
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main())
