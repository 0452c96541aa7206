"""The load under which `crash` kills: clients that call models and change settings, and write down what they were told succeeded."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field

from tests.harness import scripts, wire
from tests.harness.acklog import AckLog
from tests.harness.money import Price
from tests.harness.provider import Call

CLIENTS = 10
TALKS = 2  # of one life: the next ones go on with what the killed ones left
PRICES = {
    "script/quick-1": Price(input_pico=1_300_000, output_pico=5_100_000),
    "script/stream-1": Price(input_pico=700_000, output_pico=9_900_000, request_pico=1_234_567),
    "script/vectors-1": Price(input_pico=20_000),
    "script/slow-1": Price(input_pico=500_000, output_pico=3_300_000),
}


def provider_scripts(rng: random.Random) -> dict:
    """Upstreams that take a little time, so that kills find calls at every stage."""

    async def quick(call: Call) -> None:
        await scripts.answer("quick", prompt=rng.randint(1, 20), tokens=rng.randint(1, 8), latency_s=rng.uniform(0, 0.03))(call)

    async def stream(call: Call) -> None:
        await scripts.answer("a few words in pieces", prompt=rng.randint(1, 20), tokens=rng.randint(1, 8), chunk_s=0.004)(call)

    slow = scripts.answer("word " * 60, prompt=5, tokens=60, chunk_s=0.1)
    return {"quick-1": quick, "stream-1": stream, "vectors-1": scripts.embed, "slow-1": slow}


@dataclass
class Load:
    """One life of the server: the clients that are connected to it, until it dies."""

    port: int
    admin_key: str
    keys: list[str]
    people: list[str]
    log: AckLog
    rng: random.Random
    in_flight: int = 0
    made: int = 0
    unexpected: list[str] = field(default_factory=list)
    talks: int = 0
    _tasks: list[asyncio.Task] = field(default_factory=list)

    def start(self) -> None:
        self._tasks = [asyncio.ensure_future(self._client()) for _ in range(CLIENTS)]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def actions(self) -> list:
        return [self._chat, self._chat, self._chat, self._stream, self._stream, self._embed, self._talk, self._new_key, self._set_price, self._set_budget, self._new_person, self._erase]

    async def _client(self) -> None:
        """Acts until the server is gone. What was cut off was not acknowledged, so it is not logged."""
        actions = self.actions()
        while True:
            self.in_flight += 1
            try:
                await self.rng.choice(actions)()
            except (wire.CutOff, OSError, TimeoutError):
                return
            finally:
                self.in_flight -= 1

    async def _model_call(self, path: str, body: dict) -> wire.Answer | None:
        answer = await wire.call(self.port, path, self.rng.choice(self.keys), body, deadline_s=20)
        if answer.status == 200:
            return answer
        self._odd(path, answer)
        return None

    async def _chat(self) -> None:
        body = {"model": "quick-1", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 8}
        if answer := await self._model_call("/v1/chat/completions", body):
            self._ack_call(answer, answer.json()["usage"])

    async def _stream(self) -> None:
        body = {"model": "stream-1", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 8, "stream": True}
        answer = await self._model_call("/v1/chat/completions", body | {"stream_options": {"include_usage": True}})
        if answer and (events := answer.events())[-1] == "[DONE]":
            usage = next((one["usage"] for one in events if isinstance(one, dict) and one.get("usage")), None)
            if usage:
                self._ack_call(answer, usage)
            else:
                self._odd("a stream without its error or usage", answer)

    async def _embed(self) -> None:
        if answer := await self._model_call("/v1/embeddings", {"model": "vectors-1", "input": ["a", "b"]}):
            self._ack_call(answer, answer.json()["usage"])

    async def _talk(self) -> None:
        """An answer that the server makes whoever listens, long enough that steps of it are kept."""
        if self.talks >= TALKS:
            return await self._chat()
        self.talks += 1
        key = self.rng.choice(self.keys)
        made = await wire.call(self.port, "/v1/conversations", key, {}, deadline_s=20)
        if made.status != 200:
            return self._odd("/v1/conversations", made)
        said = await wire.call(self.port, f"/v1/conversations/{made.json()['id']}/messages", key, {"text": "hi", "model": "slow-1"}, deadline_s=20)
        if said.status != 201:
            self._odd("a message", said)

    def _ack_call(self, answer: wire.Answer, usage: dict) -> None:
        self.log.add("call", call=answer.headers["x-steward-call"], prompt=usage["prompt_tokens"], completion=usage.get("completion_tokens", 0))

    async def _change(self, method: str, path: str, body: dict | None, kind: str, subject: str | None = None) -> dict | None:
        answer = await wire.call(self.port, "/admin/v1" + path, self.admin_key, body, method=method, deadline_s=20)
        if not 200 <= answer.status < 300:
            self._odd(f"{method} {path}", answer)
            return None
        told = answer.json() if answer.body else {}
        self.log.add("change", kind=kind, subject=subject or told["id"])
        return told

    async def _new_key(self) -> None:
        self.made += 1
        if (made := await self._change("POST", "/keys", {"name": f"k{self.made}"}, "key.created")) and self.rng.random() < 0.5:
            await self._change("POST", f"/keys/{made['id']}/revoke", {}, "key.revoked", made["id"])

    async def _set_price(self) -> None:
        self.made += 1
        name = f"never-called-{self.made % 50}"
        await self._change("POST", "/prices", {"provider": "script", "model": name, "input_pico": self.made, "output_pico": 1}, "price.set", f"script/{name}")

    async def _set_budget(self) -> None:
        self.made += 1
        body = {"name": f"b{self.made % 5}", "scope": self.rng.choice(self.people), "limit_usd": "1000000", "period": "day"}
        await self._change("POST", "/budgets", body, "budget.set")

    async def _new_person(self) -> None:
        self.made += 1
        await self._change("POST", "/principals", {"kind": "user", "name": f"p{self.made}", "time_zone": "UTC"}, "principal.created")

    async def _erase(self) -> None:
        """Erases a thing made for it, so that no acknowledged one goes."""
        self.made += 1
        person = await self._admin("POST", "/principals", {"kind": "user", "name": f"gone{self.made}", "time_zone": "UTC"})
        head = await self._admin("GET", "/journal/head")
        if not person or not head:
            return
        page = await self._admin("GET", f"/journal?after={max(0, head['written_seq'] - 500)}&limit=1000") or {"data": []}
        records = [one["id"] for one in page["data"] if one["stream"] == f"principal/{person['id']}"]
        if records:
            await self._admin("POST", "/journal/erase", {"records": records, "reason": "person_asked"})

    async def _admin(self, method: str, path: str, body: dict | None = None) -> dict | None:
        """An act of administration that is not written into the clients' log."""
        answer = await wire.call(self.port, "/admin/v1" + path, self.admin_key, body, method=method, deadline_s=20)
        if 200 <= answer.status < 300:
            return answer.json()
        self._odd(f"{method} {path}", answer)
        return None

    def _odd(self, what: str, answer: wire.Answer) -> None:
        self.unexpected.append(f"{what}: {answer.status} {answer.body[:120]!r}")
