"""What must hold wherever Steward runs, and how it is asked: over its port, and by the command inside of the place."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from tests.checks.run import exercise, judge, settled_usage
from tests.harness.admin import Admin
from tests.harness.paths import ROOT
from tests.harness.people import Browser, owner_of

DOCUMENT = ROOT / "tests/documents/files/python-docx/par-hyperlinks.docx"
PDF = ROOT / "tests/documents/files/pdfminer/simple1.pdf"
DEADLINE_S = 120


class Failed(Exception):
    """What did not hold, in a sentence."""


def hold(condition: object, what: str) -> None:
    if not condition:
        raise Failed(what)


def wait_for(condition: Callable[[], object], what: str, deadline_s: float = DEADLINE_S) -> float:
    """The seconds it took."""
    began = time.monotonic()
    while not condition():
        hold(time.monotonic() - began < deadline_s, f"{what}: not within {deadline_s} s")
        time.sleep(0.1)
    return round(time.monotonic() - began, 2)


class Place:
    """A running Steward that is not this machine's own process; `command` runs inside of it as somebody who may."""

    def __init__(self, port: int):
        self.port = port
        self._admin_key = ""

    def run(self, *command: str, check: bool = True) -> str:
        raise NotImplementedError

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        return self.url + "/v1"

    def cli_json(self, *arguments: str):
        return json.loads(self.run("steward", *arguments, "--json"))

    @property
    def admin_key(self) -> str:
        if not self._admin_key:
            self._admin_key = self.cli_json("keys", "new", "trial-admin", "--admin")["secret"]
        return self._admin_key

    def status(self, path: str) -> int:
        """0: nobody answers."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=5) as answer:
                return answer.status
        except urllib.error.HTTPError as refused:
            return refused.code
        except OSError:
            return 0

    def wait_until_ready(self) -> float:
        wait_for(lambda: self.status("/healthz") == 200, "/healthz answers 200")
        return wait_for(lambda: self.status("/readyz") == 200, "/readyz answers 200")


@dataclass
class Told:
    """What the first life was told, which the second must know."""

    key: str
    secret: str
    calls: int
    attachments: list[str]


def first_life(place: Place) -> tuple[Told, dict]:
    """A chat and embeddings on the embedded models, charged to the last nano-dollar; documents read in the sandbox; doctor content."""
    with Admin(place) as admin:
        facts = exercise(place, admin) | {"ready_s": 1.0, "stop_code": 0}  # these two are looked at elsewhere
        judged = judge(facts)
        hold(judged["requirements_met"] == judged["cases"], f"the metered calls: {judged}")
        key = admin.new_key("second life")
        ask(place, key["secret"], "Say hello.", 8)
        rows = settled_usage(admin, key["id"], calls=1)
        hold(sum(row["calls"] for row in rows) == 1, f"the call is not in the usage: {rows}")
    attachments = read_documents(owner_of(place))
    checks = json.loads(place.run("steward", "doctor", "--json", check=False))
    bad = [one for one in checks if one["mark"] == "bad"]
    hold(not bad, f"doctor finds: {bad}")
    measured = {"charged_nano": judged["charged"], "completion_tokens": judged["completion_tokens"], "documents_read": len(attachments)}
    return Told(key["id"], key["secret"], 1, attachments), measured | {"sandbox": next(one["what"] for one in checks if one["about"] == "attachments")}


def ask(place: Place, secret: str, text: str, max_tokens: int) -> dict:
    body = {"model": chat_model(place, secret), "messages": [{"role": "user", "content": text}], "max_tokens": max_tokens}
    answer = httpx.post(place.base_url + "/chat/completions", json=body, headers=bearer(secret), timeout=DEADLINE_S)
    hold(answer.status_code == 200, f"a chat was answered {answer.status_code}: {answer.text}")
    return answer.json()


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def chat_model(place: Place, secret: str) -> str:
    models = httpx.get(place.base_url + "/models", headers=bearer(secret), timeout=30).json()["data"]
    return next(model["id"] for model in models if "smollm2" in model["id"])


def read_documents(owner: Browser) -> list[str]:
    """Both readers that matter: Poppler, and ZIP with XML. Their text comes back, so the child ran and answered."""
    out = []
    for path in (PDF, DOCUMENT):
        made = owner.ask("POST", f"/v1/attachments?name={path.name}", content=path.read_bytes())
        hold(made.status_code == 201, f"{path.name} was answered {made.status_code}: {made.text}")
        ident = made.json()["id"]
        about = f"/v1/attachments/{ident}"
        wait_for(lambda about=about: owner.call("GET", about)["state"] != "reading", f"{path.name} is read")
        told = owner.call("GET", about)
        hold(told["state"] == "ready" and (told["characters"] or 0) > 10, f"{path.name} was not read: {told}")
        out.append(ident)
    return out


def second_life(place: Place, told: Told) -> None:
    """After a start on the same home: the key holds, the usage is still there, calls go on and are counted on."""
    ask(place, told.secret, "Say hello again.", 8)
    with Admin(place) as admin:
        rows = settled_usage(admin, told.key, calls=told.calls + 1)
    hold(sum(row["calls"] for row in rows) == told.calls + 1, f"the usage after a start: {rows}")
    told.calls += 1


class OpenStream:
    """A streamed chat that is under way while the place is told to stop."""

    def __init__(self, place: Place, secret: str, tokens: int = 40):
        self.pieces, self.done, self.failed, self.begun = 0, False, "", threading.Event()
        self._thread = threading.Thread(target=self._read, args=(place, secret, tokens), daemon=True)
        self._thread.start()
        hold(self.begun.wait(DEADLINE_S), f"no stream began: {self.failed}")

    def _read(self, place: Place, secret: str, tokens: int) -> None:
        body = {"model": chat_model(place, secret), "messages": [{"role": "user", "content": "Tell me a long story about the sea, with many chapters."}],
                "max_tokens": tokens, "stream": True}
        try:
            with httpx.stream("POST", place.base_url + "/chat/completions", json=body, headers=bearer(secret), timeout=DEADLINE_S) as answer:
                for line in answer.iter_lines():
                    if line == "data: [DONE]":
                        self.done = True
                    elif line.startswith("data: "):
                        self.pieces += 1
                        if '"error"' in line:
                            self.failed = line
                        if self.pieces > 3:
                            self.begun.set()
        except httpx.HTTPError as error:
            self.failed = repr(error)

    def ended_whole(self) -> bool:
        self._thread.join(DEADLINE_S)
        return self.done and not self.failed


def drains(place: Place, told: Told, stop: Callable[[], None]) -> dict:
    """A stop while a stream is open: what comes is refused and told why, what is open ends whole."""
    stream = OpenStream(place, told.secret)
    told.calls += 1
    began = time.monotonic()
    stopping = threading.Thread(target=stop, daemon=True)
    stopping.start()
    wait_for(lambda: place.status("/readyz") in (503, 0), "/readyz says that it stops", 20)
    hold(stream.ended_whole(), f"the open stream was cut after {stream.pieces} pieces: {stream.failed}")
    stopping.join(DEADLINE_S)
    hold(not stopping.is_alive(), "the stop did not end")
    return {"stream_pieces": stream.pieces, "stop_s": round(time.monotonic() - began, 2)}


