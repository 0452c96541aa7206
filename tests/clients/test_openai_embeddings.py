"""Embeddings and models through the official client."""

from __future__ import annotations

import json
import math
import unicodedata

import pytest
from openai import OpenAI

from tests.harness.paths import ROOT


def cosine(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True)) / math.hypot(*a) / math.hypot(*b)


def embed(served, texts: list[str], **more: object) -> list[list[float]]:
    answer = served.client.embeddings.create(model=served.embedding, input=texts, **({"encoding_format": "float"} | more))
    assert [one.index for one in answer.data] == list(range(len(texts)))
    return [one.embedding for one in answer.data]


def test_embeddings_have_their_size_order_and_usage(served):
    answer = served.client.embeddings.create(model=served.embedding, input=["a cat", "a dog", "a bond yield"], encoding_format="float")
    assert {len(one.embedding) for one in answer.data} == {384}
    assert [one.index for one in answer.data] == [0, 1, 2]
    assert answer.usage.prompt_tokens > 3 and answer.usage.total_tokens == answer.usage.prompt_tokens


def test_base64_and_floats_agree(served):
    # The client asks for base64 unless told otherwise, and unpacks it; only its strict mode checks the type before it has.
    lenient = OpenAI(base_url=served.client.base_url, api_key=served.client.api_key, max_retries=0, timeout=60)
    packed = lenient.embeddings.create(model=served.embedding, input=["the same text"]).data[0].embedding
    plain = embed(served, ["the same text"])[0]
    assert cosine(packed, plain) > 0.99999


def test_vectors_have_length_one(embedded):
    assert all(abs(math.hypot(*vector) - 1) < 1e-3 for vector in embed(embedded, ["one", "two words"]))


def test_a_query_is_not_a_passage(embedded):
    query, passage, default = (embed(embedded, ["how to bake bread"], extra_body=body)[0] for body in ({"input_type": "query"}, {"input_type": "passage"}, {}))
    assert cosine(passage, default) > 0.99999 > cosine(query, passage)


def test_meaning_crosses_languages(embedded):
    english, german, other = embed(embedded, ["The weather is fine today.", "Das Wetter ist heute schön.", "The contract was signed in March."])
    assert cosine(english, german) > cosine(english, other)


def test_text_is_normalised_first(embedded):
    # NFC and NFD, full-width letters, and white space: NFKC makes them one text.
    nfc, nfd, wide, spaced = embed(embedded, ["Café au lait", unicodedata.normalize("NFD", "Café au lait"), "Ｃａｆé au lait", "  Café \t au\n\nlait "])
    assert cosine(nfc, nfd) > 0.99999 and cosine(nfc, wide) > 0.99999 and cosine(nfc, spaced) > 0.99999


def test_a_text_longer_than_the_window_is_read_whole(embedded):
    sea = "The sea is deep and blue. " * 150
    bread = "Bread is baked in the oven. " * 150
    both, first, last = embed(embedded, [sea + bread, sea, bread])
    assert cosine(both, last) > cosine(first, last) + 0.005  # the end of the text counts too
    assert abs(math.hypot(*both) - 1) < 1e-3


@pytest.mark.parametrize("text", ["\ufdfa" * 9, "😀" * 200, "\u200b", "a" * 20_000, "\u0301" * 300, "\U000e0001\u202e\ufeff", "x" + "\u0300" * 2_000])
def test_no_text_stalls_or_kills_the_engine(embedded, text):
    # Nine U+FDFA overflow the package's own C engine; each text is valid and has to be answered or clearly refused.
    answer = embedded.client.embeddings.with_raw_response.create
    try:
        assert answer(model=embedded.embedding, input=text).status_code == 200
    except Exception as refused:  # the type is asserted below, by its status
        assert 400 <= refused.status_code < 500
    assert len(embed(embedded, ["still well"])[0]) == 384


def test_models_are_listed_and_found(served):
    listed = {model.id: model for model in served.client.models.list()}
    assert {served.chat, served.embedding} <= listed.keys()
    assert all(model.object == "model" and model.owned_by for model in listed.values())
    assert served.client.models.retrieve(served.chat).id == served.chat


ENGINE_VECTORS = json.loads((ROOT / "tests/vectors/embeddings.json").read_text())["cases"]


@pytest.mark.parametrize("input_type", ["passage", "query"])
def test_vectors_are_those_of_the_weights_own_engine(embedded, input_type):
    # Another engine on the same weights (tests/vectors/embeddings.py). Asked with the other prefix, or for another text, none fits as well.
    expected = [case[input_type] for case in ENGINE_VECTORS]
    found = embed(embedded, [case["text"] for case in ENGINE_VECTORS], extra_body={"input_type": input_type})
    other = embed(embedded, [case["text"] for case in ENGINE_VECTORS], extra_body={"input_type": "query" if input_type == "passage" else "passage"})
    for number, case in enumerate(ENGINE_VECTORS):
        alike = [cosine(vector, expected[number]) for vector in found]
        assert alike[number] > 0.999, (case["text"], alike[number])
        assert cosine(other[number], expected[number]) < alike[number], case["text"]
        assert max(alike) == alike[number], case["text"]
