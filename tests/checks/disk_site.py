"""One home under fault: a server with the shim beneath it, a client that writes down what it was told, and what the server says of itself."""

from __future__ import annotations

import contextlib
import itertools
import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

import httpx

from tests.checks.crash_load import PRICES
from tests.faults.control import Faults
from tests.harness.acklog import AckLog
from tests.harness.admin import Admin
from tests.harness.provider import Provider
from tests.harness.steward import StartFailed, Steward

DEADLINE_S = 20

CONFIG = """
[providers.script]
base_url = "{base_url}"
key_env = "SCRIPT_KEY"
models = ["quick-1"]
"""
DIALECTS = {
    "/v1/chat/completions": {"model": "quick-1", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 8},
    "/v1/messages": {"model": "quick-1", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 8},
    "/v1/responses": {"model": "quick-1", "input": "hi", "max_output_tokens": 16},
    "/v1beta/models/quick-1:generateContent": {"contents": [{"role": "user", "parts": [{"text": "hi"}]}], "generationConfig": {"maxOutputTokens": 8}},
}


class Site:
    """`told` gathers every sign the server gave that something is wrong, in the words it used."""

    def __init__(self, provider: Provider, config: str = "[engine]\nenabled = false\n"):
        self.steward = Steward(config + CONFIG.format(base_url=provider.base_url), env={"SCRIPT_KEY": provider.key})
        self.faults = Faults(self.steward.folder, self.steward.home)
        self.plain_env = dict(self.steward.env)
        self.steward.env |= self.faults.env()
        self.acks = AckLog(self.steward.folder / "acks.jsonl")
        self.numbers = itertools.count(1)
        self.key = self.admin_key = ""
        self.told: list[str] = []
        self.refusals: list[dict] = []
        self.unclear: list[str] = []
        self.http = httpx.Client(timeout=DEADLINE_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()
        self.steward.close()

    # --- life ---------------------------------------------------------------------------------------------------------------------
    def begin(self) -> None:
        """Starts, and makes the keys and the price that the traffic needs."""
        self.steward.start()
        self.steward._admin_key = self.admin_key = json.loads(self.cli("keys", "new", "judge-admin", "--admin", "--json").stdout)["secret"]
        with Admin(self.steward) as admin:
            admin.set_price("script", "quick-1", PRICES["script/quick-1"])
            made = admin.new_key("client", content="30d")
        self.key = made["secret"]
        self.acks.add("change", kind="key.created", subject=made["id"])

    def cli(self, *arguments: str, check: bool = True):
        """The command, without the faults of the server's disk."""
        kept, self.steward.env = self.steward.env, self.plain_env
        try:
            return self.steward.cli(*arguments, check=check)
        finally:
            self.steward.env = kept

    def cli_on(self, home: Path, *arguments: str, check: bool = True):
        """The command on another home."""
        return self.steward.cli(*arguments, check=check, env={"STEWARD_HOME": str(home)})

    def move_to(self, home: Path) -> None:
        """From here on the server's home is another: a backup that was restored. The master key is copied apart, as the docs say."""
        for secret in ("secrets/master.key", "erasures.log", "steward.toml"):
            if (self.steward.home / secret).exists():
                (home / secret).parent.mkdir(mode=0o700, exist_ok=True)
                (home / secret).write_bytes((self.steward.home / secret).read_bytes())
        self.steward.home = home
        self.plain_env["STEWARD_HOME"] = str(home)
        self.steward.env = self.plain_env

    def start_refused(self) -> bool:
        """Whether a start fails; what it says is told."""
        try:
            self.steward.start()
        except StartFailed as failed:
            self.told.append(f"start: {str(failed)[-700:]}")
            return True
        return False

    # --- traffic ------------------------------------------------------------------------------------------------------------------
    def post(self, path: str, body: dict, key: str | None = None, **headers: str) -> httpx.Response | None:
        """None when the connection ended before the answer did; that is told too."""
        try:
            return self.http.post(self.steward.url + path, json=body, headers={"Authorization": f"Bearer {key or self.key}", **headers})
        except httpx.HTTPError as error:
            self.told.append(f"cut: {type(error).__name__}")
            return None

    def act(self, path: str = "/v1/chat/completions") -> bool:
        """One model call; acknowledged when its answer came whole, told when it was refused."""
        answer = self.post(path, DIALECTS[path])
        if answer is None:
            return False
        if answer.status_code != 200:
            self._refused(path, answer)
            return False
        prompt, completion = tokens_of(answer.json())
        self.acks.add("call", call=answer.headers["x-steward-call"], prompt=prompt, completion=completion)
        return True

    def change(self) -> bool:
        answer = self.post("/admin/v1/keys", {"name": f"k{next(self.numbers)}"}, self.admin_key)
        if answer is None:
            return False
        if answer.status_code >= 300:
            self._refused("/admin/v1/keys", answer)
            return False
        self.acks.add("change", kind="key.created", subject=answer.json()["id"])
        return True

    def traffic(self, rounds: int = 2) -> int:
        """How much of a few calls in every dialect and changes was acknowledged."""
        done = 0
        for _ in range(rounds):
            done += sum(self.act(path) for path in DIALECTS) + self.change()
        return done

    def until_refused(self, deadline_s: float = DEADLINE_S) -> bool:
        """Acts until something is refused or cut."""
        began, before = time.monotonic(), len(self.told)
        while time.monotonic() - began < deadline_s:
            if not self.act() or not self.change():
                return len(self.told) > before
        return False

    def _refused(self, path: str, answer: httpx.Response) -> None:
        text = answer.text[:300]
        self.told.append(f"refused {path}: {answer.status_code} {text}")
        self.refusals.append({"path": path, "status": answer.status_code})
        if answer.status_code >= 500 and not sentence_of(answer):
            self.unclear.append(f"{path}: {answer.status_code} {text}")

    # --- what it says of itself ------------------------------------------------------------------------------------------------------
    def ready(self) -> dict:
        """What /readyz tells, with its status; told when it names a trouble."""
        try:
            answer = self.http.get(self.steward.url + "/readyz", timeout=DEADLINE_S)
        except httpx.HTTPError as error:
            return {"http": 0, "codes": [f"cut {type(error).__name__}"]}
        told = answer.json()
        codes = [one["code"] for one in told.get("troubles", [])]
        if "error" in told:
            codes.append(told["error"]["code"])
        if told.get("reason") and not (told["reason"]["message"] and told["reason"]["advice"]):
            self.unclear.append(f"/readyz names {told['reason']['code']} without a sentence")
        self.told += [f"readyz {answer.status_code}: {code}" for code in codes]
        return {"http": answer.status_code, "codes": codes}

    def doctor(self) -> list[str]:
        """What `steward doctor` finds wrong: "about: what → todo"; bad findings without advice are unclear."""
        done = self.cli("doctor", "--json", check=False)
        found = [one for one in json.loads(done.stdout) if one["mark"] != "good"]
        for one in found:
            if one["mark"] == "bad" and not one["todo"]:
                self.unclear.append(f"doctor says no way out of {one['about']}")
        lines = [f"{one['about']}: {one['what']} → {one['todo']}" for one in found]
        self.told += [f"doctor {line}" for line in lines]
        return lines

    def wait(self, holds: Callable[[], bool], deadline_s: float = DEADLINE_S) -> bool:
        began = time.monotonic()
        while time.monotonic() - began < deadline_s:
            if holds():
                return True
            time.sleep(0.05)
        return False

    def wait_ready(self, deadline_s: float = DEADLINE_S) -> bool:
        return self.wait(lambda: self.ready()["http"] == 200, deadline_s)

    def wait_code(self, code: str, deadline_s: float = DEADLINE_S) -> bool:
        return self.wait(lambda: code in self.ready()["codes"], deadline_s)

    # --- the end --------------------------------------------------------------------------------------------------------------------
    def facts(self, folder: Path) -> dict:
        """Stops the server, exports and verifies: what the judge is given."""
        self.steward.env = self.plain_env
        if self.steward.process and self.steward.process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):  # killed then; the case has claimed that it lives
                self.steward.stop()
        export = folder / f"{self.steward.port}.export.jsonl"
        done = self.cli("journal", "export", check=False)
        export.write_text(done.stdout)
        verified = self.cli("journal", "verify", check=False)
        log = folder / f"{self.steward.port}.acks.jsonl"
        log.write_bytes(self.acks.path.read_bytes())
        return {"acks": str(log), "export": str(export), "verify": verified.returncode == 0, "told": self.told, "unclear": self.unclear, "refusals": self.refusals}


def tokens_of(body: dict) -> tuple[int, int]:
    """The usage of a whole answer in any dialect."""
    if usage := body.get("usageMetadata"):
        return usage["promptTokenCount"], usage.get("candidatesTokenCount", 0)
    usage = body["usage"]
    return usage.get("prompt_tokens", usage.get("input_tokens")), usage.get("completion_tokens", usage.get("output_tokens"))


def sentence_of(answer: httpx.Response) -> str:
    """The sentence of an error in the envelope of its dialect."""
    try:
        error = answer.json()["error"]
        return error["message"] if isinstance(error, dict) else ""
    except (ValueError, KeyError, TypeError):
        return ""
