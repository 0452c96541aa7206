"""A scripted provider's own batches, in OpenAI's, Anthropic's and Gemini's forms.

Hung into a `Provider` (`Batches(provider)`), it takes batches as the real APIs do. With `at_once = False` it holds each until the test says
`end(held)`; each line is then answered by the script of its model, as a live call would be. What it can't take it answers with 400 in the
provider's own form, and keeps in `wrong`. What it is sent in OpenAI's form is held against the official SDK's types, of which its own answers
are built too; of the others `SDK` checks what was sent and said, in the environment of the real clients.
"""

from __future__ import annotations

import email.parser
import email.policy
import json
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import openai.types as openai_types
import pydantic
from openai.types.batch_create_params import BatchCreateParams as OpenAiBatch
from openai.types.chat.completion_create_params import (
    CompletionCreateParamsNonStreaming,
)
from openai.types.completion_create_params import (
    CompletionCreateParamsNonStreaming as TextCreateParams,
)
from openai.types.embedding_create_params import EmbeddingCreateParams
from openai.types.responses.response_create_params import (
    ResponseCreateParamsNonStreaming,
)

from tests.harness.provider import Call, Provider

# What Anthropic's and Google's own SDKs say of a request and of what the provider said: a program for their environment.
SDK = {
    "anthropic": """
import json, sys, pydantic
from anthropic.types.messages import MessageBatch, MessageBatchIndividualResponse
from anthropic.types.messages.batch_create_params import BatchCreateParams
told = json.load(sys.stdin)
order = pydantic.TypeAdapter(BatchCreateParams).validate_python(told["order"])
assert all(list(one["params"]["messages"]) for one in order["requests"])
MessageBatch.model_validate(told["batch"])
for row in told["rows"]: MessageBatchIndividualResponse.model_validate(row)
""",
    "gemini vectors": """
import json, sys
from google.genai import types
told = json.load(sys.stdin)
for one in told["order"]["batch"]["input_config"]["requests"]["requests"]:
    request = one["request"]
    assert set(request) <= {"model", "content", "taskType", "title", "outputDimensionality"}, request
    types.Content.model_validate(request["content"])
for row in told["rows"]: types.InlinedEmbedContentResponse.model_validate(row)
""",
    "gemini": """
import json, sys
from google.genai import types
told = json.load(sys.stdin)
for one in told["order"]["batch"]["input_config"]["requests"]["requests"]:
    request = one["request"]
    assert set(request) <= {"contents", "generationConfig", "systemInstruction", "tools", "toolConfig", "safetySettings"}, request
    if "systemInstruction" in request: types.Content.model_validate(request["systemInstruction"])
    types.GenerationConfig.model_validate(request.get("generationConfig", {}))
    types.InlinedRequest.model_validate({"contents": request["contents"], "metadata": one["metadata"]})
for row in told["rows"]: types.InlinedResponse.model_validate(row)
""",
}
OPENAI_LINES = {"/v1/responses": ResponseCreateParamsNonStreaming, "/v1/embeddings": EmbeddingCreateParams, "/v1/completions": TextCreateParams}
LINE_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
WHEN = "2026-11-30T00:00:00Z"
RPC_CODES = {400: 3, 404: 5, 429: 8, 500: 13, 503: 14}  # by HTTP status: what a line of Gemini's is refused with
NO_MODEL = "no such model for batches"  # why a batch failed as a whole


class Refused(Exception):
    """The provider doesn't do it: a status, and why."""

    def __init__(self, status: int, why: str):
        super().__init__(why)
        self.status = status


def error_in(form: str, status: int, why: str) -> dict:
    """An error as this API tells it."""
    if form == "anthropic":
        kind = {400: "invalid_request_error", 404: "not_found_error"}.get(status, "api_error")
        return {"type": "error", "error": {"type": kind, "message": why}}
    if form == "gemini":
        return {"error": {"code": status, "message": why, "status": {400: "INVALID_ARGUMENT", 404: "NOT_FOUND"}.get(status, "INTERNAL")}}
    return {"error": {"message": why, "type": "invalid_request_error" if status < 500 else "server_error", "param": None, "code": None}}


class Recorded(Call):
    """A call that nobody reads as it is answered: the status and the JSON."""

    def __init__(self, call: Call, path: str, body: dict):
        super().__init__(call.seen, call._writer, call.provider)
        self.seen = type(call.seen)(path, {}, body, time.monotonic())
        self.body, self.status, self.said = body, 0, None

    async def bytes(self, data: bytes, status: int = 200, kind: str = "", headers: dict[str, str] | None = None) -> None:
        self.status, self.said = status, data


@dataclass
class Held:
    """One batch: its lines as they were sent, and what became of them."""

    id: str
    form: str
    path: str  # where each line would have been asked live
    lines: list[tuple[str, dict]]
    files: list[str] = field(default_factory=list)
    order: dict = field(default_factory=dict)  # as it was posted
    cancelling: bool = False
    ended: str = ""  # "completed", "failed", "cancelled", "expired"; empty: under way
    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    looked: int = 0


class Batches:
    """`held` are the batches that were taken. `none`: there are no batches here."""

    def __init__(self, provider: Provider, none: bool = False):
        self.provider, self.none = provider, none
        self.held: list[Held] = []
        self.files: dict[str, bytes] = {}
        self.removed: list[str] = []
        self.cancelled: list[str] = []
        self.refuses: list[int] = []  # statuses of the next postings
        self.refuses_orders: list[int] = []  # OpenAI's: the file is taken, the batch of it is not
        self.at_once = True  # every batch ends as soon as it is looked at
        self.ends = "completed"
        self.cancels_at_once = True  # else it is cancelling until the test ends it
        self.only: set[str] | None = None  # lines that are answered; None: all
        self.garbage: dict[str, bytes] = {}  # a line's bytes in the file of answers, instead of its answer
        self.wrong: list[str] = []  # what was sent wrongly
        provider.batches = self

    async def __call__(self, call: Call) -> bool:
        path, method = call.seen.path.partition("?")[0], call.seen.method
        for pattern, form, forms in ROUTES:
            found = re.fullmatch(pattern, path)
            if found and method in forms:
                await self._act(call, form, forms[method], found.groups())
                return True
        return False

    async def _act(self, call: Call, form: str, act: Act, arguments: tuple[str, ...]) -> None:
        try:
            if self.none:
                raise Refused(404, "Not found")
            await act(self, call, *arguments)
        except Refused as refused:
            await self._refuse(call, form, refused)
        except (ValueError, KeyError, TypeError, AttributeError) as why:  # it isn't what the API takes
            await self._refuse(call, form, Refused(400, repr(why)))

    async def _refuse(self, call: Call, form: str, refused: Refused) -> None:
        if refused.status == 400:
            self.wrong.append(str(refused))
        await call.json(error_in(form, refused.status, str(refused)), refused.status)

    def _may_refuse(self, statuses: list[int]) -> None:
        if statuses:
            raise Refused(statuses.pop(0), "not now")

    # --- what a test says ---------------------------------------------------------------------------------------------------------
    def end(self, held: Held, how: str = "completed") -> None:
        held.ended = how

    # --- OpenAI -------------------------------------------------------------------------------------------------------------------
    async def upload(self, call: Call) -> None:
        self._may_refuse(self.refuses)
        form = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(
            b"Content-Type: " + call.seen.headers["content-type"].encode() + b"\r\n\r\n" + call.seen.raw
        )
        parts = {part.get_param("name", header="content-disposition"): part for part in form.iter_parts()}
        if parts["purpose"].get_payload().strip() != "batch" or not parts["file"].get_filename().endswith(".jsonl"):
            raise Refused(400, "the upload's purpose or name")
        file = f"file-in{len(self.files)}"
        self.files[file] = parts["file"].get_payload(decode=True)
        made = openai_types.FileObject(
            id=file, bytes=len(self.files[file]), created_at=1, filename="lines.jsonl", object="file", purpose="batch", status="processed"
        )
        await call.json(made.model_dump(mode="json"))

    async def create(self, call: Call) -> None:
        self._may_refuse(self.refuses_orders)
        order = pydantic.TypeAdapter(OpenAiBatch).validate_python(call.body)
        lines = [json.loads(line) for line in self.files[order["input_file_id"]].splitlines()]
        for line in lines:
            if set(line) != {"custom_id", "method", "url", "body"} or line["method"] != "POST" or line["url"] != order["endpoint"]:
                raise Refused(400, f"a line: {line}")
            if order["endpoint"] == "/v1/chat/completions":
                list(pydantic.TypeAdapter(CompletionCreateParamsNonStreaming).validate_python(line["body"])["messages"])
            if order["endpoint"] in OPENAI_LINES:
                pydantic.TypeAdapter(OPENAI_LINES[order["endpoint"]]).validate_python(line["body"])
        held = self._take("openai", order["endpoint"], [(line["custom_id"], line["body"]) for line in lines], call.body)
        held.files.append(order["input_file_id"])
        await call.json(self._openai(held))

    async def retrieve(self, call: Call, name: str) -> None:
        held = self._find(name)
        await self._look(call, held)
        await call.json(self._openai(held))

    async def stop(self, call: Call, name: str) -> None:
        held = self._cancel(name)
        await call.json(self._openai(held))

    async def content(self, call: Call, file: str) -> None:
        if file not in self.files or file in self.removed:
            raise Refused(404, "No such file")
        await call.bytes(self.files[file], 200, "application/octet-stream")

    async def remove(self, call: Call, name: str) -> None:
        self.removed.append(name)
        await call.json({"id": name, "object": "file", "deleted": True})

    def _openai(self, held: Held) -> dict:
        done = sum(status == 200 for status, _ in held.answers.values())
        made = openai_types.Batch(
            id=held.id, object="batch", endpoint=held.path, completion_window="24h", created_at=1, input_file_id=held.files[0],
            status=held.ended or ("cancelling" if held.cancelling else "in_progress"),
            request_counts={"total": len(held.lines), "completed": done, "failed": len(held.answers) - done},
        )
        body = made.model_dump(mode="json")
        if held.ended == "failed":
            body["errors"] = {"object": "list", "data": [{"code": "model_not_found", "message": NO_MODEL, "line": 1}]}
        for name, good in (("output_file_id", True), ("error_file_id", False)):
            rows = self._openai_rows(held, good) if held.ended and held.ended != "failed" else b""
            if rows:
                file = f"file-{name[:3]}-{held.id}"
                self.files[file] = rows
                body[name] = file
        return body

    def _openai_rows(self, held: Held, good: bool) -> bytes:
        rows = []
        for line, _ in held.lines:
            if line in self.garbage and good:
                rows.append(self.garbage[line])
                continue
            answered = held.answers.get(line)
            if answered and (answered[0] == 200) == good and line not in self.garbage:
                response = {"status_code": answered[0], "request_id": "req_up", "body": json.loads(answered[1])}
                rows.append(json.dumps({"id": "batch_req_" + line, "custom_id": line, "response": response, "error": None}).encode())
            elif not answered and not good:
                error = {"code": "batch_" + held.ended, "message": "This request was not executed."}
                rows.append(json.dumps({"id": "batch_req_" + line, "custom_id": line, "response": None, "error": error}).encode())
        return b"".join(row + b"\n" for row in rows)

    # --- Anthropic ----------------------------------------------------------------------------------------------------------------
    async def create_message_batch(self, call: Call) -> None:
        self._may_refuse(self.refuses)
        if call.seen.headers.get("anthropic-version") != "2023-06-01" or not call.seen.headers.get("x-api-key"):
            raise Refused(400, "Anthropic's headers")
        lines = [(one["custom_id"], one["params"]) for one in call.body["requests"]]
        for _, params in lines:
            if not isinstance(params["max_tokens"], int) or params["max_tokens"] < 1 or not params["model"] or not params["messages"]:
                raise Refused(400, f"a request: {params}")
        await call.json(self._message_batch(self._take("anthropic", "/v1/messages", lines, call.body)))

    async def retrieve_message_batch(self, call: Call, name: str) -> None:
        held = self._find(name)
        await self._look(call, held)
        await call.json(self._message_batch(held))

    async def stop_message_batch(self, call: Call, name: str) -> None:
        held = self._cancel(name)
        await call.json(self._message_batch(held))

    async def message_batch_results(self, call: Call, name: str) -> None:
        held = self._find(name)
        rows = [self.garbage.get(line) or json.dumps(self._message_row(held, line)).encode() for line, _ in held.lines]
        await call.bytes(b"".join(row + b"\n" for row in rows), 200, "application/x-jsonl")

    @staticmethod
    def _message_row(held: Held, line: str) -> dict:
        answered = held.answers.get(line)
        result: dict = {"type": "canceled" if held.ended == "cancelled" else "expired"}
        if answered:
            said = json.loads(answered[1])
            result = {"type": "succeeded", "message": said} if answered[0] == 200 else {"type": "errored", "error": said}
        return {"custom_id": line, "result": result}

    @staticmethod
    def _message_batch(held: Held) -> dict:
        counts = {"processing": 0, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0}
        return {
            "id": held.id, "type": "message_batch", "processing_status": "ended" if held.ended else "canceling" if held.cancelling else "in_progress", "request_counts": counts,
            "created_at": WHEN, "expires_at": WHEN, "ended_at": None, "archived_at": None, "cancel_initiated_at": None,
            "results_url": "http://127.0.0.1:1/elsewhere",
        }  # fmt: skip

    def told(self, held: Held) -> dict:
        """What was sent and said, for `SDK`."""
        rows = [self._message_row(held, line) for line, _ in held.lines] if held.form == "anthropic" else self._gemini_rows(held)
        return {"order": held.order, "batch": self._message_batch(held), "rows": rows}

    # --- Gemini: https://ai.google.dev/api/batch-api --------------------------------------------------------------------------------
    async def create_gemini_batch(self, call: Call, model: str) -> None:
        self._may_refuse(self.refuses)
        requests = call.body["batch"]["input_config"]["requests"]["requests"]
        lines = [(one["metadata"]["key"], one["request"]) for one in requests]
        if not all(request["contents"] for _, request in lines):
            raise Refused(400, "a request without contents")
        held = self._take("gemini", f"/v1beta/models/{model}:generateContent", lines, call.body)
        await call.json(self._operation(held))

    async def create_gemini_embeddings(self, call: Call, model: str) -> None:
        self._may_refuse(self.refuses)
        requests = call.body["batch"]["input_config"]["requests"]["requests"]
        lines = [(one["metadata"]["key"], one["request"]) for one in requests]
        if not all(request["content"]["parts"] and request["model"] == "models/" + model for _, request in lines):
            raise Refused(400, "a request without content")
        held = self._take("gemini", f"/v1beta/models/{model}:embedContent", lines, call.body)
        await call.json(self._operation(held))

    async def retrieve_gemini_batch(self, call: Call, name: str) -> None:
        held = self._find("batches/" + name)
        await self._look(call, held)
        await call.json(self._operation(held))

    async def stop_gemini_batch(self, call: Call, name: str) -> None:
        self._cancel("batches/" + name)
        await call.json({})

    async def remove_gemini_batch(self, call: Call, name: str) -> None:
        self.removed.append("batches/" + name)
        await call.json({})

    @classmethod
    def _operation(cls, held: Held) -> dict:
        state = {"": "RUNNING", "completed": "SUCCEEDED"}.get(held.ended, held.ended.upper())
        body = {"name": held.id, "metadata": {"state": "BATCH_STATE_" + state}}
        if held.ended == "failed":
            return body | {"done": True, "error": {"code": 3, "message": NO_MODEL}}
        if held.ended:
            name = "inlinedEmbedContentResponses" if held.path.endswith(":embedContent") else "inlinedResponses"
            body |= {"done": True, "response": {name: {"inlinedResponses": cls._gemini_rows(held)}}}
        return body

    @staticmethod
    def _gemini_rows(held: Held) -> list[dict]:
        rows = []
        for number, (line, _) in enumerate(held.lines):
            if answered := held.answers.get(line):
                said = json.loads(answered[1])
                row = {"response": said} if answered[0] == 200 else {"error": {"code": RPC_CODES[answered[0]], "message": said["error"]["message"]}}
                keyless = number % 2 == 1 and len(held.answers) == len(held.lines) and not held.path.endswith(":embedContent")  # not every answer brings its key back
                rows.append(row if keyless else row | {"metadata": {"key": line}})
        return rows

    async def gemini_models(self, call: Call) -> None:
        await call.json({"models": [{"name": "models/" + name} for name in self.provider.scripts if name != "*"]})

    # --- what all share -----------------------------------------------------------------------------------------------------------
    def _take(self, form: str, path: str, lines: list[tuple[str, dict]], order: dict) -> Held:
        ids = [line for line, _ in lines]
        if not ids or len(set(ids)) != len(ids) or not all(LINE_ID.fullmatch(line) or form == "gemini" for line in ids):
            raise Refused(400, f"ids: {ids}")
        if any(body.get("stream") for _, body in lines):
            raise Refused(400, "a streamed line")
        name = {"openai": "batch_", "anthropic": "msgbatch_", "gemini": "batches/"}[form] + str(len(self.held))
        held = Held(name, form, path, lines, order=order)
        self.held.append(held)
        return held

    def _find(self, name: str) -> Held:
        for one in self.held:
            if one.id == name and name not in self.removed:
                return one
        raise Refused(404, "No such batch")

    def _cancel(self, name: str) -> Held:
        held = self._find(name)
        self.cancelled.append(name)
        held.cancelling = True
        if self.cancels_at_once:
            held.ended = held.ended or "cancelled"
        return held

    async def _look(self, call: Call, held: Held) -> None:
        held.looked += 1
        if self.at_once and not held.ended:
            held.ended = self.ends
        if held.ended in ("", "failed") or held.answers:
            return
        for line, body in held.lines:
            if self.only is not None and line not in self.only:
                continue
            recorded = Recorded(call, held.path, body)
            script = self.provider.scripts.get(recorded.seen.model.removeprefix("models/")) or self.provider.scripts["*"]
            await script(recorded)
            held.answers[line] = (recorded.status, recorded.said)


Act = Callable[..., Awaitable[None]]
ROUTES: list[tuple[str, str, dict[str, Act]]] = [
    (r"/v1/files", "openai", {"POST": Batches.upload}),
    (r"/v1/files/([^/]+)/content", "openai", {"GET": Batches.content}),
    (r"/v1/files/([^/]+)", "openai", {"DELETE": Batches.remove}),
    (r"/v1/batches", "openai", {"POST": Batches.create}),
    (r"/v1/batches/([^/]+)/cancel", "openai", {"POST": Batches.stop}),
    (r"/v1/batches/([^/]+)", "openai", {"GET": Batches.retrieve}),
    (r"/v1/messages/batches", "anthropic", {"POST": Batches.create_message_batch}),
    (r"/v1/messages/batches/([^/]+)/results", "anthropic", {"GET": Batches.message_batch_results}),
    (r"/v1/messages/batches/([^/]+)/cancel", "anthropic", {"POST": Batches.stop_message_batch}),
    (r"/v1/messages/batches/([^/]+)", "anthropic", {"GET": Batches.retrieve_message_batch, "DELETE": Batches.remove}),
    (r"/v1beta/models", "gemini", {"GET": Batches.gemini_models}),
    (r"/v1beta/models/([^/:]+):batchGenerateContent", "gemini", {"POST": Batches.create_gemini_batch}),
    (r"/v1beta/models/([^/:]+):asyncBatchEmbedContent", "gemini", {"POST": Batches.create_gemini_embeddings}),
    (r"/v1beta/batches/([^/:]+):cancel", "gemini", {"POST": Batches.stop_gemini_batch}),
    (r"/v1beta/batches/([^/:]+)", "gemini", {"GET": Batches.retrieve_gemini_batch, "DELETE": Batches.remove_gemini_batch}),
]
