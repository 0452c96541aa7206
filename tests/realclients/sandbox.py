"""Where a client runs: a home of its own that is removed afterwards, no login, no telemetry, nothing but loopback to talk to."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.harness.paths import ROOT

INSTALLED = ROOT / "build" / "clients"
NPM = INSTALLED / "npm"
NODE = INSTALLED / "nodejs" / "bin"
PROGRAMS = NPM / "node_modules" / ".bin"
DRIVERS = Path(__file__).parent / "drivers"
DEADLINE_S = 120
SHOWN = 3000  # characters of a failed client's output
NOWHERE = "http://127.0.0.1:9"  # the discard port: whoever would go outside is refused at once


@dataclass
class Ran:
    code: int | None  # None: it was still running at its deadline
    out: str
    err: str
    seconds: float

    def tail(self) -> str:
        return f"exit {self.code} after {self.seconds:.0f} s\n{self.out[-SHOWN:]}\n{self.err[-SHOWN:]}"


@dataclass
class Sandbox:
    home: Path
    work: Path

    def environment(self, more: Mapping[str, str]) -> dict[str, str]:
        return {
            "HOME": str(self.home), "USER": "client", "LANG": "C.UTF-8", "TERM": "dumb", "NO_COLOR": "1", "TMPDIR": str(self.home / "tmp"),
            "PATH": f"{NODE.resolve()}:{PROGRAMS.resolve()}:/usr/local/bin:/usr/bin:/bin", "SHELL": "/bin/bash",
            "HTTP_PROXY": NOWHERE, "HTTPS_PROXY": NOWHERE, "http_proxy": NOWHERE, "https_proxy": NOWHERE,
            "NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost", "DO_NOT_TRACK": "1", "CI": "1", **more,
        }

    def run(self, command: Sequence[str | Path], env: Mapping[str, str], deadline_s: float = DEADLINE_S) -> Ran:
        """Runs to its end or its deadline; whatever it started ends with it."""
        began = time.monotonic()
        out, err = (self.home / name for name in ("stdout", "stderr"))
        with open(out, "wb") as to_out, open(err, "wb") as to_err:
            process = subprocess.Popen([str(word) for word in command], cwd=self.work, env=self.environment(env), stdin=subprocess.DEVNULL,
                                       stdout=to_out, stderr=to_err, start_new_session=True)
            try:
                code = process.wait(deadline_s)
            except subprocess.TimeoutExpired:
                code = None
            finally:
                _end_group(process)
        told = [path.read_text(errors="replace") for path in (out, err)]
        return Ran(code, *told, time.monotonic() - began)


def _end_group(process: subprocess.Popen) -> None:
    """The session that the client led: helpers that it left behind are of no use to anybody."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait(10)


@contextmanager
def sandbox() -> Iterator[Sandbox]:
    folder = Path(tempfile.mkdtemp(prefix="client-"))
    made = Sandbox(folder / "home", folder / "work")
    for path in (made.home, made.home / "tmp", made.work):
        path.mkdir()
    try:
        yield made
    finally:
        shutil.rmtree(folder, ignore_errors=True)
