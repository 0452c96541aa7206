"""Embeddings from every provider that makes them, asked in OpenAI's words and in Gemini's: nothing dropped, nobody's texts mixed up, each
token charged once. The providers answer as their documentation says; what the calls cost is computed by hand."""

from __future__ import annotations

import asyncio
import base64
import json
import struct
import time
import urllib.parse

import openai
import pytest

from tests.conftest import Scene, client_of
from tests.harness import scripts, wire
from tests.harness.admin import Admin
from tests.harness.money import nano_of_microusd
from tests.harness.provider import Call, Provider
from tests.harness.steward import Steward
from tests.symptoms.test_bedrock import SECRET, signature

GEMINI, TITAN, TITAN_1, COHERE = "gemini-embedding-001", "amazon.titan-embed-text-v2:0", "amazon.titan-embed-text-v1", "cohere.embed-multilingual-v3"
TELLS_NOTHING = "gemini-embedding-silent"
CONFIG = """
[providers.goo]
like = "gemini"
base_url = "{root}/v1beta"
key_env = "SCRIPT_KEY"
models = ["gemini-embedding-001", "gemini-embedding-silent", "text-google"]
[prices."goo/gemini-embedding-silent"]
input = 1
[providers.aws]
like = "bedrock"
base_url = "{root}"
region = "eu-central-1"
key_env = "AWS_KEY"
models = ["amazon.titan-embed-text-v2:0", "amazon.titan-embed-text-v1", "cohere.embed-multilingual-v3", "anthropic.claude"]
[providers.ant]
like = "anthropic"
base_url = "{root}/v1"
key_env = "SCRIPT_KEY"
models = ["claude-x"]
[providers.plain]
base_url = "{root}/v1"
key_env = "SCRIPT_KEY"
models = ["plain-1"]
[routes.vectors]
deployments = ["aws/amazon.titan-embed-text-v2:0", "goo/gemini-embedding-001"]
"""


def vector(text: str) -> list[float]:
    """A vector that says whose it is; its numbers are exact in 32 bits."""
    return [len(text) / 8, ord(text[0]) / 256, -0.5]


async def answer(call: Call) -> None:
    """Google's, Amazon's and Cohere's forms, by their documentation."""
    path = urllib.parse.unquote(call.seen.path)
    if path.endswith(":batchEmbedContents"):
        texts = ["".join(part["text"] for part in one["content"]["parts"]) for one in call.body["requests"]]
        if len(texts) > 100:
            return await call.json({"error": {"code": 400, "message": "at most 100 requests can be in one batch", "status": "INVALID_ARGUMENT"}}, 400)
        told = {} if TELLS_NOTHING in path else {"usageMetadata": {"promptTokenCount": 3 * len(texts)}}
        return await call.json({"embeddings": [{"values": vector(text)} for text in texts]} | told)
    if "titan-embed" in path:
        await asyncio.sleep(0.05 if call.body["inputText"].startswith("a") else 0.0)  # the first come back last
        if call.body["inputText"].startswith("bad"):
            return await call.json({"message": "Malformed input request: the text is bad."}, 400)
        return await call.json({"embedding": vector(call.body["inputText"]), "inputTextTokenCount": 3})
    if "cohere.embed" in path:
        texts = call.body["texts"]
        body = {"id": "c", "texts": texts, "embeddings": {"float": [vector(text) for text in texts]}, "response_type": "embeddings_by_type"}
        return await call.json(body, headers={"X-Amzn-Bedrock-Input-Token-Count": str(4 * len(texts))})
    return await scripts.embed(call)


@pytest.fixture
def it():
    with Provider({"*": answer}) as provider:
        env = {"SCRIPT_KEY": provider.key, "AWS_KEY": f"AKIDEXAMPLE:{SECRET}"}
        with Steward(CONFIG.format(root=provider.base_url.removesuffix("/v1")), env=env) as steward, Admin(steward) as admin:
            yield Scene(steward, provider, admin)


def embed(it: Scene, model: str, texts: object, **more: object) -> list[list[float]]:
    answer = it.client().embeddings.create(model=model, input=texts, encoding_format="float", **more)
    assert [one.index for one in answer.data] == list(range(len(answer.data)))
    return [one.embedding for one in answer.data]


def refusal(it: Scene, model: str, texts: object = "x", **more: object) -> str:
    with pytest.raises(openai.BadRequestError) as refused:
        embed(it, model, texts, **more)
    return refused.value.body["param"]


def charged(it: Scene) -> dict:
    [row] = it.admin.usage()
    return row


def ask_raw(it: Scene, path: str, body: dict, headers: dict | None = None) -> wire.Answer:
    secret = it.admin.new_key(f"key-{time.monotonic_ns()}")["secret"]
    return asyncio.run(wire.call(it.steward.port, path, None, body, headers={"x-goog-api-key": secret} | (headers or {}), deadline_s=30))


def test_gemini_is_asked_for_a_hundred_texts_at_once_and_each_keeps_its_vector(it):
    texts = [f"{chr(97 + n % 26)}{'x' * n}" for n in range(205)]
    assert embed(it, GEMINI, texts, dimensions=256, extra_body={"input_type": "query"}) == [vector(text) for text in texts]
    asked = it.provider.calls()
    assert sorted(len(call.body["requests"]) for call in asked) == [5, 100, 100]
    assert all(call.path == f"/v1beta/models/{GEMINI}:batchEmbedContents" and call.headers["x-goog-api-key"] == it.provider.key for call in asked)
    for one in (one for call in asked for one in call.body["requests"]):
        assert (one["model"], one["outputDimensionality"], one["taskType"]) == (f"models/{GEMINI}", 256, "RETRIEVAL_QUERY")
    row = charged(it)
    assert (row["calls"], row["prompt_tokens"], row["estimated"], row["unpriced"]) == (1, 615, 0, 0)
    # 205 texts of 3 tokens at Google's 0.15 dollars a million: 615 × 150,000 pico-dollars = 92,250 nano-dollars.
    assert nano_of_microusd(row["cost_microusd"]) == 92_250


def test_where_gemini_tells_no_use_it_is_estimated_and_marked(it):
    answer = it.client().embeddings.with_raw_response.create(model=TELLS_NOTHING, input="x" * 41, encoding_format="float")
    assert answer.headers["x-steward-estimated"] == "true"
    row = charged(it)
    assert (row["prompt_tokens"], row["estimated"]) == (11, 1)  # 41 bytes, four to a token
    assert nano_of_microusd(row["cost_microusd"]) == 11_000  # at a dollar a million


def test_titan_is_asked_text_by_text_and_signed_a_few_at_a_time(it):
    texts = [f"{chr(97 + n % 26)}{'y' * n}" for n in range(30)]
    assert embed(it, TITAN, texts, dimensions=512) == [vector(text) for text in texts]
    asked = it.provider.calls()
    assert len(asked) == 30 and 2 <= it.provider.peak_in_flight <= 8
    for call in asked:
        assert urllib.parse.unquote(call.path) == f"/model/{TITAN}/invoke"
        assert call.headers["authorization"].rsplit("Signature=", 1)[1] == signature(call, call.raw)
        assert set(call.body) == {"inputText", "dimensions"} and call.body["dimensions"] == 512
    row = charged(it)
    assert (row["calls"], row["prompt_tokens"], row["estimated"]) == (1, 90, 0)
    # 30 texts of 3 tokens at Amazon's 0.02 dollars a million: 90 × 20,000 pico-dollars = 1,800 nano-dollars.
    assert nano_of_microusd(row["cost_microusd"]) == 1_800


def test_where_one_text_is_refused_the_answered_ones_are_charged(it):
    with pytest.raises(openai.BadRequestError, match="the text is bad"):
        embed(it, TITAN, ["one", "two", "bad", "four"] + ["more"] * 40)
    answered = len(it.provider.calls()) - 1
    assert 3 <= answered < 43  # no other was begun
    row = charged(it)
    assert (row["calls"], row["prompt_tokens"]) == (1, 3 * answered)


def test_cohere_on_bedrock_is_counted_by_the_header(it):
    texts = [f"t{n}" for n in range(100)]
    assert embed(it, COHERE, texts, extra_body={"input_type": "query"}) == [vector(text) for text in texts]
    assert sorted(len(call.body["texts"]) for call in it.provider.calls()) == [4, 96]
    assert all(call.body["input_type"] == "search_query" and call.body["embedding_types"] == ["float"] for call in it.provider.calls())
    row = charged(it)
    # 400 tokens at 0.10 dollars a million: 400 × 100,000 pico-dollars = 40,000 nano-dollars.
    assert (row["prompt_tokens"], nano_of_microusd(row["cost_microusd"])) == (400, 40_000)


@pytest.mark.parametrize("model", [GEMINI, TITAN, COHERE])
def test_base64_holds_the_same_floats(it, model):
    body = {"model": model, "input": ["hello"], "encoding_format": "base64"}
    data = json.loads(ask_raw(it, "/v1/embeddings", body).body)["data"]
    assert list(struct.unpack("<3f", base64.b64decode(data[0]["embedding"]))) == vector("hello")


def test_what_can_not_be_honoured_is_refused_by_its_name_or_dropped_when_asked(it):
    assert refusal(it, TITAN_1, dimensions=512) == "dimensions"
    assert refusal(it, COHERE, dimensions=512) == "dimensions"
    assert refusal(it, TITAN, extra_body={"input_type": "query"}) == "input_type"
    assert refusal(it, "plain-1", extra_body={"input_type": "query"}) == "input_type"
    for model in (GEMINI, TITAN, COHERE):
        assert refusal(it, model, [[1, 2, 3]]) == "input"
    for model in ("claude-x", "anthropic.claude"):
        assert refusal(it, model) == "model"
    assert it.provider.calls() == []
    answer = ask_raw(it, "/v1/embeddings", {"model": TITAN_1, "input": "x", "dimensions": 512}, {"x-steward-drop": "dimensions"})
    assert (answer.status, answer.headers["x-steward-dropped"]) == (200, "dimensions")
    assert it.provider.calls()[-1].body == {"inputText": "x"}


def test_token_numbers_go_to_openais_like_as_they_came(it):
    assert len(embed(it, "plain-1", [[15339, 1917], [9906]])) == 2
    assert it.provider.calls()[-1].body["input"] == [[15339, 1917], [9906]]


def google_body(*texts: str, **settings: object) -> dict:
    """As google-genai's embed_content writes it."""
    return {"requests": [{"content": {"parts": [{"text": text}], "role": "user"}, "model": "models/any", **settings} for text in texts]}


@pytest.mark.parametrize("model", [GEMINI, TITAN, COHERE])
def test_geminis_callers_reach_every_provider(it, model):
    settings = {"outputDimensionality": 256} if model != COHERE else {"taskType": "RETRIEVAL_DOCUMENT"}
    answer = ask_raw(it, f"/v1beta/models/{model}:batchEmbedContents", google_body("abc", "de", **settings))
    assert answer.status == 200, answer.body
    told = json.loads(answer.body)
    assert [one["values"] for one in told["embeddings"]] == [vector("abc"), vector("de")]
    assert told["usageMetadata"]["promptTokenCount"] == charged(it)["prompt_tokens"] == (8 if model == COHERE else 6)
    single = ask_raw(it, f"/v1beta/models/{model}:embedContent", {"content": {"parts": [{"text": "abc"}]}})
    assert json.loads(single.body)["embedding"]["values"] == vector("abc")


def test_geminis_callers_reach_openais_like_and_are_refused_in_their_own_words(it):
    answer = ask_raw(it, "/v1beta/models/plain-1:batchEmbedContents", google_body("abc", "de", outputDimensionality=3))
    assert [one["values"] for one in json.loads(answer.body)["embeddings"]] == [[0.6, 0.8, 0.0]] * 2
    sent = it.provider.calls()[-1].body
    assert (sent["input"], sent["dimensions"], sent["encoding_format"]) == (["abc", "de"], 3, "float")
    refused = ask_raw(it, "/v1beta/models/plain-1:batchEmbedContents", google_body("abc", taskType="CLUSTERING"))
    error = json.loads(refused.body)["error"]
    assert (refused.status, error["status"]) == (400, "INVALID_ARGUMENT") and "'taskType'" in error["message"]
    # What Gemini alone knows goes to Gemini as it came.
    ask_raw(it, f"/v1beta/models/{GEMINI}:batchEmbedContents", google_body("abc", taskType="RETRIEVAL_DOCUMENT", title="A"))
    assert it.provider.calls()[-1].body["requests"][0] == google_body("abc", taskType="RETRIEVAL_DOCUMENT", title="A")["requests"][0] | {"model": f"models/{GEMINI}"}


def test_a_route_of_embeddings_falls_back_and_only_the_answer_is_charged():
    async def broken(call: Call) -> None:
        if "titan" in call.seen.path:
            return await call.json({"message": "internal"}, 500)
        return await answer(call)

    with Provider({"*": broken}) as provider:
        env = {"SCRIPT_KEY": provider.key, "AWS_KEY": f"AKIDEXAMPLE:{SECRET}"}
        with Steward(CONFIG.format(root=provider.base_url.removesuffix("/v1")), env=env) as steward, Admin(steward) as admin:
            client = client_of(steward, admin.new_key("k")["secret"])
            got = client.embeddings.with_raw_response.create(model="vectors", input=["abc"], encoding_format="float")
            assert got.headers["x-steward-attempts"] == f"aws/{TITAN};failed=upstream_error, goo/{GEMINI};answered"
            assert got.parse().data[0].embedding == vector("abc")
            [row] = admin.usage()
            assert (row["prompt_tokens"], nano_of_microusd(row["cost_microusd"])) == (3, 450)
