"""Somebody who talks: what the app asks of the server, and the line of events beside it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from tests.harness.people import Browser

DEADLINE_S = 60
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def ulid(prefix: str, number: int = 0) -> str:
    """An id as a client makes it."""
    value, text = (time.time_ns() // 1_000_000 << 80) + time.perf_counter_ns() + number, ""
    for _ in range(26):
        value, text = value >> 5, CROCKFORD[value & 31] + text
    return f"{prefix}_{text}"


def wait_for(condition: Callable[[], object], what: str, seconds: float = DEADLINE_S) -> object:
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, f"{what} did not happen within {seconds} s"
        time.sleep(0.02)
    return value


class Line:
    """GET /v1/events, followed in a thread: what a tab of the app hears."""

    def __init__(self, browser: Browser):
        self.events: list[tuple[str, dict]] = []
        self._browser, self._open = browser, threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._open.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()
        self._thread.join(5)

    def _follow(self) -> None:
        name = "message"
        try:
            with self._browser.http.stream("GET", "/v1/events", timeout=60) as self._stream:
                for line in self._stream.iter_lines():
                    if line.startswith("event: "):
                        name = line[7:]
                    elif line.startswith("data: "):
                        self.events.append((name, json.loads(line[6:])))
                    elif not line:
                        name = "message"
                    if line.startswith(":"):
                        self._open.set()
        except Exception:  # noqa: BLE001 - the test closed it
            return

    def of(self, name: str) -> list[dict]:
        return [data for event, data in list(self.events) if event == name]

    def kinds(self) -> list[str]:
        return [data["kind"] for data in self.of("record")]

    def text(self, message: str) -> str:
        """The answer as a client puts it together; every piece must go on where the one before it ended."""
        out = ""
        for piece in self.of("delta"):
            if piece["message"] == message and piece["part"] == "text":
                assert piece["offset"] == len(out.encode("utf-16-le")) // 2, "a piece is missing or came twice"
                out += piece["text"]
        return out


@dataclass
class Life:
    scene: object
    me: Browser
    model: str = "good-1"
    answers: list[str] = field(default_factory=list)

    @property
    def steward(self):
        return self.scene.steward

    @property
    def provider(self):
        return self.scene.provider

    def new(self, browser: Browser | None = None, **body: object) -> str:
        return (browser or self.me).call("POST", "/v1/conversations", body)["id"]

    def say(self, conversation: str, text: str, **more: object) -> dict:
        body = {"text": text, "model": self.model} | more
        answer = self.me.ask("POST", f"/v1/conversations/{conversation}/messages", body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def path(self, conversation: str, **query: object) -> list[dict]:
        return self.window(conversation, **query)["data"]

    def window(self, conversation: str, **query: object) -> dict:
        return self.me.ask("GET", f"/v1/conversations/{conversation}/messages", params=query).json()

    def show(self, conversation: str) -> dict:
        return self.me.call("GET", f"/v1/conversations/{conversation}")

    def do(self, conversation: str, message: str, verb: str, **body: object) -> dict:
        return self.me.call("POST", f"/v1/conversations/{conversation}/messages/{message}/{verb}", body)

    def message(self, conversation: str, message: str) -> dict:
        [found] = [one for one in self.path(conversation, at=message, limit=200) if one["id"] == message]
        return found

    def ended(self, conversation: str, message: str) -> dict:
        """The answer, once it has ended."""

        def look() -> dict | None:
            one = self.message(conversation, message)
            return one if one["status"] not in ("queued", "in_progress") else None

        return wait_for(look, "the answer's end")

    def asked(self, conversation: str, text: str, **more: object) -> dict:
        """Said and answered: the answer."""
        return self.ended(conversation, self.say(conversation, text, **more)["answer"]["id"])

    def found(self, words: str, browser: Browser | None = None, **query: object) -> list[dict]:
        return (browser or self.me).ask("GET", "/v1/search", params={"q": words, **query}).json()["data"]
