"""The unit under a real systemd: a bare Debian 12 of its own, booted in namespaces, with the built program installed as docs/operations.md says.

The root is made once by mmdebstrap and kept (TRIAL_ROOT names another place); every trial runs on a copy of what changes, so it starts bare.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from tests.harness.paths import ROOT, free_port
from tests.trials.life import (
    Place,
    Told,
    drains,
    first_life,
    hold,
    second_life,
    wait_for,
)

PAGE = ROOT / "docs/operations.md"
PACKAGES = ROOT / "packaging/container/runtime-packages.txt"


def sh(*command: str, check: bool = True, **more: object) -> subprocess.CompletedProcess:
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=900, **more)
    hold(done.returncode == 0 or not check, f"{' '.join(command)} ended with {done.returncode}: {(done.stdout + done.stderr).strip()[-2000:]}")
    return done


def make_root() -> Path:
    """Debian's smallest, with systemd and what the program loads."""
    root = Path(os.environ.get("TRIAL_ROOT") or ROOT / "build/trials/root")
    if (root / "usr/lib/systemd/systemd").exists():
        return root
    root.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(root, ignore_errors=True)
    packages = [line for line in PACKAGES.read_text().splitlines() if line and not line.startswith("#")]
    sources = [str(one) for one in [Path("/etc/apt/sources.list.d/debian.sources")] if one.exists()]
    include = ",".join(["systemd", "systemd-sysv", "dbus", *packages])
    sh("mmdebstrap", "--quiet", "--variant=minbase", f"--include={include}", "bookworm", str(root), *sources)
    return root


class Booted(Place):
    """A machine in namespaces: systemd-nspawn boots the root, on the network of this one. What it writes lies in memory and is gone with it."""

    def __init__(self, root: Path):
        super().__init__(free_port())
        self.control, console = os.openpty()
        # systemd-nspawn's own filter knows no Landlock; a machine that is none of its containers has no such filter.
        landlock = "--system-call-filter=landlock_create_ruleset landlock_add_rule landlock_restrict_self"
        options = [landlock, "--register=no", "--keep-unit", "--boot", "--volatile=overlay", "--link-journal=no", f"--bind-ro={ROOT}:/src", f"--machine=trial-{self.port}"]
        self.process = subprocess.Popen(["systemd-nspawn", "--quiet", *options, f"--directory={root}", "systemd.log_target=journal"],
                                        stdin=console, stdout=console, stderr=console, start_new_session=True)
        os.close(console)
        self.said = b""
        threading.Thread(target=self._listen, daemon=True).start()
        self.leader = 0
        wait_for(self._is_up, "systemd has booted", 60)

    def _listen(self) -> None:
        with contextlib.suppress(OSError):  # the console's other end is closed
            while piece := os.read(self.control, 4096):
                self.said = (self.said + piece)[-20_000:]

    def _is_up(self) -> bool:
        hold(self.process.poll() is None, f"systemd-nspawn ended: {self.said.decode(errors='replace')}")
        children = psutil.Process(self.process.pid).children()
        self.leader = next((one.pid for one in children if one.name() == "systemd"), 0)
        return bool(self.leader) and self.enter("systemctl", "is-system-running", check=False).stdout.strip() in ("running", "degraded")

    def enter(self, *command: str, check: bool = True) -> subprocess.CompletedProcess:
        return sh("nsenter", "-t", str(self.leader), "-a", *command, check=check)

    def run(self, *command: str, check: bool = True) -> str:
        """As root, the way the page tells."""
        return self.enter("env", "STEWARD_HOME=/var/lib/steward", *command, check=check).stdout

    def write(self, path: str, text: str) -> None:
        self.enter("sh", "-c", f"mkdir -p $(dirname {path}) && printf %s {shlex.quote(text)} > {path}")

    def systemctl(self, *words: str, check: bool = True) -> str:
        return self.enter("systemctl", *words, check=check).stdout.strip()

    def shown(self, name: str) -> str:
        return self.systemctl("show", "--value", "-p", name, "steward")

    def log(self) -> str:
        return self.enter("journalctl", "-u", "steward", "-o", "cat", "--no-pager").stdout

    def close(self) -> None:
        self.process.terminate()  # systemd-nspawn powers the machine off
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
        os.close(self.control)


def install(place: Booted) -> float:
    place.write("/etc/steward/environment", f"STEWARD_PORT={place.port}\n")
    began = time.monotonic()
    place.enter("sh", "-c", "cd /src && packaging/install.sh / && systemctl daemon-reload && systemctl enable --now steward")
    place.wait_until_ready()
    hold(place.shown("ActiveState") == "active", "the unit is not active")
    return round(time.monotonic() - began, 2)


def look_at_the_process(place: Booted) -> dict:
    """What the kernel says of the server and of the engine's process: the unit's words have become facts."""
    pids = [int(one) for one in place.enter("cat", "/sys/fs/cgroup/systemd/system.slice/steward.service/cgroup.procs").stdout.split()]
    hold(len(pids) >= 2, "no engine's process stands beside the server")
    for pid in pids:
        told = dict(line.split(":\t", 1) for line in place.enter("cat", f"/proc/{pid}/status").stdout.splitlines() if ":\t" in line)
        hold(told["Seccomp"] == "2" and told["NoNewPrivs"] == "1", f"{told['Name']} runs without the filter: {told}")
        hold(not told["CapEff"].strip("0") and not told["CapBnd"].strip("0"), f"{told['Name']} has capabilities: {told}")
        hold(told["Uid"].split()[0] != "0", f"{told['Name']} is root")
    return {"processes": len(pids)}


def sandbox_within(place: Booted) -> str:
    """Which layers hold the reader of attachments there: doctor's own attempts, run under every setting of the unit."""
    unit = place.enter("cat", "/usr/lib/systemd/system/steward.service").stdout
    kept = [line for line in unit.splitlines() if not line.startswith(("ExecStart", "ExecReload", "Type", "Watchdog", "Restart", "RuntimeDirectory", "NotifyAccess", "[Install]", "WantedBy"))]
    words = "\n".join(kept) + "\nType=oneshot\nExecStart=/usr/bin/steward doctor --json\nStandardOutput=truncate:/tmp/doctor.json\n"
    place.write("/run/systemd/system/doctor.service", words.replace("[Install]", ""))
    place.systemctl("daemon-reload")
    place.systemctl("start", "doctor")
    found = json.loads(place.enter("cat", "/tmp/doctor.json").stdout)
    about = next(one for one in found if one["about"] == "attachments")
    hold(about["mark"] == "good", f"under the unit's settings: {about}")
    return about["what"]


def reloads(place: Booted) -> None:
    place.write("/var/lib/steward/steward.toml", "[limits]\nqueue_length = 77\n")
    place.systemctl("reload", "steward")
    hold(place.shown("ActiveState") == "active", "a reload stopped it")
    shown = place.run("steward", "config", "show")
    hold(re.search(r"queue_length\s*=?\s*77", shown), "the reloaded value is not in force")
    place.write("/var/lib/steward/steward.toml", "[limits]\nqueue_lenght = 78\n")
    hold(place.enter("systemctl", "reload", "steward", check=False).returncode != 0, "a reload of a broken file is told as done")
    hold(place.shown("ActiveState") == "active" and "queue_lenght" in place.log(), "a broken file stopped it, or nobody is told which word is wrong")
    place.write("/var/lib/steward/steward.toml", "[limits]\nqueue_length = 77\n")


def backs_up(place: Booted) -> None:
    """By the unit that the page shows, as it stands there."""
    unit = re.search(r"```ini\n(# /etc/systemd/system/steward-backup\.service.*?)```", PAGE.read_text(), re.DOTALL).group(1)
    place.write("/etc/systemd/system/steward-backup.service", unit)
    place.systemctl("daemon-reload")
    place.systemctl("start", "steward-backup")
    hold(place.enter("sh", "-c", "ls /var/lib/steward/backups").stdout.split(), "the page's backup unit made no backup")


def comes_back(place: Booted, told: Told, what: str, break_it: Callable[[], object]) -> float:
    """The seconds from the fault to ready again, by Restart= alone."""
    before, began = int(place.shown("NRestarts")), time.monotonic()
    break_it()
    wait_for(lambda: int(place.shown("NRestarts")) > before, f"systemd starts it again after {what}")
    place.wait_until_ready()
    took = round(time.monotonic() - began, 2)
    second_life(place, told)
    return took


def is_killed(place: Booted) -> None:
    place.systemctl("kill", "--signal=KILL", "--kill-whom=main", "steward")


def is_held(place: Booted) -> None:
    place.systemctl("kill", "--signal=STOP", "--kill-whom=main", "steward")


def watchdog_bites(place: Booted, told: Told) -> float:
    place.write("/run/systemd/system/steward.service.d/soon.conf", "[Service]\nWatchdogSec=3\n")
    place.systemctl("daemon-reload")
    place.systemctl("restart", "steward")
    place.wait_until_ready()
    return comes_back(place, told, "its watchdog", lambda: is_held(place))


def judged_by_systemd(place: Booted) -> float:
    verified = place.enter("systemd-analyze", "verify", "--man=no", "steward.service")
    hold("steward.service" not in verified.stdout + verified.stderr, f"systemd-analyze verify: {verified.stdout}{verified.stderr}")
    level = re.search(r"exposure level for \S+: ([0-9.]+)", place.enter("systemd-analyze", "security", "--no-pager", "steward.service").stdout)
    return float(level.group(1))


def trial(_: tuple[str, ...]) -> dict:
    place = Booted(make_root())
    try:
        facts = {"systemd": place.enter("systemctl", "--version").stdout.split("\n")[0], "first_start_s": install(place), "exposure": judged_by_systemd(place)}
        told, measured = first_life(place)
        facts |= measured | look_at_the_process(place) | {"sandbox": sandbox_within(place)}
        reloads(place)
        backs_up(place)
        facts["back_after_kill_s"] = comes_back(place, told, "SIGKILL", lambda: is_killed(place))
        facts["back_after_watchdog_s"] = watchdog_bites(place, told)
        facts |= drains(place, told, lambda: place.systemctl("stop", "steward"))
        hold((place.shown("ActiveState"), place.shown("Result")) == ("inactive", "success"), f"a stop ended as {place.shown('Result')}")
        began = time.monotonic()
        place.systemctl("start", "steward")
        place.wait_until_ready()
        facts["second_start_s"] = round(time.monotonic() - began, 2)
        second_life(place, told)
        return facts
    except BaseException:
        print(place.log()[-6000:] if place.leader else place.said.decode(errors="replace"))
        raise
    finally:
        place.close()
