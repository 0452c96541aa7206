"""Random histories over the public interfaces: settings of every kind, calls with every kind of end, and what people do in Talk."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx

from tests.checks.history_talk import UNDO_S, Talkers
from tests.harness import scripts, wire
from tests.harness.admin import Admin
from tests.harness.money import Price
from tests.harness.people import Browser
from tests.harness.provider import Provider
from tests.harness.provider_batches import Batches
from tests.harness.steward import Steward

CONFIG = """
[providers.script]
base_url = "{base_url}"
key_env = "SCRIPT_KEY"
models = ["good-1", "endless-1", "dies-1", "broken-1", "more-1", "held-1"]

[providers.nightly]
like = "openai"
base_url = "{base_url}"
key_env = "SCRIPT_KEY"
models = ["night-1"]

[routes.named]
deployments = ["script/good-1"]

[people]
session_noted_s = 1
sign_in_tries = 1000

[engine]
enabled = false

[talk]
undo_seconds = {undo_s}

[limits]
allow_inside = ["127.0.0.1"]
"""


def config_of(base_url: str) -> str:
    return CONFIG.format(base_url=base_url, undo_s=UNDO_S)


MODELS = ("good-1", "endless-1", "dies-1", "broken-1", "more-1", "held-1")
ZONES = ("UTC", "Europe/Zurich", "Asia/Tokyo", "America/St_Johns", "Pacific/Kiritimati")
NAMES = ("plain", "Zürich", "日本語", "كتاب", "e\u0301 combining", "quote ' \" \\ end", "😀")
TEXTS = ("plain", "Zürich", "日本語", "كتاب", "e\u0301 combining", "quote ' \" \\ end", "line\nfeed", "😀")


@contextmanager
def history_provider() -> Iterator[Provider]:
    """The provider of all histories, with batches of its own."""
    with Provider(history_scripts()) as provider:
        Batches(provider)
        yield provider


def history_scripts() -> dict:
    return {
        "night-1": scripts.answer("in the morning", tokens=4),
        "good-1": scripts.answer("some words come back", tokens=4),
        "endless-1": scripts.endless(0.005),
        "dies-1": scripts.dies_after(3),
        "broken-1": scripts.fails(500),
        "more-1": scripts.answer("more than was asked for", tokens=500),  # reports usage beyond the reservation
        "held-1": scripts.answer("too late", latency_s=3600),
    }


class Stopped(Exception):
    """The organisation's budget is stopped by what a provider reported beyond a reservation: that a call is refused then is right."""


class History:
    """Acts as an owner and several callers, on a seed."""

    def __init__(self, steward: Steward, rng: random.Random, shelf: str):
        self.steward, self.rng = steward, rng
        self.talkers = Talkers(steward, rng, shelf)
        self.unexpected: list[str] = []
        self.made = 0

    def live(self, turns: int) -> list[str]:
        """A history with a kill in the middle and an orderly end. Answers what should not have happened."""
        self.steward.start()
        with Admin(self.steward) as admin:
            self._furnish(admin)
            for action in [*self._states(admin), *self.talkers.actions(admin)]:  # while no overrun has stopped the budget
                self._do(action, may_be_stopped=False)
            self._some(admin, turns // 2)
        self._do(self.talkers.leave_open)
        self._die_with_a_call_under_way()
        self.steward.start()
        with Admin(self.steward) as admin:
            self._do(self.talkers.stop_what_was_left)
            self._some(admin, turns - turns // 2)
            self._each_once(admin)
            self._wait_for_jobs(admin)
        self.talkers.close()
        if (code := self.steward.stop()) != 0:
            self.unexpected.append(f"the orderly end answered {code}")
        return self.unexpected

    def _furnish(self, admin: Admin) -> None:
        for provider, model in (*(("script", model) for model in MODELS), ("nightly", "night-1")):
            admin.set_price(provider, model, Price(1_000_000, 2_000_000, 500_000))
        self.teams = [admin.new_principal("team", f"team {i}") for i in range(2)]
        self.people = [admin.new_principal("user", text, self.rng.choice(ZONES)) for text in NAMES[:3]]
        self.keys = [admin.new_key(f"key {i}", owner=self.people[i % 3], team=self.teams[i % 2]) for i in range(4)]
        admin.set_budget("whole", admin.tenant(), 10**13, "month")
        admin.set_budget("overrun", self.keys[3]["id"], 10**12, "day")
        self.talkers.enter(admin, self.teams)

    def _die_with_a_call_under_way(self) -> None:
        """A call that is in doubt after the crash."""

        async def held() -> None:
            task = asyncio.ensure_future(self._call(self.keys[0]["secret"], "held-1"))
            await asyncio.sleep(0.3)
            self.steward.kill()
            await asyncio.gather(task, return_exceptions=True)

        asyncio.run(held())

    def _some(self, admin: Admin, turns: int) -> None:
        actions = self._actions(admin)
        for _ in range(turns):
            self._do(self.rng.choice(actions))

    def _each_once(self, admin: Admin) -> None:
        for action in self._actions(admin):
            self._do(action)

    def _wait_for_jobs(self, admin: Admin) -> None:
        """What is left queued would be done by the next process, which the judge takes for a quiet one."""
        for _ in range(200):
            if not any(one["state"] in ("queued", "running") for one in admin.call("GET", "/jobs", limit=1000)["data"]):
                return
            time.sleep(0.05)
        self.unexpected.append("background jobs did not end")

    def _do(self, action: Callable[[], None], *, may_be_stopped: bool = True) -> None:
        self.made += 1
        try:
            action()
        except Stopped as stopped:
            if not may_be_stopped:
                self.unexpected.append(str(stopped)[:300])
        except AssertionError as error:
            self.unexpected.append(str(error)[:300])

    def _actions(self, admin: Admin) -> list[Callable[[], None]]:
        pick, rng = self.rng.choice, self.rng

        def new_key() -> None:
            made = admin.new_key(pick(NAMES), owner=pick(self.people), tags={"for": pick(NAMES)}, weight=rng.choice((1, 2.5)))
            self.keys = [*self.keys[:8], made]

        def change_key() -> None:
            admin.call("PATCH", f"/keys/{pick(self.keys)['id']}", {"limits": {"requests_per_minute": rng.randint(100_000, 200_000)}})

        def rotate_key() -> None:
            key = pick(self.keys)
            key["secret"] = admin.call("POST", f"/keys/{key['id']}/rotate", {"overlap_s": 60})["secret"]

        def revoke_key() -> None:
            admin.call("POST", f"/keys/{admin.new_key('short-lived')['id']}/revoke", {})

        def new_person() -> None:
            self.people = [*self.people[:6], admin.new_principal("user", pick(NAMES), pick(ZONES))]

        def disable_and_enable() -> None:
            person = admin.new_principal("user", pick(NAMES))
            admin.call("PATCH", f"/principals/{person}", {"disabled": True})
            admin.call("PATCH", f"/principals/{person}", {"disabled": rng.random() < 0.5})

        def erase_person() -> None:
            """Whoever it was, the name goes; the job cleans the files behind."""
            person = admin.new_principal("user", pick(NAMES))
            admin.call("POST", "/journal/erase", {"stream": f"principal/{person}"})

        def come_and_go() -> None:
            """Invited, in by the link, described, signed out; another link withdrawn; a role and a name changed; and for some, erased."""
            self.made += 1
            name = f"{pick(NAMES[:4])} {self.made}"
            with Browser(self.steward) as one, Browser(self.steward) as other:
                made = admin.call("POST", "/invitations", {"email": f"p{self.made}@example.org", "teams": [pick(self.teams)], "role": pick(("member", "guest", "owner"))})
                one.enter(made["link"], name=name)
                one.call("PATCH", "/v1/me/settings", {"values": {"language": pick(("en", "zh")), "ui.note": pick(TEXTS)}})
                one.call("PATCH", "/v1/me", {"name": f"{name} renamed"})
                other.enter(admin.call("POST", f"/people/{one.person['id']}/link", {})["link"])
                time.sleep(1.05)  # past the second after which the configuration lets a session be noted as seen
                other.call("GET", "/v1/me")
                admin.call("PATCH", f"/people/{one.person['id']}", {"role": pick(("member", "guest"))})
                if rng.random() < 0.5:
                    other.call("DELETE", "/v1/session")
                if rng.random() < 0.3:
                    admin.call("POST", f"/people/{one.person['id']}/erase", {})
            withdrawn = admin.call("POST", "/invitations", {"name": f"never {self.made}"})
            admin.call("DELETE", f"/invitations/{withdrawn['id']}")

        def join() -> None:
            admin.add_member(pick(self.teams), pick(self.people))

        def join_and_leave() -> None:
            team, person = pick(self.teams), pick(self.people)
            admin.add_member(team, person)
            admin.call("DELETE", f"/principals/{team}/members/{person}")

        def set_budget() -> None:
            scope = pick([*self.people, *self.teams, pick(self.keys)["id"]])
            admin.set_budget(f"b{rng.randint(1, 3)}", scope, rng.randint(10**11, 10**12), pick(("day", "week", "month", "forever")))

        def drop_budget() -> None:
            made = admin.set_budget("dropped", pick(self.people), 10**12)
            admin.call("DELETE", f"/budgets/{made['id']}")

        def set_price() -> None:
            admin.set_price("script", f"other-{rng.randint(1, 9)}", Price(rng.randint(0, 10**9), rng.randint(0, 10**9)))

        def set_setting() -> None:
            admin.call("PUT", "/config/log.level", {"value": pick(("info", "warn"))})

        def unset_setting() -> None:
            set_setting()
            admin.call("DELETE", "/config/log.level")

        def same_request_twice() -> None:
            self.made += 1
            headers = {"Idempotency-Key": f"once-{self.made}"}
            first, second = (admin.http.post("/principals", json={"kind": "user", "name": pick(("a", "a"))}, headers=headers).json() for _ in range(2))
            assert first["id"] == second["id"], f"asked twice under one key: {first} and {second}"

        def ends_of_calls() -> None:
            asyncio.run(self._calls())

        settings = [new_key, change_key, rotate_key, revoke_key, new_person, disable_and_enable, erase_person, come_and_go, join, join_and_leave, set_budget, drop_budget, set_price, set_setting, unset_setting, same_request_twice]
        return [*settings, *self._states(admin), *self.talkers.actions(admin), ends_of_calls, ends_of_calls, ends_of_calls]

    def _states(self, admin: Admin) -> list[Callable[[], None]]:
        """What the model API keeps: contents, answers under a key, responses, conversations, files, batches."""

        def post(path: str, body: dict | None = None, key: dict | None = None, method: str = "POST", **more: object) -> dict:
            secret = (key or self.rng.choice(self.keys[:3]))["secret"]
            answer = httpx.request(method, self.steward.url + path, headers={"authorization": f"Bearer {secret}"} | more.pop("headers", {}), json=body, timeout=30, **more)
            self._check_stopped(answer)
            assert answer.status_code < 300 or body == self._broken(), f"{method} {path} answered {answer.status_code}: {answer.text[:200]}"
            return answer.json() if answer.headers.get("content-type", "").startswith("application/json") else {}

        def by_a_route() -> None:
            post("/v1/chat/completions", self._good("named"))

        def kept_content() -> None:
            post("/v1/chat/completions", self._good(), admin.new_key("keeps", content="30d"))

        def released_key() -> None:
            self.made += 1
            post("/v1/chat/completions", self._broken(), headers={"Idempotency-Key": f"broken-{self.made}"})

        def conversation() -> None:
            key = self.keys[0]
            made = post("/v1/conversations", {"metadata": {"a": "b"}}, key)["id"]
            post(f"/v1/conversations/{made}", {"metadata": {"a": "c"}}, key)
            post("/v1/responses", {"model": "good-1", "input": self.rng.choice(TEXTS), "conversation": made, "max_output_tokens": 60}, key)
            if self.rng.random() < 0.3:
                post(f"/v1/conversations/{made}", key=key, method="DELETE")

        def background() -> None:
            key = self.keys[0]
            body = {"model": "good-1", "input": self.rng.choice(TEXTS), "background": True, "stream": True, "max_output_tokens": 60}
            with httpx.stream("POST", self.steward.url + "/v1/responses", headers={"authorization": f"Bearer {key['secret']}"}, json=body, timeout=30) as answer:
                answer.read()
            self._check_stopped(answer)
            assert answer.status_code == 200, answer.text[:200]

        def batch() -> None:
            key = self.keys[0]
            lines = [{"custom_id": name, "method": "POST", "url": "/v1/chat/completions", "body": self._good(name)} for name in ("good-1", "night-1")]
            data = "\n".join(json.dumps(line) for line in lines).encode()
            file = post("/v1/files", None, key, data={"purpose": "batch"}, files={"file": ("in.jsonl", data)})["id"]
            made = post("/v1/batches", {"input_file_id": file, "endpoint": "/v1/chat/completions", "completion_window": "24h"}, key)["id"]
            for _ in range(300):
                state = post(f"/v1/batches/{made}", key=key, method="GET")
                if state["status"] in ("completed", "failed"):
                    break
                time.sleep(0.05)
            assert state["status"] == "completed", state
            if self.rng.random() < 0.3:
                post(f"/v1/files/{state['output_file_id'] or state['error_file_id']}", key=key, method="DELETE")

        return [by_a_route, kept_content, released_key, conversation, background, batch]

    @staticmethod
    def _check_stopped(answer: httpx.Response) -> None:
        if answer.status_code == 429 and answer.json()["error"]["code"] == "budget_exceeded":
            raise Stopped(answer.text)

    def _good(self, model: str = "good-1") -> dict:
        return {"model": model, "messages": [{"role": "user", "content": self.rng.choice(TEXTS)}], "max_tokens": 60}

    @staticmethod
    def _broken() -> dict:
        return {"model": "broken-1", "messages": [{"role": "user", "content": "x"}], "max_tokens": 8}

    async def _calls(self) -> None:
        """A few at once: whole, streamed, left by the client, ended or refused by the upstream."""
        ways = [("good-1", False), ("good-1", True), ("endless-1", True), ("dies-1", True), ("broken-1", False), ("more-1", False), ("good-1", True)]
        await asyncio.gather(*(self._call(self._secret(model), model, stream) for model, stream in self.rng.sample(ways, 4)))

    def _secret(self, model: str) -> str:
        return self.keys[3]["secret"] if model == "more-1" else self.rng.choice(self.keys[:3])["secret"]

    async def _call(self, key: str, model: str, stream: bool = False) -> None:
        body = {"model": model, "messages": [{"role": "user", "content": self.rng.choice(TEXTS)}], "max_tokens": 60, "stream": stream}
        pieces = iter(range(5))
        leave = model == "endless-1"
        try:
            await wire.call(self.steward.port, "/v1/chat/completions", key, body, on_piece=lambda _: not leave or next(pieces, None) is not None)
        except (wire.CutOff, OSError, TimeoutError):
            pass
