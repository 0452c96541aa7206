"""Claude on Bedrock: requests signed so that AWS's own rules accept them, and its binary event stream read, from every dialect."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import urllib.parse

import pytest

from tests.harness import wire
from tests.harness.admin import Admin
from tests.harness.paths import ROOT
from tests.harness.provider import Call, Provider
from tests.harness.steward import Steward

MODEL = "us.anthropic.claude-sonnet-4-20250514-v1:0"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
ASK = {"messages": [{"role": "user", "content": "go"}], "max_tokens": 20}
STREAMS = {row["name"]: row for row in json.loads((ROOT / "tests/vectors/eventstream.json").read_text())["streams"]}


def frames() -> bytes:
    """A whole answer, out of the vectors' frames: botocore reads these bytes."""
    return bytes.fromhex(STREAMS["whole"]["hex"])


def signature(seen, body: bytes) -> str:
    """AWS's steps, written down from its documentation and nothing else."""
    fields = dict(part.strip().split("=", 1) for part in seen.headers["authorization"].removeprefix("AWS4-HMAC-SHA256").split(","))
    _, date, region, service, _ = fields["Credential"].split("/")
    names = fields["SignedHeaders"].split(";")
    path = "/".join(urllib.parse.quote(part, safe="-_.~") for part in seen.path.split("?")[0].split("/"))
    lines = ["POST", path, "", *[f"{name}:{seen.headers[name]}" for name in names], "", ";".join(names), hashlib.sha256(body).hexdigest()]
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    to_sign = "\n".join(["AWS4-HMAC-SHA256", seen.headers["x-amz-date"], f"{date}/{region}/{service}/aws4_request", digest])
    key = ("AWS4" + SECRET).encode()
    for step in (date, region, service, "aws4_request"):
        key = hmac.new(key, step.encode(), hashlib.sha256).digest()
    assert {"host", "x-amz-date"} <= set(names)
    assert (region, service) == ("eu-central-1", "bedrock")
    return hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()


WHOLE = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "content": [{"type": "text", "text": "Hello."}],
         "stop_reason": "end_turn", "stop_sequence": None, "usage": {"input_tokens": 9, "output_tokens": 2}}  # fmt: skip


async def bedrock(call: Call) -> None:
    if call.seen.path.endswith("/invoke-with-response-stream"):
        return await call.bytes(frames(), 200, "application/vnd.amazon.eventstream")
    if call.seen.path.endswith("/invoke"):
        return await call.json(WHOLE)
    await call.json({"modelSummaries": [{"modelId": MODEL}]})


@pytest.mark.parametrize("streamed", [False, True])
def test_claude_on_bedrock_from_two_dialects(streamed):
    with Provider({"*": bedrock}) as aws:
        root = aws.base_url.removesuffix("/v1")
        config = f'[providers.bedrock]\nbase_url = "{root}"\nregion = "eu-central-1"\nkey_env = "AWS_KEY"\nmodels = ["{MODEL}"]\n'
        with Steward(config, env={"AWS_KEY": f"AKIDEXAMPLE:{SECRET}"}) as it:
            secret = it.cli_json("keys", "new", "k")["secret"]
            for path in ("/v1/messages", "/v1/chat/completions"):
                body = {"model": MODEL, "stream": streamed, **ASK}
                answer = asyncio.run(wire.call(it.port, path, secret, body, deadline_s=30))
                assert answer.status == 200, answer.body
                assert "Hello" in answer.body.decode()
                seen = aws.calls()[-1]
                word = "invoke-with-response-stream" if streamed else "invoke"
                assert urllib.parse.unquote(seen.path) == f"/model/{MODEL}/{word}"
                assert seen.body["anthropic_version"] == "bedrock-2023-05-31"
                assert "model" not in seen.body
                assert "stream" not in seen.body
                assert seen.headers["authorization"].rsplit("Signature=", 1)[1] == signature(seen, seen.raw)
            with Admin(it) as admin:
                [row] = admin.usage()
            assert (row["calls"], row["prompt_tokens"], row["completion_tokens"]) == (2, 18, 4)
