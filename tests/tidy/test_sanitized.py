"""The sanitized runs can fail: a report fails them, and so does a binary that was built without the sanitizer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.testing import sanitized


def test_a_report_fails_the_run(tmp_path: Path, capsys):
    assert sanitized.reports_in(tmp_path).failed == 0
    (tmp_path / "report.1").write_text("")
    assert sanitized.reports_in(tmp_path).failed == 0
    (tmp_path / "report.2").write_text("==2==ERROR: AddressSanitizer: heap-use-after-free on address 0x60200000\n")
    assert sanitized.reports_in(tmp_path).failed == 1
    assert "heap-use-after-free" in capsys.readouterr().out


def test_a_binary_without_the_sanitizer_is_refused(tmp_path: Path):
    binary = tmp_path / "steward"
    binary.write_bytes(b"\x7fELF no sanitizer in it")
    assert not sanitized.is_instrumented(binary, "asan")
    binary.write_bytes(b"\x7fELF\0__asan_init\0")
    assert sanitized.is_instrumented(binary, "asan")
    assert not sanitized.is_instrumented(binary, "tsan")


def test_each_sanitizer_is_told_where_reports_go(tmp_path: Path):
    for preset in sanitized.MARKS:
        assert all(f"log_path={tmp_path}/report" in options for options in sanitized.environment(preset, tmp_path).values())
    assert sanitized.SUPPRESSIONS.exists()


@pytest.mark.parametrize("preset", ["asan", "tsan"])
def test_planted_faults_are_found(tmp_path: Path, preset: str):
    (sanitized.TREE / "build" / preset).mkdir(parents=True, exist_ok=True)
    assert sanitized.control(preset, tmp_path)
    assert list(tmp_path.iterdir()) == []
