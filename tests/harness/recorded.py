"""The recorded traffic of real providers, read for replay: each exchange with its dialect, and what the answer's bytes were."""

from __future__ import annotations

import fnmatch
import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from tests.harness.paths import ROOT

FOLDER = ROOT / "tests" / "recordings"
LISTED = ROOT / "tests" / "checks" / "recordings.toml"
NOT_TRAFFIC = {"LICENSE", "README.md"}

# What a provider's profile is called here, by what its address (or, of vercel-ai, its folder) holds.
PROFILES = {
    "api.openai.com": "openai", "azure.com": "azure", "api.groq.com": "groq", "api.mistral.ai": "mistral", "openrouter.ai": "openrouter",
    "api.deepseek.com": "deepseek", "api.z.ai": "zai", "api.cerebras.ai": "cerebras", "ollama": "ollama", ":11434": "ollama",
    "huggingface": "huggingface", "anthropic.com": "anthropic", "amazonaws.com": "bedrock", "googleapis.com": "gemini",
}
FOLDERS = {"google": "gemini", "openai-compatible": "", "open-responses": "", "alibaba": "alibaba"}


@dataclass(frozen=True)
class Exchange:
    file: str  # relative to the folder
    number: int  # in the file
    kind: str  # "chat", "responses", "messages", "gemini", "completions", "embeddings", "count", "foreign"; "unknown": fits none
    dialect: str  # of a count: whose
    profile: str  # the provider's, or empty
    status: int
    streamed: bool
    body: bytes
    content_type: str
    reason: str = ""  # of "foreign": the committed one

    @property
    def name(self) -> str:
        return f"{self.file}#{self.number}"


def load(folder: Path) -> dict[str, list[Exchange]]:
    """The exchanges of each file; a file with none is judged as unknown by the check."""
    listed = tomllib.loads(LISTED.read_text())
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name not in NOT_TRAFFIC)
    return {str(path.relative_to(folder)): _read(path, str(path.relative_to(folder)), listed) for path in files}


def _read(path: Path, name: str, listed: dict) -> list[Exchange]:
    data = path.read_bytes()
    for mend in listed["mended"]:
        if fnmatch.fnmatch(name, mend["match"]):
            data = data.replace(mend["find"].encode(), mend["replace"].encode())
            data = data.replace(json.dumps(mend["find"])[1:-1].encode(), json.dumps(mend["replace"])[1:-1].encode())
    if path.suffix == ".json":
        try:
            body = json.loads(data)
        except ValueError:
            return [Exchange(name, 0, "unknown", "", "", 200, False, data, "application/json")]
        if isinstance(body, list) and body and isinstance(body[0], dict) and "request" in body[0]:
            return [_exchange(name, number, one, listed) for number, one in enumerate(body)]
        return [_whole(name, 0, body, data, listed)]
    return _streams(name, data, listed)


def _exchange(name: str, number: int, told: dict, listed: dict) -> Exchange:
    """One of pydantic-ai's pairs."""
    asked, answer = told["request"], told["response"]
    uri, body = asked["uri"], answer.get("body")
    kind_told = next((value for key, value in (answer.get("headers") or {}).items() if key.lower() == "content-type"), "")
    text = isinstance(body, str)
    data = body.encode() if text else json.dumps(body).encode()
    streamed = text and bool(re.search(r"^(data|event|:)", body[:200], re.MULTILINE)) and "data:" in body
    profile = next((value for key, value in PROFILES.items() if key in uri), "")
    call = f"{asked['method'].upper()} {uri}"
    reason = next((one["reason"] for one in listed["foreign"] if "uri" in one and re.search(one["uri"], call)), "")
    kind, dialect = ("foreign", "") if reason else _kind_of(call)
    content_type = "text/event-stream" if streamed else str(kind_told or "application/json")
    return Exchange(name, number, kind, dialect, profile, answer["status"], streamed, data, content_type, reason)


def _kind_of(call: str) -> tuple[str, str]:
    if re.search(r"count_tokens|count-tokens", call):
        return "count", "messages"
    if ":countTokens" in call:
        return "count", "gemini"
    if "/responses/input_tokens" in call:
        return "count", "responses"
    for part, kind in (("/chat/completions", "chat"), ("/responses", "responses"), ("/messages", "messages"), ("/invoke", "messages")):
        if part in call:
            return kind, kind
    return ("gemini", "gemini") if "enerateContent" in call else ("unknown", "")


def _folder_profile(name: str) -> str:
    parts = name.split("/")
    folder = parts[1] if len(parts) > 2 and parts[0] == "vercel-ai" else ""
    return FOLDERS.get(folder, folder)


def _foreign_reason(name: str, listed: dict) -> str:
    return next((one["reason"] for one in listed["foreign"] if "match" in one and fnmatch.fnmatch(name, one["match"])), "")


def _whole(name: str, number: int, body: object, data: bytes, listed: dict) -> Exchange:
    """One of vercel-ai's whole answers: its dialect is what its members say."""
    reason = _foreign_reason(name, listed)
    status, kind = 200, _shape(body)
    if isinstance(body, dict) and "error" in body and kind == "unknown":
        status, kind = _error_of(name, body["error"])
    kind = "foreign" if reason else kind
    return Exchange(name, number, kind, kind, _folder_profile(name), status, False, data, "application/json", reason)


def _error_of(name: str, error: object) -> tuple[int, str]:
    code = error.get("code") if isinstance(error, dict) else None
    kind = "gemini" if "/google/" in name else "responses" if "/responses-" in name else "chat"
    return (code if isinstance(code, int) else 400), kind


def _shape(body: object) -> str:
    if not isinstance(body, dict):
        return "unknown"
    if "candidates" in body or "promptFeedback" in body:
        return "gemini"
    if body.get("object") == "response" or str(body.get("type", "")).startswith("response."):
        return "responses"
    if body.get("type") in ("message", "message_start"):
        return "messages"
    if body.get("object") == "text_completion":
        return "completions"
    if "choices" in body:
        return "chat"
    return "embeddings" if body.get("object") == "list" and "embedding" in str(body.get("data"))[:200] else "unknown"


def _streams(name: str, data: bytes, listed: dict) -> list[Exchange]:
    """A stream of vercel-ai: events as they came, or one event's data a line; several answers of a conversation may lie in one file."""
    reason = _foreign_reason(name, listed)
    lines = [line for line in data.decode().splitlines() if line.strip()]
    if lines and lines[0].startswith(("data:", "event:", ":")):
        lines = [line[5:].strip() for line in lines if line.startswith("data:")]
    answers: list[list[str]] = []
    for line in lines:
        if not answers or '"type":"message_start"' in line or '"type":"response.created"' in line:
            answers.append([])
        answers[-1].append(line)
    out = []
    for number, one in enumerate(answers):
        first = json.loads(one[0])
        kind = "foreign" if reason else _shape(first)
        named = kind in ("messages", "responses")
        events = (f"event: {json.loads(line)['type']}\ndata: {line}\n\n" if named else f"data: {line}\n\n" for line in one)
        stream = "".join(events) + ("data: [DONE]\n\n" if kind in ("chat", "completions") and one[-1] != "[DONE]" else "")
        out.append(Exchange(name, number, kind, kind, _folder_profile(name), 200, True, stream.encode(), "text/event-stream", reason))
    return out
