"""A repeated Idempotency-Key gets the first answer, is charged once, and survives a restart; and what a key keeps of its calls."""

from __future__ import annotations

import asyncio
import json
import time

import pytest

from tests.conftest import Scene
from tests.harness import scripts, wire
from tests.harness.money import Price
from tests.harness.people import owner_of
from tests.harness.provider import Call
from tests.talk.life import wait_for
from tests.talk.test_keeping import files_with

PRICE = Price(input_pico=1_000_000, output_pico=10_000_000)
ASK = [{"role": "user", "content": "the secret word is xylophone-9"}]
PATHS = {
    "/v1/chat/completions": {"messages": ASK, "max_tokens": 20},
    "/v1/responses": {"input": "xylophone-9", "max_output_tokens": 20, "store": False},
    "/v1/messages": {"messages": ASK, "max_tokens": 20},
    "/v1/completions": {"prompt": "xylophone-9", "max_tokens": 20},
    "/v1/embeddings": {"input": "xylophone-9"},
}


def post(it: Scene, path: str, secret: str, body: dict, key: str | None = None, deadline_s: float = 60) -> wire.Answer:
    headers = {"Idempotency-Key": key} if key else {}
    return asyncio.run(wire.call(it.steward.port, path, secret, body, headers=headers, deadline_s=deadline_s))


def prepared(scene, script=None) -> Scene:
    it = scene({"m": script or scripts.answer("Hello there, you.", tokens=4)})
    it.admin.set_price("script", "m", PRICE)
    return it


def gemini(stream: bool) -> tuple[str, dict]:
    method = "streamGenerateContent?alt=sse" if stream else "generateContent"
    return f"/v1beta/models/m:{method}", {"contents": [{"role": "user", "parts": [{"text": "xylophone-9"}]}]}


def cases() -> list[tuple[str, dict]]:
    out = [(path, body | {"model": "m"}) for path, body in PATHS.items()]
    out += [(path, body | {"stream": True}) for path, body in out if "embeddings" not in path]
    return out + [gemini(False), gemini(True)]


def test_a_repeat_gets_the_same_bytes_is_charged_once_and_survives_kill_9(scene):
    it = prepared(scene)
    secret = it.admin.new_key("k")["secret"]
    first = {}
    for n, (path, body) in enumerate(cases()):
        answer = post(it, path, secret, body, f"once-{n}")
        assert answer.status == 200, (path, answer.body)
        assert "idempotent-replayed" not in answer.headers
        first[n] = answer
    asked, paid = len(it.provider.calls()), it.admin.usage()
    for restarted in (False, True):
        if restarted:
            it.steward.kill()
            it.steward.start()
        for n, (path, body) in enumerate(cases()):
            again = post(it, path, secret, body, f"once-{n}")
            assert again.status == 200, (n, restarted, path, again.body)
            assert again.body == first[n].body, path
            assert again.headers["content-type"] == first[n].headers["content-type"]
            assert again.headers["idempotent-replayed"] == "true"
            assert again.headers["x-steward-call"] == first[n].headers["x-steward-call"]
    assert len(it.provider.calls()) == asked == len(first)
    assert it.admin.usage() == paid


def test_the_same_key_with_another_body_or_of_another_caller(scene):
    it = prepared(scene)
    secret, other = it.admin.new_key("a")["secret"], it.admin.new_key("b")["secret"]
    path, body = "/v1/chat/completions", {"model": "m", **PATHS["/v1/chat/completions"]}
    assert post(it, path, secret, body, "k").status == 200
    reused = post(it, path, secret, body | {"max_tokens": 21}, "k")
    assert reused.status == 422
    assert reused.error["code"] == "idempotency_key_reused"
    assert post(it, path, other, body, "k").headers.get("idempotent-replayed") is None
    assert len(it.provider.calls()) == 2
    assert post(it, path, secret, body, "x" * 300).status == 400


def test_a_repeat_while_the_first_is_under_way_is_told_to_come_later(scene):
    release = []

    async def held(call: Call) -> None:
        while not release:
            await asyncio.sleep(0.01)
        await scripts.answer("late", tokens=2)(call)

    it = prepared(scene, held)
    secret = it.admin.new_key("a")["secret"]
    body = {"model": "m", **PATHS["/v1/chat/completions"]}

    async def both() -> tuple[wire.Answer, wire.Answer, wire.Answer]:
        headers = {"Idempotency-Key": "k"}
        first = asyncio.ensure_future(wire.call(it.steward.port, "/v1/chat/completions", secret, body, headers=headers, deadline_s=60))
        while not it.provider.calls():
            await asyncio.sleep(0.01)
        early = await wire.call(it.steward.port, "/v1/chat/completions", secret, body, headers=headers, deadline_s=60)
        release.append(True)
        whole = await first
        return whole, early, await wire.call(it.steward.port, "/v1/chat/completions", secret, body, headers=headers, deadline_s=60)

    whole, early, late = asyncio.run(both())
    assert early.status == 409
    assert int(early.headers["retry-after"]) >= 1
    assert late.body == whole.body
    assert len(it.provider.calls()) == 1


def test_a_client_that_went_away_finds_its_whole_answer(scene):
    it = prepared(scene, scripts.answer("one two three four five six", tokens=6, chunk_s=0.15))
    secret = it.admin.new_key("a")["secret"]
    body = {"model": "m", "stream": True, **PATHS["/v1/chat/completions"]}

    async def leave() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", it.steward.port)
        writer.write(wire.request_bytes("POST", "/v1/chat/completions", secret, body, {"Idempotency-Key": "k"}))
        await reader.readuntil(b"two")
        writer.transport.abort()

    asyncio.run(leave())
    deadline = time.monotonic() + 20
    answer = post(it, "/v1/chat/completions", secret, body, "k")
    while answer.status == 409 and time.monotonic() < deadline:
        time.sleep(0.1)
        answer = post(it, "/v1/chat/completions", secret, body, "k")
    assert answer.status == 200
    assert answer.headers["idempotent-replayed"] == "true"
    assert b"six" in answer.body
    assert answer.body.rstrip().endswith(b"[DONE]") or b"[DONE]" in answer.body
    assert len(it.provider.calls()) == 1
    [row] = it.admin.usage()
    assert (row["calls"], row["completion_tokens"]) == (1, 6)


def test_an_error_is_no_answer(scene):
    failing = [True]

    async def flaky(call: Call) -> None:
        if failing:
            return await call.json({"error": {"message": "broke", "type": "server_error"}}, 500)
        await scripts.answer("fine", tokens=1)(call)

    it = prepared(scene, flaky)
    secret = it.admin.new_key("a")["secret"]
    body = {"model": "m", **PATHS["/v1/chat/completions"]}
    assert post(it, "/v1/chat/completions", secret, body, "k").status >= 500
    failing.clear()
    good = post(it, "/v1/chat/completions", secret, body, "k")
    assert good.status == 200
    assert "idempotent-replayed" not in good.headers


def test_a_key_that_keeps_nothing_refuses_it_by_name(scene):
    it = prepared(scene)
    secret = it.admin.new_key("n", content="none")["secret"]
    body = {"model": "m", **PATHS["/v1/chat/completions"]}
    refused = post(it, "/v1/chat/completions", secret, body, "k")
    assert refused.status == 400
    assert refused.error["param"] == "Idempotency-Key"
    assert it.provider.calls() == []
    assert post(it, "/v1/chat/completions", secret, body).status == 200


def everything_in(folder) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file() and "models" not in path.parts)


@pytest.mark.parametrize("rule", ["metadata", "none"])
def test_content_is_nowhere_unless_the_key_keeps_it(scene, rule):
    it = prepared(scene)
    secret = it.admin.new_key("k", content=rule)["secret"]
    for path, body in cases():
        assert post(it, path, secret, body).status == 200, path
    call = it.admin.pages("/calls")[0]
    assert call["model"] == "m"
    assert it.admin.call("GET", f"/calls/{call['id']}")["content"] is None
    it.steward.stop()
    held = everything_in(it.steward.home)
    assert b"xylophone-9" not in held
    assert b"Hello there, you." not in held
    assert "xylophone-9" not in it.steward.log_path.read_text()


@pytest.mark.parametrize("streamed", [False, True])
def test_content_that_is_kept_is_shown_and_erased(scene, streamed):
    it = prepared(scene)
    made = it.admin.new_key("k", content="30d")
    assert made["content"] == "30d"
    body = {"model": "m", "stream": streamed, **PATHS["/v1/chat/completions"]}
    answer = post(it, "/v1/chat/completions", made["secret"], body)
    call = it.admin.call("GET", f"/calls/{answer.headers['x-steward-call']}")
    assert (call["model"], call["provider"], call["outcome"], call["key"]) == ("m", "script", "finished", made["id"])
    assert call["usage"]["completion_tokens"] == 4
    [content] = call["content"]
    assert content["request"]["messages"] == ASK
    assert "there" in json.dumps(content["answer"])
    assert content["until"] > time.strftime("%Y-%m-%dT", time.gmtime(time.time() + 29 * 86400))
    job = it.admin.call("POST", "/journal/erase", {"records": [call["id"]]})
    assert it.provider.wait_for(lambda: it.admin.call("GET", f"/jobs/{job['id']}")["state"] == "finished", 20)
    assert it.admin.call("GET", f"/calls/{call['id']}")["content"] is None
    assert it.admin.call("POST", "/journal/verify")["ok"]
    assert it.admin.call("GET", f"/calls/{call['id']}")["cost_microusd"] == call["cost_microusd"]
    it.steward.stop()
    assert b"xylophone-9" not in everything_in(it.steward.home)


def test_what_is_kept_for_a_repeat_goes_with_what_it_tells_of(scene):
    """A conversation's, a project's and a message's own answers, and those of a search in memory, are no second home for their words."""
    it = prepared(scene)
    with owner_of(it.steward) as me:

        def once(path: str, body: dict, key: str) -> dict:
            answer = me.ask("POST", path, body, headers={"idempotency-key": key})
            assert answer.status_code < 300, answer.text
            return answer.json()

        talk = once("/v1/conversations", {"title": "quokkatitle"}, "a")["id"]
        project = once("/v1/projects", {"name": "wombatname"}, "b")["id"]
        said = once(f"/v1/conversations/{talk}/messages", {"text": "numbatword", "answer": False}, "c")["message"]["id"]
        once(f"/v1/conversations/{talk}/messages", {"text": "dugongword", "answer": False}, "d")
        assert once("/v1/memory/search", {"query": "dugongword"}, "e")["data"]
        share = once(f"/v1/conversations/{talk}/shares", {"with": "link"}, "f")
        assert files_with(it.steward.home, share["url"].split("#")[1]) == [], "a token is told once and kept nowhere"
        assert "idempotent_replay" in once("/v1/projects", {"name": "wombatname"}, "b")
        me.call("DELETE", f"/v1/conversations/{talk}/items/{said}")
        me.call("DELETE", f"/v1/projects/{project}")
        wait_for(lambda: not files_with(it.steward.home, "numbatword") and not files_with(it.steward.home, "wombatname"), "the erasure")
        assert files_with(it.steward.home, "quokkatitle") and files_with(it.steward.home, "dugongword"), "what lies beside it stays"
        again = me.ask("POST", "/v1/projects", {"name": "wombatname"}, headers={"idempotency-key": "b"})
        assert again.status_code == 409 and "erased" in again.json()["error"]["message"]
        me.call("DELETE", f"/v1/conversations/{talk}")
        wait_for(lambda: not files_with(it.steward.home, "quokkatitle") and not files_with(it.steward.home, "dugongword"), "the erasure")
