"""Symptoms that gateways are reported with, about routes: silence, failures before and after the first byte, limits, and who pays."""

from __future__ import annotations

import asyncio
import json
import time

import pytest

from tests.conftest import Scene
from tests.harness import scripts, wire
from tests.harness.admin import Admin
from tests.harness.money import Price, nano_of_microusd
from tests.harness.provider import Call, Provider, Script
from tests.harness.steward import Steward

PRICE = Price(output_pico=10_000_000)
ASK = [{"role": "user", "content": "go"}]
PATHS = {"/v1/chat/completions": {"messages": ASK, "max_tokens": 20}, "/v1/responses": {"input": "go", "max_output_tokens": 20, "store": False}}


def route(name: str, *deployments: str, **settings: object) -> str:
    more = "".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items())
    return f'[routes.{name}]\ndeployments = {json.dumps([one if "/" in one else f"script/{one}" for one in deployments])}\n{more}'


def ask(it: Scene, model: str, path: str = "/v1/chat/completions", secret: str | None = None, headers: dict | None = None, **more: object) -> wire.Answer:
    secret = secret or it.admin.new_key(f"key-{time.monotonic_ns()}")["secret"]
    return asyncio.run(wire.call(it.steward.port, path, secret, PATHS[path] | {"model": model} | more, headers=headers, deadline_s=120))


def silent_for(seconds: float, then: Script) -> Script:
    async def run(call: Call) -> None:
        await asyncio.sleep(seconds)
        await then(call)

    return run


def content(answer: wire.Answer) -> str:
    return "".join(choice["delta"].get("content") or "" for event in answer.events() if isinstance(event, dict) for choice in event.get("choices", []))


@pytest.mark.timeout(150)
def test_a_silent_upstream_for_90_s_gets_keep_alives_and_then_a_deadline_error(scene):
    """The real defaults but for the deadline: comments every 15 s, the error at 90 s, nothing charged beyond what was asked."""
    it = scene({"mute": silent_for(200, scripts.answer())}, route("mute-route", "mute", first_byte_timeout_ms=90_000, retries=0))
    pieces: list[tuple[float, bytes]] = []
    began = time.monotonic()
    secret = it.admin.new_key("waiter")["secret"]

    def note(piece: bytes) -> bool:
        pieces.append((time.monotonic() - began, piece))
        return True

    body = PATHS["/v1/chat/completions"] | {"model": "mute-route", "stream": True}
    answer = asyncio.run(wire.call(it.steward.port, "/v1/chat/completions", secret, body, on_piece=note, deadline_s=120))
    alive = [at for at, piece in pieces if piece == b": keep-alive\n\n"]
    assert [round(at / 15) for at in alive][:5] == [1, 2, 3, 4, 5], alive
    assert 89 < time.monotonic() - began < 100
    error = next(event["error"] for event in answer.events() if isinstance(event, dict))
    assert error["code"] == "upstream_timeout", error
    assert "[DONE]" not in answer.events()
    assert it.provider.wait_for(lambda: it.provider.calls()[0].disconnected_at is not None), "the upstream was left hanging"


def test_silence_before_the_first_byte_still_falls_back(scene):
    """Keep-alive comments are no content: the client had its 200 and reads the second deployment's answer."""
    it = scene(
        {"mute": silent_for(20, scripts.answer("never")), "good": scripts.answer("it is good", prompt=7, tokens=3)},
        route("both", "mute", "good", first_byte_timeout_ms=1200, keep_alive_ms=300),
    )
    answer = ask(it, "both", stream=True)
    assert answer.status == 200 and content(answer) == "it is good"
    assert answer.comments().count("keep-alive") >= 3
    assert answer.head_at - answer.sent_at < 1.0, "the first comment came late"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("stream", [False, True])
def test_a_primary_that_dies_before_the_first_chunk_is_replaced(scene, path, stream):
    it = scene({"dies": scripts.dies_before_first_byte(), "good": scripts.answer("it is good", prompt=7, tokens=3)}, route("both", "dies", "good"))
    answer = ask(it, "both", path, stream=stream)
    assert answer.status == 200 and b"it is good" in answer.body.replace(b'"}', b"") or "it is good" in text_of_any(answer)
    assert (len(it.provider.calls("dies")), len(it.provider.calls("good"))) == (1, 1)
    assert answer.headers["x-steward-route"] == "both"
    assert answer.headers["x-steward-attempts"] == "script/dies;failed=upstream_unreachable, script/good;answered"


def text_of_any(answer: wire.Answer) -> str:
    """The text of a stream in Chat's or Responses' events."""
    return content(answer) + "".join(
        event["delta"] for event in answer.events() if isinstance(event, dict) and event.get("type") == "response.output_text.delta"
    )


@pytest.mark.parametrize("path", PATHS)
def test_a_primary_that_dies_after_the_first_chunk_is_an_error_and_nobody_else_is_asked(scene, path):
    it = scene({"dies": scripts.dies_after(2), "good": scripts.answer()}, route("both", "dies", "good"))
    answer = ask(it, "both", path, stream=True)
    assert text_of_any(answer) == "word word "
    assert len(it.provider.calls("good")) == 0
    assert "[DONE]" not in answer.events()
    assert "upstream_unreachable" in answer.body.decode() or '"error"' in answer.body.decode()


def test_each_attempt_is_reserved_and_settled_at_its_own_price(scene):
    it = scene({"dear": scripts.fails(500), "cheap": scripts.answer("a b c", prompt=0, tokens=3)}, route("both", "dear", "cheap", retries=0))
    it.admin.set_price("script", "dear", Price(output_pico=900_000_000))
    it.admin.set_price("script", "cheap", PRICE)
    key = it.admin.new_key("payer")
    it.admin.set_budget("wall", key["id"], 10**9)
    assert ask(it, "both", secret=key["secret"]).status == 200
    budget = it.admin.budgets()[0]
    assert (nano_of_microusd(budget["spent_microusd"]), nano_of_microusd(budget["reserved_microusd"])) == (PRICE.cost_nano(0, 3), 0)
    rows = {row["group"]["model"]: row for row in it.admin.usage(group_by="model")}
    assert len(rows) == 2 and sum(row["failed"] for row in rows.values()) == 1


def test_a_budget_too_small_for_the_first_deployment_goes_to_the_one_that_fits(scene):
    it = scene({"dear": scripts.answer("dear"), "cheap": scripts.answer("cheap", prompt=0, tokens=1)}, route("both", "dear", "cheap"))
    it.admin.set_price("script", "dear", Price(input_pico=10**12, output_pico=10**12))
    it.admin.set_price("script", "cheap", Price(output_pico=1_000))
    key = it.admin.new_key("poor")
    it.admin.set_budget("wall", key["id"], 10**6)
    answer = ask(it, "both", secret=key["secret"])
    assert answer.status == 200 and answer.json()["choices"][0]["message"]["content"] == "cheap"
    assert len(it.provider.calls("dear")) == 0


def test_the_loser_of_a_hedge_is_cut_off_and_settled(scene):
    it = scene({"slow": silent_for(20, scripts.answer()), "good": scripts.answer("quick", prompt=0, tokens=1)}, route("both", "slow", "good"))
    it.admin.set_price("script", "slow", PRICE)
    it.admin.set_price("script", "good", PRICE)
    key = it.admin.new_key("hurry")
    it.admin.set_budget("wall", key["id"], 10**9)
    answer = ask(it, "both", secret=key["secret"], headers={"x-steward-hedge-after": "200ms"}, stream=True)
    assert content(answer) == "quick"
    assert it.provider.wait_for(lambda: it.provider.calls("slow")[0].disconnected_at is not None)
    assert it.provider.calls("slow")[0].disconnected_at - it.provider.calls("good")[0].first_byte_at < 0.5
    assert nano_of_microusd(it.admin.budgets()[0]["reserved_microusd"]) == 0
    assert answer.headers["x-steward-attempts"] == "script/slow;lost=cancelled, script/good;answered"


def test_a_limit_told_to_one_caller_holds_for_all(scene):
    it = scene({"busy": scripts.fails(429, "rate_limit_exceeded", {"retry-after": "60"}), "good": scripts.answer("good")}, route("both", "busy", "good"))
    for _ in range(4):
        assert ask(it, "both").status == 200
    assert len(it.provider.calls("busy")) == 1, "a provider that said 60 s was asked again"


def test_a_circuit_opens_and_probes(scene):
    healthy = False

    async def moody(call: Call) -> None:
        await (scripts.answer("well again") if healthy else scripts.fails(500))(call)

    it = scene({"moody": moody, "good": scripts.answer("good")}, "[routing]\ncircuit_failures = 3\ncircuit_rest_ms = 6000\n" + route("both", "moody", "good", retries=0))
    for _ in range(8):
        assert ask(it, "both").status == 200
    assert len(it.provider.calls("moody")) == 3
    assert "circuit open until" in it.steward.cli("routes", "explain", "both").stdout
    healthy = True
    time.sleep(6.2)
    assert ask(it, "both").json()["choices"][0]["message"]["content"] == "well again"
    assert len(it.provider.calls("moody")) == 4


def test_a_conversation_stays_where_its_prompt_cache_is(scene):
    failing = True

    async def first(call: Call) -> None:
        await (scripts.fails(500) if failing else scripts.answer("first"))(call)

    it = scene({"first": first, "second": scripts.answer("second")}, route("both", "first", "second", retries=0))
    key = it.admin.new_key("talker")["secret"]
    named = {"x-session-affinity": "thread-1"}
    assert ask(it, "both", secret=key, headers=named).json()["choices"][0]["message"]["content"] == "second"
    failing = False
    assert ask(it, "both", secret=key, headers=named).json()["choices"][0]["message"]["content"] == "second"
    assert ask(it, "both", secret=key, headers={"x-session-affinity": "thread-2"}).json()["choices"][0]["message"]["content"] == "first"


def test_routes_are_models_set_explained_and_removed_without_a_restart(scene):
    it = scene({"plain": scripts.answer("plain", prompt=1, tokens=1), "tools": scripts.answer("with tools", prompt=1, tokens=1)})
    it.steward.cli("routes", "set", "mine", "script/plain tools=no", "script/tools")
    secret = it.admin.new_key("maker")["secret"]
    listed = {model["id"] for model in asyncio.run(wire.call(it.steward.port, "/v1/models", secret)).json()["data"]}
    assert {"mine", "fast", "deep", "plain", "tools"} <= listed
    assert ask(it, "mine").json()["choices"][0]["message"]["content"] == "plain"
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
    assert ask(it, "mine", tools=[tool]).json()["choices"][0]["message"]["content"] == "with tools"
    told = json.loads(it.steward.cli("routes", "explain", "mine", "--tools", "--json").stdout)
    assert [one["deployment"] for one in told["candidates"]] == ["script/tools"]
    assert told["skipped"][0]["reason"] == "tools=no: the call has tools"
    before = len(it.provider.calls())
    it.admin.call("POST", "/routes/explain", {"model": "fast", "messages": ASK})
    assert len(it.provider.calls()) == before, "explaining asked somebody"
    wrong = it.steward.cli("routes", "set", "bad", "script/plain tols=no", check=False)
    assert wrong.returncode != 0 and "did you mean 'tools'" in wrong.stderr + wrong.stdout
    assert "bad" not in it.steward.cli("routes", "list").stdout
    it.steward.cli("routes", "remove", "mine")
    assert ask(it, "mine").status == 404
    kinds = [json.loads(line)["kind"] for line in it.steward.cli("journal", "export").stdout.splitlines()]
    assert kinds.count("setting.changed") >= 2


def test_the_record_of_a_call_tells_its_attempts(scene):
    it = scene({"dies": scripts.dies_before_first_byte(), "good": scripts.answer("good", prompt=1, tokens=1)}, route("both", "dies", "good"))
    answer = ask(it, "both")
    records = [json.loads(line) for line in it.steward.cli("journal", "export").stdout.splitlines()]
    routed = next(record for record in records if record["kind"] == "call.routed" and record["stream"] == f"routed/{answer.headers['x-steward-call']}")
    body = routed["body"] if isinstance(routed["body"], dict) else json.loads(routed["body"])
    assert body["route"] == "both"
    assert [(one["deployment"], one["outcome"]) for one in body["attempts"]] == [("script/dies", "failed"), ("script/good", "answered")]
    assert all(one["duration_us"] >= 0 and one["reason"] for one in body["attempts"])


def test_a_provider_that_refuses_its_key_is_asked_last_until_it_is_configured_anew():
    """fast and deep are made of names alone: what stands first there may have no good key."""
    asked: list[str] = []

    def provider(name: str, good: bool) -> Script:
        async def run(call: Call) -> None:
            asked.append(name)
            if not good:
                return await call.json({"error": {"message": "Incorrect API key provided", "type": "invalid_request_error", "code": "invalid_api_key"}}, 401)
            await scripts.answer(f"by {name}")(call)

        return run

    with Provider({"gpt-5-mini": provider("locked", good=False)}) as locked, Provider({"mistral-small-9": provider("open", good=True)}) as opened:
        config = "[engine]\nenabled = false\n" + "".join(
            f'[providers.{name}]\nbase_url = "{one.base_url}"\nkey_env = "SCRIPT_KEY"\nmodels = ["{model}"]\n'
            for name, one, model in (("locked", locked, "gpt-5-mini"), ("open", opened, "mistral-small-9")))  # fmt: skip
        with Steward(config, env={"SCRIPT_KEY": "any"}) as steward, Admin(steward) as admin:
            it = Scene(steward, opened, admin)
            explain = lambda: admin.call("POST", "/routes/explain", PATHS["/v1/chat/completions"] | {"model": "fast"})["candidates"]  # noqa: E731
            assert [one["deployment"] for one in explain()] == ["locked/gpt-5-mini", "open/mistral-small-9"]
            first = ask(it, "fast")
            assert first.headers["x-steward-attempts"] == "locked/gpt-5-mini;failed=upstream_error, open/mistral-small-9;answered"
            second, third = ask(it, "fast"), ask(it, "fast")
            assert second.status == third.status == 200 and asked == ["locked", "open", "open", "open"]
            told = explain()
            assert [one["deployment"] for one in told] == ["open/mistral-small-9", "locked/gpt-5-mini"]
            assert "refused the key" in told[1]["reason"]
            assert "refused the key" in steward.cli("routes", "explain", "fast").stdout
            # By its own name it is asked all the same, and says why it can't.
            assert b"refused the key" in ask(it, "locked/gpt-5-mini").body
            locked.scripts["gpt-5-mini"] = provider("locked", good=True)
            steward.cli("providers", "test", "locked")  # it lists its models: the key is good
            assert [one["deployment"] for one in explain()] == ["locked/gpt-5-mini", "open/mistral-small-9"]
            assert "by locked" in json.loads(ask(it, "fast").body)["choices"][0]["message"]["content"]
