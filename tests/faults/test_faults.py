"""The instruments of `disk` and `power` themselves: a program of a few calls under the shim, whose outcomes are known by hand."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from errno import ENOSPC
from pathlib import Path

import pytest

from tests.faults import control as f
from tests.faults import power

WRITES = """
import os, sys
home = sys.argv[1]
os.mkdir(home + "/d")
a = os.open(home + "/a", os.O_RDWR | os.O_CREAT, 0o600)
os.pwrite(a, b"A" * 2000, 0); os.fsync(a)
os.fsync(os.open(home, os.O_RDONLY))
os.pwrite(a, b"B" * 2000, 0)
b = os.open(home + "/d/b", os.O_RDWR | os.O_CREAT, 0o600)
os.write(b, b"x" * 10); os.fsync(b)
os.rename(home + "/d/b", home + "/d/c")
os.ftruncate(a, 700)
"""
TRIES = """
import os, sys, time
a = os.open(sys.argv[1] + "/a", os.O_RDWR | os.O_CREAT, 0o600)
def tried(act):
    try:
        return act()
    except OSError as error:
        return f"errno {error.errno}"
print([tried(lambda: os.pwrite(a, b"12345678", 0)) for _ in range(3)], tried(lambda: os.fsync(a)), os.pread(a, 8, 0), int(time.time()))
"""


@pytest.fixture
def shimmed(tmp_path: Path):
    """Runs a Python program under the shim, which takes part in programs named steward alone."""
    assert f.shim().exists(), "the shim is not there: run make build"
    program, home = tmp_path / "steward", tmp_path / "home"
    program.symlink_to(Path(sys.executable).resolve())
    home.mkdir()
    log = tmp_path / "log"
    faults = f.Faults(tmp_path, home, log)

    def run(text: str) -> str:
        environment = os.environ | faults.env() | {"PYTHONHOME": sys.base_prefix}
        done = subprocess.run([program, "-c", text, home], env=environment, check=False, capture_output=True, text=True, timeout=30)
        return done.stdout if done.returncode == 0 else f"ended with {done.returncode} {done.stderr}"

    return faults, home, log, run


def images(log: Path, home: Path, at: int | None = None) -> list[power.Image]:
    entries = list(power.read_log(log.read_bytes()))
    return [power.cut(entries, None, home, entries[-1].end if at is None else at, power.Luck.draw(seed)) for seed in range(60)]


def test_a_cut_keeps_what_was_synced_and_any_part_of_the_rest(shimmed) -> None:
    faults, home, log, run = shimmed
    assert run(WRITES) == ""
    assert faults.log_bytes() == log.stat().st_size
    contents, names = set(), set()
    for image in images(log, home):
        held = bytes(image.files[image.names[str(home / "a")]])
        sectors = [held[at : at + 512] for at in range(0, len(held), 512)]
        assert all(len(set(sector)) == 1 for sector in sectors), "a sector is one of its versions, never a mixture"
        contents.add("".join(chr(sector[0]) for sector in sectors))
        names.add(tuple(sorted(path for path in image.names if path.startswith(str(home / "d") + "/"))))
    assert {"AAAA", "BBBB", "AA", "BB"} <= contents
    assert any("A" in one and "B" in one for one in contents), "some are torn"
    assert names == {(), (str(home / "d/b"),), (str(home / "d/c"),)}, "a name holds once its folder was synced, in the order of the changes"


def test_nothing_holds_before_the_first_sync(shimmed) -> None:
    _, home, log, run = shimmed
    run(WRITES)
    first_write = next(entry for entry in power.read_log(log.read_bytes()) if entry.op == power.WRITE)
    assert any(not image.files[1] for image in images(log, home, first_write.end))
    assert any(str(home / "a") not in image.names for image in images(log, home, first_write.end))


def test_with_syncs_ignored_nothing_is_sure(shimmed) -> None:
    faults, home, log, run = shimmed
    faults.ignore_syncs()
    assert run(WRITES) == ""
    assert any(str(home / "a") not in image.names for image in images(log, home))


@pytest.mark.parametrize(
    ("rule", "wrote"),
    [
        ((f.WRITE, f.ERRNO, {"error": ENOSPC, "times": 1}), f"['errno {ENOSPC}', 8, 8] None b'12345678'"),
        ((f.WRITE, f.SHORT, {"skip": 1, "times": 1}), "[8, 4, 8] None b'12345678'"),
        ((f.WRITE, f.SHORT_THEN_ERRNO, {"error": ENOSPC}), f"[4, 'errno {ENOSPC}', 'errno {ENOSPC}'] None b'1234'"),
        ((f.SYNC, f.ERRNO, {"error": 5}), "[8, 8, 8] errno 5 b'12345678'"),
        ((f.READ, f.FLIP, {}), "[8, 8, 8] None b'12345668'"),
        ((f.WRITE, f.ERRNO, {"error": 5, "match": "other"}), "[8, 8, 8] None b'12345678'"),
        ((f.WRITE, f.TEAR_AND_DIE, {"skip": 1}), "ended with -9 "),
    ],
)
def test_a_rule_strikes_as_it_says(shimmed, rule, wrote: str) -> None:
    faults, _, _, run = shimmed
    ops, action, more = rule
    faults.arm(ops, action, **more)
    faults.step_clock(86_400)
    before = int(time.time())
    told = run(TRIES)
    assert told.startswith(wrote)
    assert faults.fired() == (0 if more.get("match") else faults.fired() or 1)
    if told.startswith("["):
        assert 86_400 <= int(told.split()[-1]) - before < 86_500
