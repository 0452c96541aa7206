"""Embeddings in the matrix: asked in OpenAI's words ("chat") or Gemini's, of providers of each kind, which answer as their documentation says."""

from __future__ import annotations

import base64
import json
import struct
from dataclasses import dataclass
from urllib.parse import quote

from tests.matrix.ask import Ask
from tests.matrix.features import Feature

TEXTS = ("Größe 🧥", "a second text")
NUMBERS = [[0.125, -0.5, 0.25], [1.0, 0.0, -2.5]]  # exact in 32 bits
TOKENS = [[15339, 1917], [9906]]
COUNT = 7  # tokens a text, as the provider tells it
TITAN = "amazon.titan-embed-text-v2:0"  # of Bedrock's models the one that is asked: it takes one text a request


@dataclass(frozen=True)
class VectorFeature(Feature):
    dimensions: int = 0
    base64: bool = False
    question: bool = False
    tokens: bool = False


def _feature(name: str, **more: object) -> VectorFeature:
    return VectorFeature(name, Ask(), **({"ins": ("chat", "gemini")} | more))


VECTOR_FEATURES = (
    _feature("embeddings"),
    _feature("embeddings: dimensions", dimensions=256),
    _feature("embeddings: base64", base64=True, ins=("chat",)),
    _feature("embeddings: a question", question=True),
    _feature("embeddings: token numbers", tokens=True, ins=("chat",)),
    _feature("embeddings: an error", status=400),
)


def model_name(mark: str, number: int, out: str) -> str:
    """Amazon's models are known by their ids."""
    return f"{mark}{number}.{TITAN}" if out == "bedrock" else f"{mark}{number}"


def write(into: str, model: str, feature: VectorFeature) -> tuple[str, dict]:
    """As openai's and google-genai's clients write it."""
    if into == "gemini":
        config = ({"outputDimensionality": feature.dimensions} if feature.dimensions else {}) | ({"taskType": "RETRIEVAL_QUERY"} if feature.question else {})
        requests = [{"model": f"models/{model}", "content": {"parts": [{"text": text}], "role": "user"}} | config for text in TEXTS]
        return f"/v1beta/models/{quote(model, safe='')}:batchEmbedContents", {"requests": requests}
    body: dict = {"model": model, "input": TOKENS if feature.tokens else list(TEXTS), "encoding_format": "base64" if feature.base64 else "float"}
    told = {"dimensions": feature.dimensions or None, "input_type": "query" if feature.question else None}
    return "/v1/embeddings", body | {name: value for name, value in told.items() if value is not None}


def answer(out: str, body: dict) -> dict:
    """What the provider says to one request."""
    if out == "gemini":
        return {"embeddings": [{"values": NUMBERS[TEXTS.index(one["content"]["parts"][0]["text"])]} for one in body["requests"]],
                "usageMetadata": {"promptTokenCount": COUNT * len(body["requests"])}}
    if out == "bedrock":
        return {"embedding": NUMBERS[TEXTS.index(body["inputText"])], "inputTextTokenCount": COUNT}
    packed = [base64.b64encode(struct.pack("<3f", *numbers)).decode() for numbers in NUMBERS]
    vectors = packed if body.get("encoding_format") == "base64" else NUMBERS
    data = [{"object": "embedding", "index": at, "embedding": vectors[at]} for at in range(len(body["input"]))]
    return {"object": "list", "data": data, "model": body["model"], "usage": {"prompt_tokens": COUNT * len(data), "total_tokens": COUNT * len(data)}}


def unheard(out: str, bodies: list[dict], feature: VectorFeature) -> list[str]:
    """What of the question did not reach the provider, over all its requests."""
    if out == "gemini":
        asked = [one for body in bodies for one in body["requests"]]
        texts, dims, kinds = [one["content"]["parts"][0]["text"] for one in asked], [one.get("outputDimensionality") for one in asked], [one.get("taskType") for one in asked]
        question = set(kinds) == {"RETRIEVAL_QUERY"}
    elif out == "bedrock":
        texts, dims, question = [one.get("inputText") for one in bodies], [one.get("dimensions") for one in bodies], False
    else:
        texts, dims, question = [text for body in bodies for text in body["input"]], [body.get("dimensions") for body in bodies], False
    wanted = TOKENS if feature.tokens else list(TEXTS)
    return [
        *(["the texts"] if sorted(texts, key=str) != sorted(wanted, key=str) else []),
        *(["dimensions"] if feature.dimensions and set(dims) != {feature.dimensions} else []),
        *(["that it is a question"] if feature.question and not question else []),
    ]


def not_got(into: str, body: bytes, feature: VectorFeature) -> list[str]:
    """What of the answer did not reach the client."""
    told = json.loads(body)
    if into == "gemini":
        vectors, count = [one["values"] for one in told["embeddings"]], told["usageMetadata"]["promptTokenCount"]
    else:
        vectors, count = [one["embedding"] for one in told["data"]], told["usage"]["prompt_tokens"]
    if feature.base64:
        vectors = [list(struct.unpack("<3f", base64.b64decode(vector))) for vector in vectors]
    return [*(["the vectors, in order"] if vectors != NUMBERS else []), *(["the token count"] if count != 2 * COUNT else [])]
