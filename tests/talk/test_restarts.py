"""A server that ends in mid-answer: what was seen of it stays, the rest is written after it, and every call is charged."""

from __future__ import annotations

import asyncio
import json
import time

import pytest

from tests.harness import scripts
from tests.harness.people import Browser
from tests.harness.provider import Call, Script
from tests.talk.life import Life, Line, wait_for
from tests.talk.test_keeping import files_with

STEP_S = 2.0  # src/talk/steps.h
MODEL_S = 90  # for the embedded model to load and begin, on a busy machine
PRICE = {"provider": "script", "model": "good-1", "input_pico": 10**6, "output_pico": 10**6}


def counting(chunk_s: float = 0.02, **delta: str) -> Script:
    """One word after the other, each another one, so that none can be missing or come twice unnoticed. Never ends."""

    async def run(call: Call) -> None:
        await call.begin_stream()
        for number in range(100_000):
            await call.event(scripts.chunk(call, delta or {"content": f"w{number} "}))
            await asyncio.sleep(chunk_s)

    return run


def kept_steps(it: Life, answer: str) -> list[dict]:
    """What stands in the journal of an answer's steps, read from its export."""
    records = map(json.loads, it.steward.cli("journal", "export").stdout.splitlines())
    return [json.loads(one["body"])["content"] for one in records if one["stream"] == f"answer/{answer}" and one["body"]]


def put_together(steps: list[dict]) -> str:
    text = b""
    for step in steps:
        assert step["text_at"] == len(text), "each step says what came since the one before, and nothing else"
        text += step["text"].encode()
    return text.decode()


def after_a_step(it: Life, talk: str, answer: str, seconds: float = 20) -> str:
    """Waits until a step must have been kept; what a reader sees then."""
    wait_for(lambda: it.message(talk, answer)["text"], "some text", seconds)
    time.sleep(STEP_S * 1.5)
    return it.message(talk, answer)["text"]


def test_a_killed_server_goes_on_where_the_answer_was(life):
    it = life({"good-1": counting()})
    it.scene.admin.call("POST", "/prices", PRICE)
    talk = it.new()
    answer = it.say(talk, "go")["answer"]["id"]
    waiting = it.say(talk, "and then")
    seen = after_a_step(it, talk, answer)
    it.steward.kill()
    prefix = put_together(kept_steps(it, answer))
    assert prefix and seen.startswith(prefix[: len(seen)]) and len(prefix.split()) > 20, "what was kept is what was seen"
    gate = it.provider.gate()
    it.provider.scripts["good-1"] = scripts.answer("and the end", tokens=3, gate=gate)
    it.steward.start()
    assert it.message(talk, answer)["text"] == prefix, "it stands there while the model is asked"
    wait_for(lambda: gate.waiting, "the second call")
    with Line(it.me) as here, Line(Browser(it.steward).sign_in("Anna")) as there:
        began = it.message(talk, answer)
        gate.open()
        whole = it.ended(talk, answer)
        for line in (here, there):
            wait_for(lambda line=line: whole["id"] in [one["message"] for one in line.of("state") if one["status"] == "completed"], "the end")
            pieces = [one for one in line.of("delta") if one["message"] == answer]
            assert pieces[0]["offset"] == len(prefix) and {one["attempt"] for one in pieces} == {began["attempt"]}
            assert prefix + "".join(one["text"] for one in pieces) == whole["text"]
            assert "answer.kept" not in line.kinds(), "steps are the server's own affair"
    assert (whole["status"], whole["text"]) == ("completed", prefix + "and the end")
    first, second = it.provider.calls("good-1")[:2]
    assert [one["role"] for one in first.body["messages"]] == ["user"]
    assert [one["role"] for one in second.body["messages"]] == ["user", "assistant", "user"]
    assert second.body["messages"][1]["content"] == prefix, "the model is given what there is"

    calls = {one["id"]: one for one in it.me.call("GET", "/v1/me/calls")["data"]}
    lost, new = (calls[one] for one in whole["calls"])
    assert lost["outcome"] == "in_doubt" and lost["cost_microusd"] == lost["reserved_microusd"], "nobody knows its end: at its bound"
    assert new["outcome"] == "finished" and new["usage"]["completion_tokens"] == 3
    assert whole["call"] == new["id"] and whole["usage"]["output_tokens"] == lost["usage"]["completion_tokens"] + 3
    assert whole["cost_nano_usd"] == sum(round(float(one["cost_microusd"]) * 1000) for one in (lost, new))

    it.ended(talk, waiting["answer"]["id"])
    assert [one["text"] for one in it.path(talk)] == ["go", whole["text"], "and then", "and the end"]


def test_a_server_killed_twice_goes_on_twice(life):
    it = life({"good-1": counting()})
    talk = it.new()
    answer = it.say(talk, "go")["answer"]["id"]
    prefixes = []
    for _ in range(2):
        after_a_step(it, talk, answer)
        it.steward.kill()
        prefixes.append(put_together(kept_steps(it, answer)))
        it.steward.start()
    assert prefixes[1].startswith(prefixes[0] + "w0 ") and prefixes[1].count("w0 ") == 2
    after_a_step(it, talk, answer)
    stopped = it.do(talk, answer, "stop")["answer"]
    assert stopped["text"].startswith(prefixes[1] + "w0 ") and len(stopped["calls"]) == len(set(stopped["calls"])) == 3


def test_a_word_that_was_cut_is_written_whole(life):
    async def halves(call: Call) -> None:
        await call.begin_stream()
        for piece in ("It", " is", " quite", " unbeliev"):
            await call.event(scripts.chunk(call, {"content": piece}))
        await asyncio.sleep(3600)

    it = life({"good-1": halves})
    talk = it.new()
    answer = it.say(talk, "go")["answer"]["id"]
    assert after_a_step(it, talk, answer) == "It is quite unbeliev"
    it.steward.kill()
    it.provider.scripts["good-1"] = scripts.answer(" unbelievable, it is", tokens=6)
    it.steward.start()
    assert it.ended(talk, answer)["text"] == "It is quite unbelievable, it is"


def test_what_was_not_kept_yet_is_asked_anew(life):
    it = life({"good-1": scripts.answer("never", gate=None, latency_s=3600), "thinks-1": counting(reasoning_content="hm ")})
    talk, other = it.new(), it.new()
    nothing = it.say(talk, "go")["answer"]["id"]
    thoughts = it.say(other, "think", model="thinks-1")["answer"]["id"]
    wait_for(lambda: it.message(other, thoughts)["reasoning"], "thoughts")
    time.sleep(STEP_S * 1.5)
    it.steward.kill()
    for model in ("good-1", "thinks-1"):
        it.provider.scripts[model] = scripts.answer("made anew", tokens=2)
    it.steward.start()
    for conversation, answer in ((talk, nothing), (other, thoughts)):
        told = it.ended(conversation, answer)
        assert (told["text"], told["reasoning"]) == ("made anew", None), "a model goes on from text alone"
    assert [one["role"] for one in it.provider.calls("thinks-1")[-1].body["messages"]] == ["user"]


def test_an_orderly_end_keeps_all_that_came(life):
    it = life({"good-1": counting()})
    talk = it.new()
    answer = it.say(talk, "go")["answer"]["id"]
    wait_for(lambda: it.message(talk, answer)["text"], "some text")
    time.sleep(0.7)  # sooner than any step
    seen = it.message(talk, answer)["text"]
    began = time.monotonic()
    assert it.steward.stop() == 0 and time.monotonic() - began < 15
    prefix = put_together(kept_steps(it, answer))
    assert prefix.startswith(seen) and len(seen.split()) > 5
    it.provider.scripts["good-1"] = scripts.answer("and the end", tokens=3)
    it.steward.start()
    whole = it.ended(talk, answer)
    assert whole["text"] == prefix + "and the end"
    calls = {one["id"]: one for one in it.me.call("GET", "/v1/me/calls")["data"]}
    ended = calls[whole["calls"][0]]
    assert ended["outcome"] != "in_doubt" and ended["usage"]["completion_tokens"] < 1_000, "it is charged for what it made"


def test_after_three_restarts_it_has_failed_with_what_there_is(life):
    it = life({"good-1": counting()})
    talk = it.new()
    answer = it.say(talk, "go")["answer"]["id"]
    after_a_step(it, talk, answer)
    for calls in range(1, 4):
        wait_for(lambda calls=calls: len(it.provider.calls("good-1")) == calls, "the call")
        it.steward.kill()
        it.steward.start()
    failed = it.ended(talk, answer)
    assert failed["status"] == "failed" and failed["text"].startswith("w0 w1 ") and "restarts" in failed["error"]["message"]
    it.provider.scripts["good-1"] = scripts.answer("the end", tokens=2)
    it.do(talk, answer, "continue")
    assert it.ended(talk, answer)["text"] == failed["text"] + "the end"


@pytest.mark.parametrize("how", ["the message", "the conversation at once", "the conversation with a way back"])
def test_no_file_holds_the_steps_of_what_was_erased(life, how):
    """Kept by a process that was killed, and by the one after it."""
    it = life({"good-1": counting(0.02, content="axolotlword ")}, more="[talk]\nundo_seconds = 1\n")
    talk = it.new()
    answer = it.say(talk, "go")["answer"]["id"]
    after_a_step(it, talk, answer)
    it.steward.kill()
    it.steward.start()
    after_a_step(it, talk, answer)
    if how == "the message":
        it.do(talk, answer, "stop")
        it.me.call("DELETE", f"/v1/conversations/{talk}/items/{answer}")
    elif how == "the conversation at once":
        it.me.call("DELETE", f"/v1/conversations/{talk}")
    else:
        it.me.call("POST", f"/v1/conversations/{talk}/delete")
    wait_for(lambda: not files_with(it.steward.home, "axolotlword"), "the erasure of its steps")
    assert it.steward.stop() == 0
    assert it.steward.cli("journal", "verify").returncode == 0 and kept_steps(it, answer) == []


@pytest.mark.timeout(300)
def test_an_answer_of_the_embedded_model_goes_on(scene):
    from tests.harness.people import owner_of

    it = Life(scene({"good-1": scripts.answer("unused")}, more="[people]\nsign_in_pause_s = 3600\n"), None)
    it.me = owner_of(it.steward)
    [model] = [one["name"] for one in it.scene.admin.pages("/models") if one["provider"] == "local" and one["kind"] == "chat"]
    talk = it.new()
    for _ in range(6):  # so small a model may have said all after three seconds
        answer = it.say(talk, "Tell me a very long story about a lamp and the sea, with many chapters.", model=model)["answer"]["id"]
        after_a_step(it, talk, answer, MODEL_S)
        if it.message(talk, answer)["status"] == "in_progress":
            break
    else:
        raise AssertionError("it never had more to say")
    it.steward.kill()
    prefix = put_together(kept_steps(it, answer))
    it.steward.start()
    shown = prefix.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
    wait_for(lambda: len(it.message(talk, answer)["text"]) > len(prefix) + 40 or it.message(talk, answer)["status"] != "in_progress", "more of it", MODEL_S)
    whole = it.do(talk, answer, "stop")["answer"]
    assert whole["status"] in ("stopped", "completed", "incomplete") and len(whole["text"]) >= len(shown)
    assert prefix and whole["text"].startswith(shown) and len(whole["calls"]) == 2
