"""What the scripted provider says in each dialect, cut into the pieces in which it leaves, and what is true of each piece.

A piece is one event on the wire (a server-sent event, or a frame of Amazon's event stream), or the one body of a whole answer. What the
judge expects of an answer that broke off is summed up from the pieces that had left, by the rules in the documentation.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from tests.checks.dialects import aws_frame
from tests.matrix import answer as answers
from tests.matrix.answer import Answer

EGRESSES = ("chat", "responses", "messages", "gemini", "bedrock")
SPOKEN = {"bedrock": "messages"}
TEXT = "alpha beta gamma delta one two three four five six seven eight nine ten!"
PIECES = -(-len(TEXT) // answers.PIECE)  # each counts as one token where Steward has to count
PROMPT, OUTPUT = 13, PIECES
GOOD = Answer(TEXT, input=PROMPT, output=OUTPUT)
SSE, AMAZON, JSON = "text/event-stream", "application/vnd.amazon.eventstream", "application/json"


@dataclass(frozen=True)
class Said:
    """One answer of the provider."""

    kind: str  # content type
    pieces: tuple[bytes, ...]

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)


def spoken(egress: str) -> str:
    return SPOKEN.get(egress, egress)


def encode(egress: str, events: Iterable[dict | str]) -> list[bytes]:
    """Events as they leave; a text is an event's data as it stands ("[DONE]")."""
    out = []
    for event in events:
        if egress == "bedrock":
            out.append(aws_frame(event))
        elif isinstance(event, str):
            out.append(f"data: {event}\n\n".encode())
        else:
            name = f"event: {event['type']}\n" if spoken(egress) in ("responses", "messages") else ""
            out.append(f"{name}data: {json.dumps(event)}\n\n".encode())
    return out


def events_of(egress: str, answer: Answer = GOOD) -> list[dict | str]:
    events: list[dict | str] = list(answers.EVENTS[spoken(egress)](answer))
    return [*events, "[DONE]"] if egress == "chat" else events


def kind_of(egress: str, streamed: bool) -> str:
    return JSON if not streamed else AMAZON if egress == "bedrock" else SSE


def say(egress: str, streamed: bool, events: Iterable[dict | str] | None = None, whole: dict | None = None) -> Said:
    """The good answer, or one made of other events or another body."""
    if streamed:
        return Said(kind_of(egress, True), tuple(encode(egress, events_of(egress) if events is None else events)))
    return Said(JSON, (json.dumps(answers.WHOLE[spoken(egress)](GOOD) if whole is None else whole).encode(),))


# --- what is true of events ----------------------------------------------------------------------------------------------------------
def text_of(egress: str, event: dict | str) -> str:
    """The text that one event adds."""
    if isinstance(event, str):
        return ""
    dialect = spoken(egress)
    if dialect == "chat":
        return "".join(one["delta"].get("content") or "" for one in event["choices"])
    if dialect == "responses":
        return event["delta"] if event["type"] == "response.output_text.delta" else ""
    if dialect == "messages":
        return event["delta"].get("text", "") if event["type"] == "content_block_delta" else ""
    return "".join(part.get("text", "") for one in event["candidates"] for part in one["content"]["parts"])


def told_of(egress: str, event: dict | str) -> tuple[int | None, int | None]:
    """Tokens in and out as one event tells them."""
    if isinstance(event, str):
        return None, None
    dialect = spoken(egress)
    if dialect == "chat":
        usage, names = event.get("usage") or {}, ("prompt_tokens", "completion_tokens")
    elif dialect == "responses":
        usage, names = (event.get("response") or {}).get("usage") or {}, ("input_tokens", "output_tokens")
    elif dialect == "messages":  # at the start the input's; the output's tokens of the start are no count yet
        if "message" in event:
            return (event["message"].get("usage") or {}).get("input_tokens"), None
        usage, names = event.get("usage") or {}, ("input_tokens", "output_tokens")
    else:
        usage, names = event.get("usageMetadata") or {}, ("promptTokenCount", "candidatesTokenCount")
    return usage.get(names[0]), usage.get(names[1])


@dataclass(frozen=True)
class Came:
    """What had come when an answer broke off."""

    text: str
    chunks: int  # that held text
    prompt: int | None  # told
    output: int  # told; 0: not told
    events: int


def came(egress: str, events: list[dict | str]) -> Came:
    told = [told_of(egress, one) for one in events]
    texts = [text for one in events if (text := text_of(egress, one))]
    prompt = next((one for one, _ in told if one is not None), None)
    return Came("".join(texts), len(texts), prompt, max((out or 0 for _, out in told), default=0), len(events))
