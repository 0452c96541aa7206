"""The web app as people meet it: a Steward with a little life in it, and Debian's Chromium driven from outside by tests/browser/driver.mjs."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.documents.hostile import bomb
from tests.harness.admin import Admin
from tests.harness.money import NANO_PER_USD, Price
from tests.harness.paths import ROOT, free_port
from tests.harness.provider import Call, Provider
from tests.harness.scripts import answer
from tests.harness.steward import Steward

NODE = ROOT / "build" / "third_party" / "node" / "bin" / "node"
DRIVER = ROOT / "tests" / "browser" / "driver.mjs"
DRIVE_DEADLINE_S = 420

# Nobody's list: large enough that a few calls are seen.
PRICES = {"workshop-large": Price(3_000_000, 15_000_000, 300_000), "workshop-small": Price(150_000, 600_000), "workshop-code": Price(1_750_000, 14_000_000)}
PRICES |= {"workshop-slow": Price(150_000, 600_000), "workshop-echo": Price(150_000, 600_000)}
# Who answers in Talk: briefly, word by word, and with what was said last.
TALK_MODELS = {"plain": "workshop-small", "rich": "workshop-echo", "slow": "workshop-slow", "echo": "workshop-echo"}
SLOWLY = " ".join(f"word{number}" for number in range(600))
CONFIG = """
[limits]
allow_inside = ["127.0.0.1"]

[providers.script]
base_url = "{base_url}"
key_env = "SCRIPT_KEY"
models = [{models}]
"""
QUESTION = "Which wood, which metal? " * 240  # no shorter than the script says it is, or its use would be an overrun
SETTING = {"key": "limits.max_event_streams", "value": "900"}
FIXED = "server.port"  # STEWARD_PORT says it


@dataclass
class Scene:
    """A running Steward whose model calls are answered by a script, and the link that its owner comes in by."""

    steward: Steward
    provider: Provider
    admin: Admin
    link: str
    call: str  # one of the calls that were made

    @property
    def url(self) -> str:
        """As the links say it: a cookie holds for one name of a host."""
        return f"http://localhost:{self.steward.port}"

    def invite(self, role: str = "member") -> str:
        return self.admin.call("POST", "/invitations", {"role": role})["link"]


@contextmanager
def scene() -> Iterator[Scene]:
    answers = {name: oak for name in PRICES}
    answers |= {"workshop-slow": answer(SLOWLY, tokens=600, chunk_s=0.05), "workshop-echo": echo}
    with Provider(answers) as provider:
        models = ", ".join(f'"{name}"' for name in PRICES)
        config = CONFIG.format(base_url=provider.base_url, models=models)
        with Steward(config, env={"SCRIPT_KEY": provider.key}) as steward, Admin(steward) as admin:
            link = steward.cli_json("people", "link")["link"]
            yield Scene(steward, provider, admin, link, _live(steward, admin))


async def echo(call: Call) -> None:
    """Answers with what was said last, so that an answer can be any text."""
    await answer(said_last(call), tokens=50)(call)


async def oak(call: Call) -> None:
    """Answers shortly. What it tells of the question's size is what that may have: more would be an overrun, which stops the budget."""
    long = len(said_last(call)) >= len(QUESTION)
    await answer("Oak, then brass.", prompt=1200 if long else 7, tokens=340 if long else 5)(call)


def said_last(call: Call) -> str:
    said = call.body["messages"][-1]["content"]
    return said if isinstance(said, str) else "".join(part.get("text", "") for part in said)


def _live(steward: Steward, admin: Admin) -> str:
    """Keys, budgets and calls: what there is to look at."""
    for name, price in PRICES.items():
        admin.set_price("script", name, price)
    editor = admin.new_key("Anna's editor", budget={"limit_usd": "10", "period": "month"}, content="30d")
    lamp = admin.new_key("lamp-configurator", budget={"limit_usd": "0.09", "period": "month"}, models=["workshop-small", "workshop-large"])
    admin.set_budget("default", admin.tenant(), 60 * NANO_PER_USD, "month")
    last = ""
    with httpx.Client(base_url=steward.base_url, timeout=30) as client:
        for key, model, times in ((editor, "workshop-large", 4), (editor, "workshop-code", 6), (lamp, "workshop-small", 8), (lamp, "workshop-large", 9)):
            for _ in range(times):
                body = {"model": model, "messages": [{"role": "user", "content": QUESTION}], "max_tokens": 400}
                got = client.post("/chat/completions", json=body, headers={"Authorization": f"Bearer {key['secret']}"})
                if got.status_code == 200:  # the wall refuses some; those have no record
                    last = got.headers["x-steward-call"]
    return last


def drive(task: str, job: dict, steward: Steward | None = None, deadline_s: float = DRIVE_DEADLINE_S) -> dict:
    """Runs a task of the driver and answers what it found. It may ask for `steward` to be stopped and started."""
    command = [NODE, DRIVER, task]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        stop = threading.Timer(deadline_s, process.kill)
        stop.start()
        try:
            process.stdin.write(json.dumps(job) + "\n")
            process.stdin.flush()
            last = ""
            for line in process.stdout:
                if line.startswith("@"):
                    _obey(line[1:].strip(), steward)
                    process.stdin.write("done\n")
                    process.stdin.flush()
                else:
                    last = line
            complaint = process.stderr.read()
        finally:
            stop.cancel()
    if process.returncode != 0 or not last:
        raise AssertionError(f"the browser's driver ended with {process.returncode}\n{complaint[-4000:]}")
    return json.loads(last)


def _obey(word: str, steward: Steward | None) -> None:
    if steward is None:
        raise AssertionError(f"nobody is there to {word}")
    {"stop": steward.stop, "start": steward.start}[word]()


def journeys_job(scene: Scene) -> dict:
    return {
        "url": scene.url,
        "link": scene.link,
        "provider": scene.provider.base_url,
        "models": TALK_MODELS,
        "nobody": f"http://127.0.0.1:{free_port()}/v1",
        "documents": str(ROOT / "tests" / "documents" / "files"),
        "bomb": base64.b64encode(bomb("docx", 64)).decode(),
        "setting": SETTING,
        "fixed": FIXED,
    }


def signed_in(scene: Scene) -> dict:
    """The sessions of an owner and a member: the first two journeys, which make them."""
    found = drive("journeys", journeys_job(scene) | {"only": []}, scene.steward)
    if found["failed"]:
        raise AssertionError("nobody could sign in: " + "; ".join(found["failed"]))
    return found["sessions"]


def look_job(scene: Scene, sessions: dict, forms: list[dict], **more: object) -> dict:
    return {"url": scene.url, "link": scene.invite(), "call": scene.call, "sessions": sessions, "forms": forms, "models": TALK_MODELS, **more}


def forms(themes: tuple[str, ...], widths: tuple[int, ...], languages: tuple[str, ...]) -> list[dict]:
    return [{"theme": t, "width": w, "language": n} for n in languages for w in widths for t in themes]


def app_routes() -> set[str]:
    """The pages that the app has, as its router lists them, each part of the settings by itself; and what stands for no page."""
    web = ROOT / "web" / "src"
    paths = set(re.findall(r'path: "([^"]+)"', (web / "router.tsx").read_text()))
    parts = re.search(r"PARTS = \[([^\]]+)\]", (web / "shell" / "places.ts").read_text()).group(1)
    return (paths - {"/settings/$part"}) | {f"/settings/{part}" for part in re.findall(r'"(\w+)"', parts)} | {"missing"}


def gzipped_bytes(url: str, paths: list[str]) -> int:
    """What these files weigh as gzip sends them."""
    total = 0
    with httpx.Client(base_url=url, headers={"accept-encoding": "gzip"}) as client:
        for path in paths:
            with client.stream("GET", path) as answer:
                total += sum(len(piece) for piece in answer.iter_raw())
    return total


def pictures_folder() -> Path:
    return ROOT / "build" / "screenshots"
