"""`make run ONCE=1`: starts the server, waits for its screen, runs the printed curl line and Python snippet, stops the server.

Exit 0 only if both worked. The lines are run as printed, as a person would paste them: the curl line in a shell, the snippet in
the Python environment that set-up made. A later start shows no key; then one is made for this trial and revoked after it.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

TREE = Path(__file__).resolve().parents[1]
PROGRAM = TREE / "build/release/bin/steward"
PYTHON = TREE / "build/venv/bin/python"
READY_TIMEOUT_S = 120
ANSWER_TIMEOUT_S = 120
STOP_TIMEOUT_S = 30
SNIPPET_FENCES = ("```python", "```")


@dataclass
class Screen:
    """What the server printed, and the parts of it that a person would use."""

    lines: list[str] = field(default_factory=list)

    @property
    def has_key(self) -> bool:
        return any(line.startswith("key:") for line in self.lines)

    @property
    def curl(self) -> str:
        return next((line for line in self.lines if line.startswith("curl ")), "")

    @property
    def snippet(self) -> str:
        first, last = SNIPPET_FENCES
        if first not in self.lines or last not in self.lines:
            return ""
        return "\n".join(self.lines[self.lines.index(first) + 1 : self.lines.index(last)]) + "\n"

    @property
    def whole(self) -> bool:
        return bool(self.curl and self.snippet)


def wait_for_screen(server: subprocess.Popen) -> Screen:
    """Reads the server's output until the screen has its curl line and its whole snippet."""
    screen, lines = Screen(), queue.Queue()
    threading.Thread(target=_pump, args=(server, lines), daemon=True).start()
    end = time.monotonic() + READY_TIMEOUT_S
    while not screen.whole:
        try:
            line = lines.get(timeout=max(0.0, end - time.monotonic()))
        except queue.Empty:
            raise SystemExit(f"The server printed no whole screen in {READY_TIMEOUT_S} s.") from None
        if line is None:
            raise SystemExit(f"The server ended before it was ready (exit {server.wait()}).")
        screen.lines.append(line)
    return screen


def _pump(server: subprocess.Popen, lines: queue.Queue) -> None:
    for line in server.stdout:
        print(line, end="", flush=True)
        lines.put(line.rstrip("\n"))
    lines.put(None)


def run_as_pasted(what: str, command: list[str], text: str, key: str) -> str:
    """The output of what was run, or nothing if it failed."""
    print(f"\n> {what}", flush=True)
    environment = os.environ | ({"STEWARD_KEY": key} if key else {})
    try:
        done = subprocess.run(command, input=text, text=True, capture_output=True, env=environment, cwd=TREE,
                              timeout=ANSWER_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        print(f"no answer in {ANSWER_TIMEOUT_S} s")
        return ""
    print((done.stdout + done.stderr).strip(), flush=True)
    return done.stdout.strip() if done.returncode == 0 else ""


def curl_answered(output: str) -> bool:
    """curl exits 0 on an error status too, so the answer itself is read."""
    try:
        return bool(json.loads(output)["choices"])
    except (ValueError, KeyError, TypeError):
        return "data: [DONE]" in output


def steward(*arguments: str) -> str:
    return subprocess.run([str(PROGRAM), *arguments], capture_output=True, text=True, check=True).stdout


def try_screen(screen: Screen) -> bool:
    made = None if screen.has_key else json.loads(steward("keys", "new", "run-once", "--json"))
    key = made["secret"] if made else ""
    try:
        curl = curl_answered(run_as_pasted("the curl line", ["bash"], screen.curl + "\n", key))
        snippet = bool(run_as_pasted("the Python snippet", [str(PYTHON), "-"], screen.snippet, key))
    finally:
        if made:
            steward("keys", "revoke", made["id"])
    print(f"\nThe curl line {'worked' if curl else 'FAILED'}; the Python snippet {'worked' if snippet else 'FAILED'}.")
    return curl and snippet


def main() -> int:
    start = time.monotonic()
    server = subprocess.Popen([str(PROGRAM), "serve", "--welcome"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    worked = False
    try:
        screen = wait_for_screen(server)
        print(f"(ready {time.monotonic() - start:.1f} s after the start)")
        worked = try_screen(screen)
    finally:
        server.send_signal(signal.SIGINT)
        try:
            stopped = server.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            server.kill()
            stopped = "killed: it did not stop by itself"
    if stopped != 0:
        print(f"The server's end: {stopped}.")
    return 0 if worked and stopped == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
