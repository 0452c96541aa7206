"""Lines of a batch that a provider's own batch answers: posted together, read hours later or after a kill, at its batch price.

Expected costs are computed by hand; the provider is scripted (tests/harness/provider_batches.py) in the forms of OpenAI, Anthropic and Gemini.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import openai
import pytest

from tests.clients.test_batches import ended, rows_of, start
from tests.conftest import client_of, embedded_models
from tests.harness import scripts
from tests.harness.admin import Admin
from tests.harness.money import nano_of_microusd
from tests.harness.paths import ROOT
from tests.harness.provider import Call, Provider
from tests.harness.provider_batches import SDK, Batches
from tests.harness.steward import Steward
from tests.talk.life import wait_for

# A million tokens in pico-dollars a token: 2 and 8 dollars live, 0.5 and 2 in a batch. 7 tokens in, 2 out.
PRICE = {"input_pico": 2_000_000, "output_pico": 8_000_000, "tiers": ["batch: input=0.5 output=2"]}
LIVE_PATHS = ("/completions", "/messages", "/responses", "/embeddings", ":generateContent")
IN_BATCH, LIVE = 7 * 500 + 2 * 2_000, 7 * 2_000 + 2 * 8_000
CHAT, MESSAGES = "/v1/chat/completions", "/v1/messages"
NUMBERS = itertools.count()  # a provider gives each item an id of its own
FORTY = "What was made here is forty bytes long.."  # where nothing else can be believed: 10 tokens, at 4 bytes each


async def fine(call: Call) -> None:
    """A good answer in the provider's own dialect: 7 tokens in, 2 out."""
    if ":generateContent" in call.seen.path:
        content = {"role": "model", "parts": [{"text": "fine"}]}
        usage = {"promptTokenCount": 7, "candidatesTokenCount": 2, "totalTokenCount": 9}
        return await call.json({"candidates": [{"content": content, "finishReason": "STOP", "index": 0}], "usageMetadata": usage, "modelVersion": "m"})
    if ":embedContent" in call.seen.path:  # of one text, as asyncBatchEmbedContent asks for it: 7 tokens, which proto's JSON tells as text
        value = {"one": 1.0, "two": 2.0}.get(call.body["content"]["parts"][0]["text"], 0.5)
        return await call.json({"embedding": {"values": [value, 0.25]}, "tokenCount": "7"})
    if call.seen.path == "/v1/embeddings":
        texts = call.body["input"] if isinstance(call.body["input"], list) else [call.body["input"]]
        data = [{"object": "embedding", "index": n, "embedding": [float(n), 0.25]} for n in range(len(texts))]
        return await call.json({"object": "list", "data": data, "model": "m", "usage": {"prompt_tokens": 7 * len(texts), "total_tokens": 7 * len(texts)}})
    if call.seen.path == "/v1/completions":
        choice = {"index": 0, "text": "fine", "finish_reason": "stop", "logprobs": None}
        usage = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
        return await call.json({"id": "cmpl-up", "object": "text_completion", "created": 1, "model": "m", "choices": [choice], "usage": usage})
    if call.seen.path == MESSAGES:
        usage = {"input_tokens": 7, "output_tokens": 2}
        message = {"id": "msg_up", "type": "message", "role": "assistant", "model": "m", "content": [{"type": "text", "text": "fine"}]}
        return await call.json(message | {"stop_reason": "end_turn", "stop_sequence": None, "usage": usage})
    if call.seen.path == "/v1/responses":
        part = {"type": "output_text", "text": "fine", "annotations": []}
        output = [{"type": "message", "id": f"msg_{next(NUMBERS)}", "role": "assistant", "status": "completed", "content": [part]}]
        usage = {"input_tokens": 7, "output_tokens": 2, "total_tokens": 9}
        body = {"id": "resp_up", "object": "response", "created_at": 1, "status": "completed", "model": "m", "output": output, "usage": usage}
        return await call.json(body)
    await scripts.answer("fine", prompt=7, tokens=2)(call)


async def refused(call: Call) -> None:
    error = {"type": "invalid_request_error", "message": "too clever for this model", "param": None, "code": "bad_prompt"}
    if ":generateContent" in call.seen.path:
        error = {"code": 400, "message": error["message"], "status": "INVALID_ARGUMENT"}
    body = {"type": "error", "error": error} if call.seen.path == MESSAGES else {"error": error}
    await call.json(body, 400)


def tells(body: dict) -> Callable[[Call], Awaitable[None]]:
    """This on top of a good answer, whatever it is."""

    async def run(call: Call) -> None:
        await call.json(scripts.completion(call, [FORTY], scripts.usage_of(7, 2)) | body)

    return run


@dataclass
class Night:
    """A server before one provider with batches."""

    steward: Steward
    admin: Admin
    provider: Provider
    batches: Batches
    secret: str

    @property
    def client(self):
        return client_of(self.steward, self.secret)

    def line(self, custom_id: str, url: str = CHAT, model: str = "up-1", **more: object) -> dict:
        said = {"messages": [{"role": "user", "content": "hi"}]}
        if url in ("/v1/responses", "/v1/embeddings", "/v1/completions"):
            said = {"prompt" if url == "/v1/completions" else "input": "hi"}
        return {"custom_id": custom_id, "method": "POST", "url": url, "body": {"model": model} | said | more}

    def begin(self, rows: list[dict], secret: str = "") -> str:
        client = client_of(self.steward, secret or self.secret)
        data = "\n".join(json.dumps(row) for row in rows).encode()
        return start(client, data, rows[0]["url"]).id

    def answered(self, batch: str) -> tuple[object, list[dict], list[dict]]:
        """The batch at its end, its output and its errors."""
        done = ended(self.client, batch)
        return done, rows_of(self.client, done.output_file_id), rows_of(self.client, done.error_file_id)

    def spent(self) -> int:
        return sum(nano_of_microusd(row["cost_microusd"]) for row in self.admin.usage())

    def held_back(self) -> int:
        """What the only budget's calls under way hold, in nano-dollars."""
        [wall] = self.admin.budgets()
        return nano_of_microusd(wall["reserved_microusd"])

    def outcomes(self) -> list[str]:
        return sorted(one["outcome"] for one in self.admin.pages("/calls"))

    def asked_live(self) -> int:
        return sum(one.path.endswith(LIVE_PATHS) for one in self.provider.seen)


@contextmanager
def night(like: str = "openai", none: bool = False, more: str = "") -> Iterator[Night]:
    models = '"up-1", "bad-1"'
    with Provider({"up-1": fine, "bad-1": refused}) as provider:
        batches = Batches(provider, none)
        address = provider.base_url + ("beta" if like == "gemini" else "")
        config = f'[providers.up]\nlike = "{like}"\nbase_url = "{address}"\nkey_env = "SCRIPT_KEY"\nmodels = [{models}]\n{more}'
        with Steward(config, env={"SCRIPT_KEY": provider.key}) as steward, Admin(steward) as admin:
            for model in ("up-1", "bad-1"):
                admin.call("POST", "/prices", {"provider": "up", "model": model} | PRICE)
            yield Night(steward, admin, provider, batches, admin.new_key("night")["secret"])


def test_lines_are_posted_together_and_cost_the_batch_price():
    with night() as it:
        named = ["mine 1 – é", "b", "c"]
        done, good, bad = it.answered(it.begin([it.line(name, max_tokens=8) for name in named]))
        assert (done.status, done.request_counts.completed, bad) == ("completed", 3, [])
        assert [row["custom_id"] for row in good] == named
        assert all(row["response"]["body"]["choices"][0]["message"]["content"] == "fine" for row in good)
        assert [one["cost_microusd"] for one in it.admin.pages("/calls")] == ["7.5"] * 3, "7 × 500 + 2 × 2,000 nano-dollars, by hand"
        [held] = it.batches.held
        assert [line for line, _ in held.lines] == ["line-0", "line-1", "line-2"] and it.batches.wrong == []
        assert not any(b"mine" in one.raw for one in it.provider.seen), "the caller's own names stay here"
        assert it.asked_live() == 0 and it.spent() == 3 * IN_BATCH and it.outcomes() == ["finished"] * 3
        assert sorted(it.batches.removed) == sorted([held.files[0], "file-out-batch_0"]), "its files are taken away"


def checked_by_sdk(batches: Batches, form: str, sdk: str = "") -> None:
    """What was sent and said, by the provider's own SDK in the environment of the real clients."""
    told = json.dumps(batches.told(batches.held[0]))
    python = ROOT / "build/clients/python/bin/python"
    done = subprocess.run([python, "-c", SDK[sdk or form]], input=told, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def said_in(url: str, row: dict) -> str:
    body = row["response"]["body"]
    return body["choices"][0]["message"]["content"] if url == CHAT else body["content"][0]["text"]


@pytest.mark.parametrize(("like", "url"), [("openai", MESSAGES), ("anthropic", CHAT), ("anthropic", MESSAGES), ("gemini", CHAT), ("gemini", MESSAGES)])
def test_any_dialect_goes_into_any_providers_batch(like, url):
    with night(like) as it:
        done, good, bad = it.answered(it.begin([it.line(f"a{n}", url, max_tokens=8) for n in range(4)]))
        assert (done.status, [row["custom_id"] for row in good], bad) == ("completed", ["a0", "a1", "a2", "a3"], [])
        assert [said_in(url, row) for row in good] == ["fine"] * 4
        assert it.batches.wrong == [] and it.asked_live() == 0 and it.spent() == 4 * IN_BATCH
        assert [one.form for one in it.batches.held] == [like]
        if like != "openai":
            assert it.batches.removed == [it.batches.held[0].id], "it is taken away"
            checked_by_sdk(it.batches, like)


def test_what_is_kept_of_a_posted_line_stands_on_its_key():
    with night() as it:
        keeping = it.admin.new_key("keeps", content="30d")
        batch = it.begin([it.line("a", max_tokens=8)], keeping["secret"])
        assert ended(client_of(it.steward, keeping["secret"]), batch).request_counts.completed == 1
        [call] = [it.admin.call("GET", f"/calls/{one['id']}") for one in it.admin.pages("/calls")]
        [kept] = call["content"]
        assert kept["request"]["messages"] == [{"role": "user", "content": "hi"}]
        assert kept["answer"]["choices"][0]["message"]["content"] == "fine"


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_a_restart_posts_nothing_twice_and_charges_once(how):
    with night() as it:
        it.batches.at_once = False
        it.admin.set_budget("wall", it.admin.tenant(), 10**9)
        batch = it.begin([it.line(f"a{n}", max_tokens=8) for n in range(5)])
        wait_for(lambda: it.batches.held and it.batches.held[0].looked, "a look at the provider's batch")
        began = time.monotonic()
        if how == "kill":
            it.steward.kill()
        else:
            assert it.steward.stop() == 0 and time.monotonic() - began < 10, "it does not wait for the provider"
        it.steward.start()
        with Admin(it.steward) as again:
            it.admin = again
            # Live, the dearer price: 5 × (8 tokens out × 8,000 nano-dollars), and the input's bytes.
            assert it.held_back() > 5 * 8 * 8_000, "what is posted stays reserved"
            it.batches.end(it.batches.held[0])
            done, good, _ = it.answered(batch)
            assert done.status == "completed" and len(good) == 5 and len(it.batches.held) == 1
            assert it.asked_live() == 0 and it.batches.wrong == []
            assert it.spent() == 5 * IN_BATCH and it.outcomes() == ["finished"] * 5
            [wall] = again.budgets()
            assert (it.held_back(), nano_of_microusd(wall["spent_microusd"])) == (0, 5 * IN_BATCH)
            again.steward.cli("journal", "verify")


@pytest.mark.parametrize(("like", "none", "more"), [("openai", True, ""), ("anthropic", True, ""), ("gemini", True, ""), ("openai", False, "batches = false\n")])
def test_where_there_are_no_batches_lines_are_asked_live(like, none, more):
    with night(like, none, more) as it:
        done, good, _ = it.answered(it.begin([it.line(f"a{n}", max_tokens=8) for n in range(3)]))
        assert done.status == "completed" and len(good) == 3 and it.batches.held == []
        posted = sum(one.path.endswith(("/files", "/batches", ":batchGenerateContent")) for one in it.provider.seen)
        assert posted == (1 if none else 0), "whoever has none is not asked twice"
        assert it.asked_live() == 3 and it.spent() == 3 * LIVE


@pytest.mark.parametrize(("like", "url"), [("openai", CHAT), ("openai", MESSAGES), ("anthropic", CHAT), ("gemini", CHAT)])
def test_a_line_that_the_provider_refuses_costs_nothing(like, url):
    with night(like) as it:
        rows = [it.line("good", url, max_tokens=8), it.line("bad", url, "bad-1", max_tokens=8)]
        done, good, bad = it.answered(it.begin(rows))
        assert (done.status, [row["custom_id"] for row in good], [row["custom_id"] for row in bad]) == ("completed", ["good"], ["bad"])
        assert bad[0]["response"]["status_code"] == 400 and "too clever" in bad[0]["response"]["body"]["error"]["message"]
        assert ("type" in bad[0]["response"]["body"]) == (url == MESSAGES), "in the caller's dialect"
        assert it.spent() == IN_BATCH and it.outcomes() == ["finished", "refused_upstream"]


@pytest.mark.parametrize(("like", "at_once"), [("openai", True), ("openai", False), ("anthropic", False)])
def test_a_cancelled_batch_is_cancelled_at_the_provider_and_keeps_what_was_answered(like, at_once):
    with night(like) as it:
        it.batches.at_once, it.batches.cancels_at_once, it.batches.only = False, at_once, {"line-1"}
        batch = it.begin([it.line(f"a{n}", max_tokens=8) for n in range(3)])
        wait_for(lambda: it.batches.held and it.batches.held[0].looked, "a look")
        it.client.batches.cancel(batch)
        [held] = it.batches.held
        wait_for(lambda: held.cancelling, "the provider to hear of it")
        if not at_once:  # a provider ends what is under way first
            assert it.client.batches.retrieve(batch).status == "cancelling"
            it.batches.end(held, "cancelled")
        done, good, bad = it.answered(batch)
        assert done.status == "cancelled" and set(it.batches.cancelled) == {held.id}
        assert [row["custom_id"] for row in good] == ["a1"]
        assert [(row["custom_id"], row["error"]["code"]) for row in bad] == [("a0", "batch_cancelled"), ("a2", "batch_cancelled")]
        assert it.spent() == IN_BATCH and it.outcomes() == ["finished", "upstream_failed", "upstream_failed"]


def test_a_budget_is_a_wall_before_anything_is_posted():
    with night() as it:
        key = it.admin.new_key("poor")
        # A line reserves what its bytes could cost and eight tokens out, live: two fit, a third doesn't.
        rows = [it.line(f"a{n}", max_tokens=8) for n in range(3)]
        probe = it.admin.new_key("probe")
        it.batches.at_once = False
        it.admin.set_budget("probe", probe["id"], 10**9)
        it.begin(rows[:1], probe["secret"])
        wait_for(lambda: it.batches.held, "the first posting")
        reserved = it.held_back()
        it.admin.set_budget("poor", key["id"], 2 * reserved + reserved // 2)
        it.batches.at_once = True
        batch = it.begin(rows, key["secret"])
        done = ended(client_of(it.steward, key["secret"]), batch)
        [bad] = rows_of(client_of(it.steward, key["secret"]), done.error_file_id)
        assert (bad["custom_id"], bad["response"]["status_code"], bad["response"]["body"]["error"]["code"]) == ("a2", 429, "budget_exceeded")
        assert done.request_counts.completed == 2 and [len(one.lines) for one in it.batches.held] == [1, 2]


def test_responses_with_state_are_posted_and_kept_here():
    with night() as it:
        first = it.client.responses.create(model="up-1", input="before", max_output_tokens=16)
        conversation = it.client.conversations.create()
        rows = [
            it.line("kept", "/v1/responses", max_output_tokens=16),
            it.line("plain", "/v1/responses", max_output_tokens=16, store=False),
            it.line("after", "/v1/responses", max_output_tokens=16, previous_response_id=first.id),
            it.line("said", "/v1/responses", max_output_tokens=16, conversation=conversation.id),
        ]
        live = it.asked_live()
        done, good, bad = it.answered(it.begin(rows))
        assert (done.status, len(good), bad) == ("completed", 4, [])
        bodies = {row["custom_id"]: row["response"]["body"] for row in good}
        assert bodies["plain"]["store"] is False and bodies["plain"]["id"].startswith("resp_") and bodies["plain"]["output"][0]["content"][0]["text"] == "fine"
        assert it.client.responses.retrieve(bodies["kept"]["id"]).output_text == "fine"
        assert it.client.responses.retrieve(bodies["after"]["id"]).previous_response_id == first.id
        with pytest.raises(openai.NotFoundError):
            it.client.responses.retrieve(bodies["plain"]["id"])
        said = it.client.conversations.items.list(conversation.id, order="asc").data
        assert [(one.role, one.content[0].text) for one in said] == [("user", "hi"), ("assistant", "fine")]
        [held] = it.batches.held
        sent = dict(held.lines)
        assert held.path == "/v1/responses" and list(sent) == ["line-0", "line-1", "line-2", "line-3"] and it.asked_live() == live
        assert ["before", "fine", "hi"] == [one["content"] if isinstance(one["content"], str) else one["content"][0]["text"] for one in sent["line-2"]["input"]]
        assert not any("previous_response_id" in body or "conversation" in body or body.get("store") for body in sent.values()), "it keeps nothing there"
        assert it.spent() == 4 * IN_BATCH + LIVE


def test_an_answer_whose_past_was_erased_meanwhile_is_told_all_the_same():
    with night() as it:
        it.batches.at_once = False
        first = it.client.responses.create(model="up-1", input="before", max_output_tokens=16)
        batch = it.begin([it.line("after", "/v1/responses", max_output_tokens=16, previous_response_id=first.id)])
        wait_for(lambda: it.batches.held, "the posting")
        it.client.responses.delete(first.id)
        it.batches.end(it.batches.held[0])
        done, [good], bad = it.answered(batch)
        assert (done.status, bad) == ("completed", []) and good["response"]["body"]["output"][0]["content"][0]["text"] == "fine"
        with pytest.raises(openai.NotFoundError):
            it.client.responses.retrieve(good["response"]["body"]["id"])
        assert it.spent() == IN_BATCH + LIVE


def test_a_kill_between_an_answer_and_its_keeping_keeps_a_response_once():
    with night() as it:
        it.batches.at_once = False
        conversation = it.client.conversations.create()
        batch = it.begin([it.line(f"a{n}", "/v1/responses", max_output_tokens=16, conversation=conversation.id) for n in range(20)])
        wait_for(lambda: it.batches.held, "the posting")
        it.batches.end(it.batches.held[0])
        wait_for(lambda: it.client.conversations.items.list(conversation.id).data, "the first of twenty answers")
        it.steward.kill()
        it.steward.start()
        with Admin(it.steward) as again:
            it.admin = again
            done, good, bad = it.answered(batch)
            assert (done.status, len(good), bad) == ("completed", 20, [])
            said = list(it.client.conversations.items.list(conversation.id, order="asc", limit=100))
            assert [one.role for one in said] == ["user", "assistant"] * 20
            assert it.spent() == 20 * IN_BATCH and it.outcomes() == ["finished"] * 20


@pytest.mark.parametrize(("like", "url"), [("openai", "/v1/embeddings"), ("openai", "/v1/completions"), ("gemini", "/v1/embeddings")])
def test_embeddings_and_the_older_text_form_are_posted_too(like, url):
    with night(like) as it:
        vectors = url == "/v1/embeddings"
        rows = [it.line("a", url), it.line("b", url, input=["one", "two"])] if vectors else [it.line(name, url, max_tokens=8) for name in "ab"]
        done, good, bad = it.answered(it.begin(rows))
        assert (done.status, [row["custom_id"] for row in good], bad) == ("completed", ["a", "b"], [])
        bodies = [row["response"]["body"] for row in good]
        if vectors:
            made = [openai.types.CreateEmbeddingResponse.model_validate(body) for body in bodies]
            assert [len(one.data) for one in made] == [1, 2] and [one.usage.prompt_tokens for one in made] == [7, 14]
            assert [one.embedding for one in made[1].data] == ([[1.0, 0.25], [2.0, 0.25]] if like == "gemini" else [[0.0, 0.25], [1.0, 0.25]])
            assert all(one.model == "up-1" for one in made) and it.spent() == 3 * 7 * 500
        else:
            made = [openai.types.Completion.model_validate(body) for body in bodies]
            assert [one.choices[0].text for one in made] == ["fine"] * 2 and it.spent() == 2 * IN_BATCH
        [held] = it.batches.held
        assert it.asked_live() == 0 and it.batches.wrong == [] and it.outcomes() == ["finished"] * 2
        if like == "gemini":
            assert held.path == "/v1beta/models/up-1:embedContent" and len(held.lines) == 3
            checked_by_sdk(it.batches, like, "gemini vectors")
        else:
            assert held.path == url and len(held.lines) == 2


@pytest.mark.parametrize(("like", "url"), [("openai", "/v1/embeddings"), ("openai", "/v1/completions"), ("gemini", "/v1/embeddings")])
def test_what_is_refused_or_garbage_among_them_costs_its_line_alone(like, url):
    with night(like) as it:
        limit = {} if url == "/v1/embeddings" else {"max_tokens": 8}
        rows = [it.line("bad", url, "bad-1", **limit), it.line("good", url, **limit)]
        _, [good], [bad] = it.answered(it.begin(rows))
        assert (good["custom_id"], bad["custom_id"], bad["response"]["status_code"]) == ("good", "bad", 400)
        assert "too clever" in bad["response"]["body"]["error"]["message"]
        cost = 7 * 500 if url == "/v1/embeddings" else IN_BATCH
        assert it.spent() == cost and it.outcomes() == ["finished", "refused_upstream"]
        it.provider.scripts["bad-1"] = garbled
        _, [good], [bad] = it.answered(it.begin(rows))
        assert bad["response"]["status_code"] >= 500 and good["custom_id"] == "good"
        [call] = [one for one in it.admin.pages("/calls") if one["model"] == "bad-1" and one["outcome"] != "refused_upstream"]
        assert call["usage"]["estimated"] and call["usage"]["prompt_tokens"] > 0, "it may have been made"


async def garbled(call: Call) -> None:
    await call.json({"data": "none", "choices": "none", "embedding": {"values": "none"}})


@pytest.mark.parametrize("url", ["/v1/embeddings", "/v1/completions"])
def test_what_a_provider_has_no_batch_for_is_asked_live(url):
    with night(more="batches = false\n") as it:
        limit = {} if url == "/v1/embeddings" else {"max_tokens": 8}
        done, good, bad = it.answered(it.begin([it.line(f"a{n}", url, **limit) for n in range(2)]))
        assert (done.status, len(good), bad, it.batches.held) == ("completed", 2, [], [])
        assert it.asked_live() == 2 and it.spent() == 2 * (7 * 2_000 if url == "/v1/embeddings" else LIVE)


def test_a_local_models_lines_stand_beside_those_of_a_provider():
    with night() as it:
        local = embedded_models(it.steward, it.admin, it.secret).chat
        rows = [it.line("here", model=local, max_tokens=4), it.line("there", max_tokens=8)]
        done, good, bad = it.answered(it.begin(rows))
        assert (done.status, [row["custom_id"] for row in good], bad) == ("completed", ["here", "there"], [])
        [held] = it.batches.held
        assert [line for line, _ in held.lines] == ["line-1"] and it.asked_live() == 0
        assert it.spent() == IN_BATCH, "a local model has no price until one is set"


@pytest.mark.parametrize("like", ["openai", "gemini"])
def test_a_batch_that_fails_as_a_whole_is_told_on_every_line_and_costs_nothing(like):
    with night(like) as it:
        it.batches.ends = "failed"
        done, good, bad = it.answered(it.begin([it.line("a", max_tokens=8), it.line("b", max_tokens=8)]))
        assert (done.status, good) == ("completed", []) and len(bad) == 2
        assert all("no such model for batches" in row["response"]["body"]["error"]["message"] for row in bad)
        assert it.spent() == 0


def test_a_posting_that_fails_is_tried_again_and_a_refused_one_is_not():
    with night() as it:
        it.batches.refuses = [500, 503]
        done, good, _ = it.answered(it.begin([it.line("a", max_tokens=8)]))
        assert done.status == "completed" and len(good) == 1 and it.spent() == IN_BATCH
        # OpenAI's: the file was taken, the batch of it was not. It is sent anew, and the first is not left behind.
        it.batches.refuses_orders = [500]
        done, good, _ = it.answered(it.begin([it.line("a", max_tokens=8)]))
        assert done.status == "completed" and len(good) == 1 and it.spent() == 2 * IN_BATCH
        assert set(it.batches.files) == set(it.batches.removed) and len(it.batches.held) == 2
        it.batches.refuses = [403, 403]
        _, good, [bad] = it.answered(it.begin([it.line("a", max_tokens=8)]))
        assert good == [] and "not now" in bad["response"]["body"]["error"]["message"] and len(it.batches.refuses) == 1
        assert it.spent() == 2 * IN_BATCH


def test_lines_that_wait_are_no_calls_under_way():
    with night() as it:
        it.batches.at_once = False
        key = it.admin.new_key("one at a time", limits={"concurrency": 1})
        batch = it.begin([it.line(f"a{n}", max_tokens=8) for n in range(3)], key["secret"])
        wait_for(lambda: it.batches.held and len(it.batches.held[0].lines) == 3, "three lines at once")
        live = client_of(it.steward, key["secret"]).chat.completions.create(model="up-1", messages=[{"role": "user", "content": "hi"}], max_tokens=8)
        assert live.choices[0].message.content == "fine", "and beside them one live call may be made"
        it.batches.end(it.batches.held[0])
        assert ended(client_of(it.steward, key["secret"]), batch).request_counts.completed == 3


@pytest.mark.parametrize("like", ["openai", "anthropic"])
def test_garbage_among_the_answers_costs_its_line_alone(like):
    with night(like) as it:
        it.batches.garbage = {"line-0": b"{nonsense", "line-2": b'{"custom_id": "line-99", "response": {}, "result": {"type": "succeeded"}}'}
        done, good, bad = it.answered(it.begin([it.line(f"a{n}", max_tokens=8) for n in range(4)]))
        assert (done.status, [row["custom_id"] for row in good]) == ("completed", ["a1", "a3"])
        assert [(row["custom_id"], row["error"]["code"]) for row in bad] == [("a0", "batch_unanswered"), ("a2", "batch_unanswered")]
        assert it.spent() == 2 * IN_BATCH


# Of a whole answer, as live (tests/faults/lies.py): what it told, what is charged for output, and whether that was counted here.
LIES = {
    "negative": ({"usage": scripts.usage_of(7, -2)}, 10, True),
    "a text": ({"usage": {"prompt_tokens": 7, "completion_tokens": "2"}}, 10, True),
    "absurd": ({"usage": scripts.usage_of(7, 10**12)}, 10, True),
    "none": ({"usage": None}, 10, True),
    "high": ({"usage": scripts.usage_of(7, 90)}, 90, False),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_wrong_usage_is_disputed_as_live(lie):
    body, output, estimated = LIES[lie]
    with night() as it:
        it.provider.scripts["up-1"] = tells(body)
        done, good, bad = it.answered(it.begin([it.line("a", max_tokens=16)]))
        assert (done.status, len(good), bad) == ("completed", 1, [])
        assert good[0]["response"]["body"]["choices"][0]["message"]["content"] == FORTY
        [call] = it.admin.pages("/calls")
        usage = call["usage"]
        assert (call["outcome"], usage["completion_tokens"], usage["estimated"]) == ("finished", output, estimated)
        assert call["error"] == ("usage_disputed" if estimated and lie != "none" else None)
        # The input that nobody told is counted by its bytes: some, and no more than the few words that were sent.
        assert usage["prompt_tokens"] == 7 if not estimated else 0 < usage["prompt_tokens"] < 100
        assert it.spent() == usage["prompt_tokens"] * 500 + output * 2_000


def test_an_answer_that_is_none_is_an_error_of_its_line_alone():
    with night() as it:
        it.provider.scripts["bad-1"] = tells({"choices": "none"})
        rows = [it.line("bad", model="bad-1", max_tokens=16), it.line("good", max_tokens=8)]
        done, good, bad = it.answered(it.begin(rows))
        assert (done.status, [row["custom_id"] for row in good], [row["custom_id"] for row in bad]) == ("completed", ["good"], ["bad"])
        assert bad[0]["response"]["status_code"] >= 500 and bad[0]["response"]["body"]["error"]["message"]
        [call] = [one for one in it.admin.pages("/calls") if one["model"] == "bad-1"]
        # It may have been made: counted by its bytes, which are more than 4 × 16, up to what was allowed.
        assert call["usage"]["completion_tokens"] == 16 and call["usage"]["estimated"]
        assert it.spent() == IN_BATCH + call["usage"]["prompt_tokens"] * 500 + 16 * 2_000


def test_an_error_told_as_an_answer_costs_nothing():
    with night() as it:
        it.provider.scripts["up-1"] = tells({"error": {"message": "overloaded", "type": "server_error"}, "choices": None})
        done, good, [bad] = it.answered(it.begin([it.line("a", max_tokens=8)]))
        assert (done.status, good, bad["custom_id"]) == ("completed", [], "a") and "overloaded" in bad["response"]["body"]["error"]["message"]
        assert it.spent() == 0
