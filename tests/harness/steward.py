"""A Steward of one's own: the shipped binary on a fresh home and a free port, started, stopped and killed from outside."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Self

import psutil

from tests.harness.paths import ROOT, free_port, steward_binary

START_DEADLINE_S = 30
STOP_DEADLINE_S = 20


class StartFailed(Exception):
    """It ended, or did not become ready; the message ends with its log."""


def lift_file_limit() -> None:
    """A thousand clients at once need more sockets than a shell allows by default."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def clean_environment() -> dict[str, str]:
    """The caller's own, less what could change the outcome."""
    dropped = ("STEWARD_", "OPENAI_", "XDG_", "AWS_", "OTEL_")
    return {name: value for name, value in os.environ.items() if not name.startswith(dropped) and not name.endswith("_API_KEY")}


class Steward:
    """`with Steward(config) as steward:` gives a running one; the folder is removed at the end."""

    def __init__(self, config: str = "", *, env: dict[str, str] | None = None, home: Path | None = None, ready_deadline_s: float = START_DEADLINE_S):
        self.folder = Path(tempfile.mkdtemp(prefix="stw-"))
        self.home = home or self.folder / "home"
        self.port = free_port()
        self.log_path = self.folder / "log"
        self.ready_deadline_s = ready_deadline_s
        self.process: subprocess.Popen | None = None
        self._extra = dict(env or {})
        self._admin_key: str | None = None
        runtime = self.folder / "run"
        runtime.mkdir(mode=0o700)
        self.home.mkdir(mode=0o700, exist_ok=True)
        self.write_config(config)
        self.env = clean_environment() | {
            "STEWARD_HOME": str(self.home),
            "STEWARD_PORT": str(self.port),
            "XDG_RUNTIME_DIR": str(runtime),
            **self._extra,
        }

    def write_config(self, config: str) -> None:
        (self.home / "steward.toml").write_text(config)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        return self.url + "/v1"

    # --- life ---------------------------------------------------------------------------------------------------------------------
    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self, env: dict[str, str] | None = None, wait: str = "/readyz") -> Steward:
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [steward_binary(), "serve"], cwd=self.folder, env=self.env | (env or {}), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self.wait_until(wait)
        return self

    def wait_until(self, path: str) -> float:
        """Polls until `path` answers 200; the seconds that took."""
        began = time.monotonic()
        while time.monotonic() - began < self.ready_deadline_s:
            if self.process.poll() is not None:
                raise StartFailed(f"steward serve ended with {self.process.returncode}\n{self.log_tail()}")
            try:
                with urllib.request.urlopen(self.url + path, timeout=5) as answer:
                    if answer.status == 200:
                        return time.monotonic() - began
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                pass
            time.sleep(0.01)
        raise StartFailed(f"{path} did not answer 200 within {self.ready_deadline_s} s\n{self.log_tail()}")

    def stop(self) -> int:
        """SIGTERM, then waits: what an orderly end answers. Kills and raises when it hangs."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def kill(self) -> None:
        """SIGKILL to the server alone; what it left behind ends with it or is ended here."""
        children = self.children()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        _end(children)

    def close(self) -> None:
        try:
            if self.process and self.process.poll() is None:
                self.stop()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    # --- looking at it ------------------------------------------------------------------------------------------------------------
    def children(self) -> list[psutil.Process]:
        try:
            return psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def rss_bytes(self) -> int:
        return psutil.Process(self.process.pid).memory_info().rss

    def log_tail(self, count: int = 4000) -> str:
        return self.log_path.read_bytes()[-count:].decode("utf-8", "replace") if self.log_path.exists() else ""

    def get(self, path: str, key: str | None = None) -> str:
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"Bearer {key}"} if key else {})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read().decode()

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples that carry these labels; 0 when there is none."""
        total = 0.0
        for line in self.get("/metrics", self.admin_key).splitlines():
            head, _, value = line.rpartition(" ")
            if head.split("{")[0] == name and all(f'{key}="{text}"' in head for key, text in labels.items()):
                total += float(value)
        return total

    # --- the command --------------------------------------------------------------------------------------------------------------
    def cli(self, *arguments: str, check: bool = True, stdin: str | None = None, env: dict[str, str] | None = None, timeout: float = 60):
        done = subprocess.run(
            [steward_binary(), *arguments],
            check=False,
            cwd=self.folder,
            env=self.env | (env or {}),
            input=stdin,
            stdin=None if stdin is not None else subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"steward {' '.join(arguments)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}\n{self.log_tail()}")
        return done

    def cli_json(self, *arguments: str):
        return json.loads(self.cli(*arguments, "--json").stdout)

    @property
    def admin_key(self) -> str:
        """A key with scope admin, made by the command over the home's socket."""
        if not self._admin_key:
            self._admin_key = self.cli_json("keys", "new", "judge-admin", "--admin")["secret"]
        return self._admin_key


def _end(processes: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(processes, timeout=2)
    for process in alive:
        process.kill()


def commit() -> str:
    """The commit under judgement, with a mark when the tree differs from it."""
    told = subprocess.run(["git", "describe", "--always", "--dirty", "--abbrev=12"], check=False, cwd=ROOT, capture_output=True, text=True)
    return told.stdout.strip() or "unknown"
