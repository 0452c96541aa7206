"""What a stage of tests came to, and how to read it out of the reports that test runners write."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

SUM_LINE = re.compile(r"^(?:\w+: )?(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", re.MULTILINE)


@dataclass
class Outcome:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def of_gtest(report: Path) -> Outcome:
    """A report of one GoogleTest program. Tests it never reached (it was killed) are counted by the caller."""
    suites = json.loads(report.read_text())["testsuites"]
    outcome = Outcome()
    for test in (test for suite in suites for test in suite["testsuite"]):
        if test["status"] == "NOTRUN" or test["result"] == "SKIPPED":
            outcome.skipped += 1
        elif test.get("failures"):
            outcome.failed += 1
        else:
            outcome.passed += 1
    return outcome


def of_pytest(report: Path) -> Outcome:
    outcome = Outcome()
    for suite in ElementTree.parse(report).getroot().iter("testsuite"):
        tests, skipped = int(suite.get("tests", 0)), int(suite.get("skipped", 0))
        failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        outcome += Outcome(tests - failed - skipped, failed, skipped)
    return outcome


def of_output(text: str, returncode: int) -> Outcome:
    """The last `N passed, N failed, N skipped` line; without one the exit code is the only witness."""
    sums = SUM_LINE.findall(text)
    if not sums:
        return Outcome(failed=1) if returncode else Outcome(passed=1)
    passed, failed, skipped = sums[-1]
    outcome = Outcome(int(passed), int(failed), int(skipped or 0))
    if returncode and not outcome.failed:
        outcome.failed = 1
    return outcome
