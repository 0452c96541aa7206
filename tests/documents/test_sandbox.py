"""The reader's sandbox seen from outside: it is confined before it is given a byte, whoever starts it, and refuses what it must."""

from __future__ import annotations

import json
import os
import shutil
import signal
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.documents import hostile
from tests.harness.extract import read
from tests.harness.paths import extract_binary, steward_binary

ROOT_ALONE = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
DEADLY = ("socket", "write", "fork", "exec", "kill")


@pytest.fixture(scope="module")
def program() -> Iterator[Path]:
    """A copy where other users reach it."""
    with tempfile.TemporaryDirectory(prefix="steward-extract-") as folder:
        os.chmod(folder, 0o755)
        yield Path(shutil.copy(extract_binary(), folder))


def users() -> list[tuple[str, ...]]:
    return [(), ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")] if os.geteuid() == 0 else [()]


def attempt(what: str, program: Path, before: tuple[str, ...] = (), **popen: object) -> int:
    return subprocess.run([*before, str(program), "--attempt", what], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          env={}, timeout=30, check=False, **popen).returncode


@pytest.mark.parametrize("before", users(), ids=lambda before: before[0] if before else "self")
def test_every_way_out_ends_the_process(program: Path, before: tuple[str, ...]):
    assert attempt("none", program, before) == 0  # so the others don't fail for another reason
    for what in DEADLY:
        assert attempt(what, program, before) == -signal.SIGSYS, what
    assert attempt("read", program, before) == 4  # an error, since libraries look for files that aren't there
    assert not Path("/tmp/steward-sandbox-attempt").exists()


def status(pid: int) -> dict[str, str]:
    return dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)


def test_it_is_confined_before_its_first_byte(program: Path):
    with subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={}) as child:
        end = time.monotonic() + 10
        while status(child.pid)["Seccomp"] != "2" and time.monotonic() < end:
            time.sleep(0.01)
        told = status(child.pid)
        limits = {line[:26].strip(): line[26:].split()[0] for line in Path(f"/proc/{child.pid}/limits").read_text().splitlines()[1:]}
        out, _ = child.communicate(b"name\nsome text")
    assert told["Seccomp"] == "2" and told["NoNewPrivs"] == "1" and told["CapEff"].strip("0") == ""
    assert os.geteuid() != 0 or told["Uid"].split() == ["65534"] * 4
    assert limits["Max file size"] == "0" and limits["Max core file size"] == "0" and limits["Max open files"] == "16"
    assert int(limits["Max address space"]) == 1 << 30 and int(limits["Max cpu time"]) == 60
    assert b"some text" in out


def without_landlock() -> bytes:
    """A BPF program under which the kernel seems to have no Landlock (and, with it, none of the newer system calls)."""
    load, jump, give = 0x20, 0x35, 0x06  # the call's number; at least …; answer
    rules = [(load, 0, 0, 0), (jump, 0, 2, 444), (jump, 1, 0, 447), (give, 0, 0, 0x00050000 | 38), (give, 0, 0, 0x7FFF0000)]
    return b"".join(struct.pack("<HBBI", *rule) for rule in rules)


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap puts the filter on")
def test_without_landlock_and_without_namespaces_nothing_can_be_opened(program: Path, tmp_path: Path):
    (tmp_path / "filter").write_bytes(without_landlock())
    with (tmp_path / "filter").open("rb") as rules:
        os.set_inheritable(rules.fileno(), True)
        before = ("bwrap", "--bind", "/", "/", "--seccomp", str(rules.fileno()), "--")
        def again() -> dict[str, object]:
            rules.seek(0)
            return {"pass_fds": (rules.fileno(),)}
        done = subprocess.run([*before, program, "--attempt", "none"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env={"PATH": os.environ["PATH"]},
                              check=True, **again())
        assert json.loads(done.stdout)["landlock"] == 0
        assert attempt("read", program, (shutil.which("bwrap"), *before[1:]), **again()) == 4
        for what in DEADLY:
            assert attempt(what, program, (shutil.which("bwrap"), *before[1:]), **again()) == 128 + signal.SIGSYS, what
        told = read(hostile.one_page(hostile.stream(hostile.SAYS % b"still read")), before=(shutil.which("bwrap"), *before[1:]), program=program, **again())
        assert told.text == "still read\n"


def test_memory_is_bounded(program: Path):
    told = read(b"x " * 30_000_000, options=("--memory", str(200 << 20)), program=program)
    assert told.fault == "memory"


def test_processor_time_is_bounded(program: Path):
    """A million words on one page keep a layout engine busy."""
    page = b"".join(b"BT /F 1 Tf %d %d Td (w) Tj ET\n" % (n * 7919 % 600, n * 104729 % 800) for n in range(400_000))
    told = read(hostile.one_page(hostile.stream(page)), options=("--cpu", "1"), program=program)
    assert told.code in {-signal.SIGXCPU, -signal.SIGKILL} and told.seconds < 20


def doctor(before: tuple[str, ...] = (), environment: dict[str, str] | None = None) -> dict:
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run([*before, steward_binary(), "doctor", "--json"], capture_output=True, text=True, check=False, timeout=60,
                              env={"PATH": os.environ["PATH"], "STEWARD_HOME": home, **(environment or {})})
    return next(one for one in json.loads(done.stdout) if one["about"] == "attachments")


def test_the_doctor_says_which_sandbox_is_in_force():
    told = doctor()
    assert told["mark"] == "good" and "seccomp; 6 of 6 attempts to get out were refused" in told["what"]


@ROOT_ALONE
def test_the_doctor_sees_that_there_are_no_namespaces():
    """In a namespace that allows no further ones, as in most containers."""
    told = doctor(("unshare", "--user", "--map-root-user", "sh", "-c", 'echo 0 > /proc/sys/user/max_user_namespaces; echo 0 > /proc/sys/user/max_mnt_namespaces; exec "$@"', "sh"))
    assert told["mark"] == "good" and "bubblewrap" not in told["what"] and "6 of 6 attempts" in told["what"]
