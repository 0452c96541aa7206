"""The two ends of the gateway's benchmarks: build/release/bin/bench_upstream and bench_load, started and read."""

from __future__ import annotations

import json
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.harness.paths import BUILD, free_port

UPSTREAM = BUILD / "bin/bench_upstream"
LOAD = BUILD / "bin/bench_load"
MODEL = "fake-1"
CHUNKS = 50
PATH = "/v1/chat/completions"


@dataclass
class Target:
    """Where to send a call, and what the server between wants with it."""

    port: int
    path: str = PATH
    headers: tuple[str, ...] = ()
    model: str = MODEL
    pid: int = 0  # of the server between; 0 when there is none


class Upstream:
    def __init__(self, port: int, process: subprocess.Popen):
        self.port, self.process = port, process

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def stats(self) -> dict:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/stats", timeout=30) as answer:
            return json.load(answer)


@contextmanager
def upstream(*options: str) -> Iterator[Upstream]:
    port = free_port()
    process = subprocess.Popen([str(UPSTREAM), "--port", str(port), *options], stdin=subprocess.DEVNULL)
    try:
        wait_listening(port, 10)
        yield Upstream(port, process)
    finally:
        process.kill()
        process.wait(10)


def wait_listening(port: int, deadline_s: float, process: subprocess.Popen | None = None) -> None:
    end = time.monotonic() + deadline_s
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if process is not None and process.poll() is not None:
                raise RuntimeError(f"{Path(str(process.args[0])).name} ended with {process.returncode}") from None
            if time.monotonic() > end:
                raise RuntimeError(f"nobody listens on port {port} after {deadline_s} s") from None
            time.sleep(0.05)


def body_file(folder: Path, model: str, streamed: bool, max_tokens: int = 256) -> Path:
    """One call's body, as a client would send it."""
    path = folder / f"{model.replace('/', '-')}-{streamed}.json"
    body = {"model": model, "messages": [{"role": "user", "content": "Say hello to everyone who reads this."}], "max_tokens": max_tokens}
    path.write_text(json.dumps(body | ({"stream": True, "stream_options": {"include_usage": True}} if streamed else {})))
    return path


def load_command(target: Target, body: Path, *options: object) -> list[str]:
    headers = [word for header in target.headers for word in ("--header", header)]
    return [str(LOAD), "--port", str(target.port), "--path", target.path, "--body", str(body), *headers, *map(str, options)]


def load(target: Target, body: Path, *options: object, timeout_s: float = 600) -> dict:
    done = subprocess.run(load_command(target, body, *options), check=False, capture_output=True, text=True, timeout=timeout_s)
    if done.returncode != 0:
        raise RuntimeError(f"bench_load: {done.stderr.strip()}")
    return json.loads(done.stdout)
