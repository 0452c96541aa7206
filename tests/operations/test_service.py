"""The systemd unit, and the notification protocol as systemd hears it: a real datagram socket, the shipped program."""

from __future__ import annotations

import asyncio
import ctypes
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from tests.harness import wire
from tests.harness.admin import Admin
from tests.harness.paths import ROOT, steward_binary
from tests.harness.steward import Steward

UNIT = ROOT / "packaging/systemd/steward.service"


class Manager:
    """Hears what is sent to $NOTIFY_SOCKET."""

    def __init__(self, address: str):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self.socket.settimeout(20)
        self.heard: list[str] = []

    def wait_for(self, line: str) -> str:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            self.heard.append(self.socket.recv(4096).decode())
            if line in self.heard[-1].splitlines():
                return self.heard[-1]
        raise AssertionError(f"{line} was not heard, but: {self.heard}")


@pytest.fixture(params=["path", "abstract"])
def managed(request, tmp_path):
    address = str(tmp_path / "notify") if request.param == "path" else f"@steward-{tmp_path.name}-{time.monotonic_ns()}"
    manager = Manager(address)
    with Steward(env={"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "600000"}) as steward:
        yield steward, manager
    manager.socket.close()


def test_it_says_when_it_serves_reloads_lives_and_stops(managed):
    steward, manager = managed
    assert f":{steward.port}" in manager.wait_for("READY=1")
    assert all("READY=1" not in one for one in manager.heard[:-1])
    for _ in range(3):
        manager.wait_for("WATCHDOG=1")
    steward.process.send_signal(signal.SIGHUP)
    told = manager.wait_for("RELOADING=1")
    assert re.search(r"^MONOTONIC_USEC=[0-9]+$", told, re.MULTILINE)
    manager.wait_for("READY=1")
    steward.process.send_signal(signal.SIGTERM)
    manager.wait_for("STOPPING=1")
    assert steward.process.wait(20) == 0


def test_a_stopped_process_gives_no_sign_of_life(managed):
    """What the watchdog is for: it is not the main thread's timer that answers, but a process that turns."""
    steward, manager = managed
    manager.wait_for("WATCHDOG=1")
    steward.process.send_signal(signal.SIGSTOP)
    manager.socket.settimeout(1.0)
    with pytest.raises(TimeoutError):
        while True:
            manager.socket.recv(4096)
    steward.process.send_signal(signal.SIGCONT)
    manager.socket.settimeout(20)
    manager.wait_for("WATCHDOG=1")


def test_it_gives_signs_of_life_and_asks_for_time_while_it_drains(managed):
    """Else a drain longer than WatchdogSec= or TimeoutStopSec= ends in a kill, with the calls that it waits for."""
    steward, manager = managed
    manager.wait_for("READY=1")
    with socket.create_connection(("127.0.0.1", steward.port), timeout=20) as under_way:
        under_way.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{")
        time.sleep(0.3)
        steward.process.send_signal(signal.SIGTERM)
        told = manager.wait_for("STOPPING=1")
        extended = int(re.search(r"^EXTEND_TIMEOUT_USEC=([0-9]+)$", told, re.MULTILINE).group(1))
        assert extended >= 40_000_000  # server.drain_timeout_ms, and what comes after it
        for _ in range(3):
            manager.wait_for("WATCHDOG=1")
        assert steward.process.poll() is None
    assert steward.process.wait(20) == 0


def analyze(*arguments: str) -> subprocess.CompletedProcess:
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed here")
    return subprocess.run(["systemd-analyze", *arguments], check=False, capture_output=True, text=True, timeout=60)


def test_systemd_takes_the_unit(tmp_path):
    """Against a copy that names a program which is there: verify wants the file of ExecStart."""
    copy = tmp_path / "steward.service"
    copy.write_text(UNIT.read_text().replace("/usr/bin/steward", "/bin/true"))
    done = analyze("verify", "--man=no", "--recursive-errors=no", str(copy))
    said = [line for line in (done.stdout + done.stderr).splitlines() if "steward.service" in line]
    assert done.returncode == 0 and said == [], done.stdout + done.stderr
    copy.write_text(copy.read_text().replace("[Service]", "[Service]\nProtectSystm=strict"))
    wrong = analyze("verify", "--man=no", "--recursive-errors=no", str(copy))
    assert "ProtectSystm" in wrong.stdout + wrong.stderr, "the judge sees no misspelt setting"


def test_its_exposure_is_as_low_as_the_documentation_says():
    """systemd's own measure: 10 is a service without any protection."""
    done = analyze("security", "--offline=true", "--threshold=20", "--no-pager", str(UNIT))
    level = re.search(r"exposure level for \S+: ([0-9.]+)", done.stdout)
    assert done.returncode == 0 and level, done.stdout + done.stderr
    assert float(level.group(1)) <= 2.0
    assert level.group(1) in (ROOT / "docs/operations.md").read_text(), f"docs/operations.md names another level than {level.group(1)}"


def filtered_calls() -> set[str]:
    """The system calls that the unit allows, by systemd's own sets."""

    def members(word: str) -> set[str]:
        if not word.startswith("@"):
            return {word}
        told = analyze("syscall-filter", "--no-pager", word).stdout.splitlines()
        names = [line.strip() for line in told[1:] if line.strip() and not line.strip().startswith("#")]
        return set().union(*(members(name) for name in names))

    allowed: set[str] = set()
    for text in re.findall(r"^SystemCallFilter=(.*)$", UNIT.read_text(), re.MULTILINE):
        chosen = set().union(*(members(word) for word in text.lstrip("~").split()))
        allowed = allowed - chosen if text.startswith("~") else allowed | chosen
    return allowed | members("@default")


def confined(allowed: set[str]):
    """A preexec function: no new privileges, the unit's filter (EPERM for the rest), no memory that is both written and run."""
    seccomp = ctypes.CDLL("libseccomp.so.2")
    libc = ctypes.CDLL(None, use_errno=True)
    seccomp.seccomp_init.restype = ctypes.c_void_p
    numbers = [number for name in sorted(allowed) if (number := seccomp.seccomp_syscall_resolve_name(name.encode())) >= 0]
    assert len(numbers) > 200

    def enter() -> None:
        if libc.prctl(38, 1, 0, 0, 0) != 0 or libc.prctl(65, 1, 0, 0, 0) != 0:  # PR_SET_NO_NEW_PRIVS, PR_SET_MDWE
            raise OSError(ctypes.get_errno(), "prctl")
        context = ctypes.c_void_p(seccomp.seccomp_init(0x00050000 | 1))  # SCMP_ACT_ERRNO(EPERM)
        for number in numbers:
            seccomp.seccomp_rule_add(context, 0x7FFF0000, number, 0)
        if seccomp.seccomp_load(context) != 0:
            raise OSError("seccomp_load")

    return enter


@pytest.mark.timeout(240)
def test_server_and_engine_work_under_the_units_filter_and_without_writable_code():
    """What the unit's SystemCallFilter= and MemoryDenyWriteExecute= leave, set by the kernel's own means: a start, a chat, an embedding, a stop."""
    allowed = filtered_calls()
    assert not {"mount", "ptrace", "kexec_load", "reboot", "chroot", "bpf"} & allowed and {"read", "execve"} <= allowed
    steward = Steward()
    try:
        with open(steward.log_path, "ab") as log:
            steward.process = subprocess.Popen([steward_binary(), "serve"], cwd=steward.folder, env=steward.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                               preexec_fn=confined(allowed))  # noqa: PLW1509 - no thread runs here
        steward.wait_until("/readyz")
        status = Path(f"/proc/{steward.process.pid}/status").read_text()
        assert re.search(r"^Seccomp:\s*2$", status, re.MULTILINE) and re.search(r"^NoNewPrivs:\s*1$", status, re.MULTILINE)
        with Admin(steward) as admin:
            secret = admin.new_key("x")["secret"]
            local = {model["kind"]: model["name"] for model in admin.pages("/models")}
            body = {"model": local["chat"], "messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 8}
            assert asyncio.run(wire.call(steward.port, "/v1/chat/completions", secret, body, deadline_s=100)).status == 200
            assert asyncio.run(wire.call(steward.port, "/v1/embeddings", secret, {"model": local["embedding"], "input": "hi"}, deadline_s=100)).status == 200
        assert steward.stop() == 0
    finally:
        steward.close()
