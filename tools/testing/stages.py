"""The stages of `make test` after the build. Each runs one kind of tests and returns its outcome."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from tools.testing.fuzz import run_fuzzers
from tools.testing.outcome import Outcome, of_gtest, of_output, of_pytest

TREE = Path(__file__).resolve().parents[2]
RESULTS = TREE / "build/test-results"
FUZZ_SECONDS_IN_CI = 5
FUZZ_SEED_IN_CI = 1


def unit() -> Outcome:
    """The GoogleTest programs, two at a time: every unit and every law (rapidcheck)."""
    reports = RESULTS / "unit"
    shutil.rmtree(reports, ignore_errors=True)
    reports.mkdir(parents=True)
    summary = reports / "ctest.xml"
    command = ["ctest", "--test-dir", "build/release", "--output-on-failure", "-j2", "--output-junit", str(summary)]
    subprocess.run(command, cwd=TREE, stdin=subprocess.DEVNULL, env=os.environ | {"GTEST_OUTPUT": f"json:{reports}/"})
    outcome = sum((of_gtest(report) for report in reports.glob("*.json")), Outcome())
    programs = ElementTree.parse(summary).getroot().findall("testcase")
    broken = [program.get("name") for program in programs if program.get("status") != "run"]
    # A program that died or hung wrote no report, so its failure stands in none of them.
    unreported = [name for name in broken if not (reports / f"{name}_test.json").exists()]
    if broken and not outcome.failed and not unreported:
        unreported = broken
    for name in unreported:
        print(f"{name}_test ended without a report: it crashed or ran out of time.")
    return outcome + Outcome(failed=len(unreported))


def tidy() -> Outcome:
    return _pytest("tidy", ["tests/tidy"])


def web() -> Outcome:
    """The web app's own tests, and its types: TypeScript holds the client to the OpenAPI document."""
    report = RESULTS / "web.xml"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    node, folder = TREE / "build/third_party/node/bin/node", TREE / "web"
    typed = subprocess.run([node, folder / "node_modules/typescript/bin/tsc", "--noEmit", "-p", folder], cwd=folder, stdin=subprocess.DEVNULL)
    command = [node, folder / "node_modules/vitest/vitest.mjs", "run", "--reporter=default", "--reporter=junit", f"--outputFile.junit={report}"]
    done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL)
    outcome = of_pytest(report) if report.exists() else Outcome()
    broken = bool(typed.returncode) + bool(done.returncode and not outcome.failed)
    return outcome + Outcome(passed=0 if typed.returncode else 1, failed=broken)


def clients() -> Outcome:
    """What crosses floors: the program as users and their clients meet it."""
    return _pytest("clients", ["tests", "--ignore=tests/tidy"])


def checks() -> Outcome:
    return _program([sys.executable, "-m", "tests.checks", "--all", "--ci"])


def fuzz() -> Outcome:
    built = subprocess.run(["tools/build", "fuzz"], cwd=TREE, stdin=subprocess.DEVNULL)
    if built.returncode:
        return Outcome(failed=1)
    return run_fuzzers(FUZZ_SECONDS_IN_CI, seed=FUZZ_SEED_IN_CI)


def _pytest(name: str, arguments: list[str]) -> Outcome:
    report = RESULTS / f"{name}.xml"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", *arguments, f"--junitxml={report}"]
    done = subprocess.run(command, cwd=TREE, stdin=subprocess.DEVNULL)
    outcome = of_pytest(report) if report.exists() else Outcome()
    return outcome if not done.returncode or outcome.failed else outcome + Outcome(failed=1)


def _program(command: list[str]) -> Outcome:
    """Shows the program's output as it comes, and reads the outcome from it."""
    lines = []
    with subprocess.Popen(command, cwd=TREE, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    return of_output("".join(lines), process.returncode)
