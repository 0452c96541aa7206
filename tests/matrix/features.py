"""The features of the matrix: what is asked, what is answered, and how it is judged that nothing of it got lost.

Written before anybody looked at how the product behaves. A feature stands for the in-dialects that can say it at all; `refused` and `told`
in tests/checks/dialects.toml say which out-dialects can't honour it, by the caller's own name.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.judges import said
from tests.judges.said import Said
from tests.matrix.answer import SIGNATURE, Answer
from tests.matrix.ask import DIALECTS, LIMIT, Ask, Turn
from tests.matrix.heard import Heard

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PDF = "JVBERi0xLjQKJeLjz9MKMSAwIG9iago8PC9UeXBlL0NhdGFsb2c+PgplbmRvYmoKdHJhaWxlcjw8L1Jvb3QgMSAwIFI+Pgo="
WEATHER = ("get_weather", "The weather of a city.", {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False})
CLOCK = ("get_time", "The time in a city.", {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False})
NESTED = {
    "type": "object",
    "properties": {"root": {"$ref": "#/$defs/node"}},
    "required": ["root"],
    "additionalProperties": False,
    "$defs": {
        "leaf": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"], "additionalProperties": False},
        "node": {
            "type": "object",
            "properties": {"leaf": {"$ref": "#/$defs/leaf"}, "more": {"type": "array", "items": {"$ref": "#/$defs/node"}}},
            "required": ["leaf", "more"],
            "additionalProperties": False,
        },
    },
}
PATCH = ("patch", "Mends a file.", "start: /.+/")
MENDED, NEXT = '*** a.py\n-x = {"input": 1}\n+x = “2” 🧥', "*** b.py\n-y \\ z\n+y"
TWO_CALLS = (("call_a1", "get_weather", {"city": "Paris"}), ("call_b2", "get_weather", {"city": "Oslo 🧥"}))
ASKED = Turn("user", "What is the weather in Paris and in Oslo?")
CALLED = Turn("model", "", calls=TWO_CALLS)
PAGE = "https://example.org/a-page"
HERE = "http://files.test"  # where the check itself serves FILES: it puts its own address in this one's place
FILES = {"/a.png": ("image/png", PNG), "/a.pdf": ("application/pdf", PDF)}
HINTS = {"prompt_cache_key": "k-1", "prompt_cache_retention": "24h", "safety_identifier": "s-9", "metadata": {"colour": "red"}}

Heed = Callable[[Heard], list[str]]  # what the provider did not hear
Hear = Callable[[Said], list[str]]  # what the client did not get


@dataclass(frozen=True)
class Feature:
    name: str
    ask: Ask
    answer: Answer = field(default_factory=lambda: Answer("Hello there, friend."))
    heed: Heed = lambda _: []
    hear: Hear = lambda _: []
    ins: tuple[str, ...] = DIALECTS
    status: int = 200  # of the provider
    drop: bool = False  # the caller asks to drop what can't be honoured
    gives_back: bool = False  # the answer is given back with the tools' results, to its maker and to another provider
    unknown: str = ""  # a member that only the same dialect takes


def missing(text: str, *checks: bool) -> list[str]:
    return [] if all(checks) else [text]


def _results(heard: Heard) -> list[str]:
    calls, results = heard.calls, heard.results
    return [
        *missing("the calls", [(name, given) for _, name, given in calls] == [(name, given) for _, name, given in TWO_CALLS]),
        *missing("the results", len(results) == 2, all(text in results[i][1] for i, text in enumerate(("18 degrees", "7 degrees")) if i < len(results))),
        *missing("which result is whose", [key for key, *_ in calls] == [key for key, _ in results]),
    ]


def _customs(heard: Heard) -> list[str]:
    given = [one["input"] if isinstance(one, dict) else one for _, _, one in heard.calls]
    return [
        *missing("the tool", list(heard.tools) == ["get_weather", "patch"], heard.tools.get("get_weather", {}).get("properties") == WEATHER[2]["properties"]),
        *missing("its grammar", PATCH[2] in heard.raw),
        *missing("the choice", heard.choice == "patch"),
        *missing("its earlier call", [name for _, name, _ in heard.calls] == ["patch"], given == [MENDED]),
        *missing("its result", len(heard.results) == 1, all("a.py is mended" in text for _, text in heard.results)),
        *missing("whose result it is", [key for key, *_ in heard.calls] == [key for key, _ in heard.results]),
    ]


def _hosted(heard: Heard) -> list[str]:
    return missing("the hosted tool", len(heard.hosted) == 1)


def _hosted_beside(heard: Heard) -> list[str]:
    return _hosted(heard) + missing("the function", list(heard.tools) == ["get_weather"])


def _sampling(name: str, value: object) -> Heed:
    return lambda heard: missing(name, getattr(heard, name) == value)


FEATURES = (
    Feature("text", Ask(system="Be brief, please.", temperature=0.5), heed=lambda h: missing("the system's words", "Be brief, please." in h.words)
            + missing("the user's words", "Hello." in h.words) + missing("temperature", h.temperature == 0.5) + missing("the limit", h.limit == LIMIT),
            answer=Answer("Größe 🧥 and “quotes” \\ \n\n done.")),
    Feature("a conversation", Ask(turns=(Turn("user", "My name is Ada."), Turn("model", "Hello Ada."), Turn("user", "Who am I?"))),
            heed=lambda h: missing("an earlier turn", "My name is Ada." in h.words, "Hello Ada." in h.raw, "Who am I?" in h.words)),
    Feature("images", Ask(turns=(Turn("user", "What is this?", image=PNG),)), heed=lambda h: missing("the image", h.images == [PNG])),
    Feature("documents", Ask(turns=(Turn("user", "Sum it up.", document=PDF),)), heed=lambda h: missing("the document", h.documents == [PDF])),
    # A provider that fetches itself is told the address, any other is sent what lies there.
    Feature("images by URL", Ask(turns=(Turn("user", "What is this?", image=f"{HERE}/a.png"),)), heed=lambda h: missing("the image", h.images in ([PNG], [f"{HERE}/a.png"]))),
    Feature("documents by URL", Ask(turns=(Turn("user", "Sum it up.", document=f"{HERE}/a.pdf"),)), heed=lambda h: missing("the document", h.documents in ([PDF], [f"{HERE}/a.pdf"])),
            ins=("responses", "messages", "gemini")),
    Feature("parallel tool calls", Ask(turns=(ASKED,), tools=(WEATHER, CLOCK)), Answer("I look.", calls=TWO_CALLS),
            heed=lambda h: missing("the tools", list(h.tools) == ["get_weather", "get_time"], h.tools.get("get_weather", {}).get("properties") == WEATHER[2]["properties"])),
    Feature("a tool demanded", Ask(turns=(ASKED,), tools=(WEATHER, CLOCK), choice="any"), Answer(calls=TWO_CALLS[:1]), heed=lambda h: missing("the choice", h.choice == "any")),
    Feature("a tool named", Ask(turns=(ASKED,), tools=(WEATHER, CLOCK), choice="get_time"), Answer(calls=(("call_c3", "get_time", {"city": "Oslo"}),)),
            heed=lambda h: missing("the choice", h.choice == "get_time")),
    Feature("tools forbidden", Ask(turns=(ASKED,), tools=(WEATHER,), choice="none"), heed=lambda h: missing("the choice", h.choice == "none" or not h.tools)),
    Feature("one tool at a time", Ask(turns=(ASKED,), tools=(WEATHER,), one_at_a_time=True), Answer(calls=TWO_CALLS[:1]),
            heed=lambda h: missing("parallel tool calls switched off", h.one_at_a_time), ins=("chat", "responses", "messages")),
    Feature("tool results", Ask(turns=(ASKED, CALLED, Turn("tools", results=(("call_a1", "get_weather", "18 degrees", ""), ("call_b2", "get_weather", "7 degrees", "")))),
                                tools=(WEATHER,)), heed=_results),
    Feature("tool results with images", Ask(turns=(ASKED, CALLED, Turn("tools", results=(("call_a1", "get_weather", "18 degrees", PNG), ("call_b2", "get_weather", "7 degrees", "")))),
                                            tools=(WEATHER,)), heed=lambda h: _results(h) + missing("the image in the result", h.images == [PNG])),
    Feature("a custom tool", Ask(turns=(Turn("user", "Mend both files."), Turn("model", "", calls=(("call_a1", "patch", MENDED),)),
                                        Turn("tools", results=(("call_a1", "patch", "a.py is mended", ""),), custom=True)), tools=(WEATHER,), custom=(PATCH,), choice="patch"),
            Answer(calls=(("call_b2", "patch", NEXT),)), heed=_customs, hear=lambda s: missing("the call of the custom tool", s.custom == ["patch"], s.calls == [("patch", NEXT)]),
            ins=("chat", "responses")),
    Feature("a hosted tool beside a function", Ask(tools=(WEATHER,), hosted="code"), heed=_hosted_beside, ins=("responses", "messages", "gemini")),
    Feature("a hosted tool alone", Ask(hosted="code"), heed=_hosted, ins=("responses", "messages", "gemini")),
    Feature("a search of the web beside a function", Ask(tools=(WEATHER,), hosted="search"), heed=_hosted_beside, ins=("responses", "messages", "gemini")),
    Feature("JSON Schema with nested $defs", Ask(schema=NESTED), Answer('{"root": {"leaf": {"name": "x"}, "more": []}}'), heed=lambda h: missing("the schema", h.schema == NESTED)),
    Feature("reasoning", Ask(effort="medium"), Answer("Four.", reasoning="Two and two make four.", thought=8), heed=lambda h: missing("that it should think", h.thinks)),
    Feature("signatures to their maker only", Ask(turns=(ASKED,), tools=(WEATHER,), effort="medium"),
            Answer(reasoning="I need both.", signature=SIGNATURE, calls=TWO_CALLS, thought=5), gives_back=True),
    Feature("a refusal", Ask(), Answer(refusal="I can't help with that."), hear=lambda s: missing("that it refused", bool(s.refusal) or s.stop == said.FILTER)),
    Feature("a refusal after some words", Ask(), Answer("Sorry.", refusal="I can't help with that."), hear=lambda s: missing("that it refused", bool(s.refusal) or s.stop == said.FILTER)),
    Feature("citations", Ask(), Answer("As a page says.", cited=PAGE), hear=lambda s: missing("the cited page", PAGE in s.urls)),
    Feature("logprobs", Ask(logprobs=True), Answer("Hello there.", logprobs=True), heed=lambda h: missing("logprobs", h.logprobs),
            hear=lambda s: missing("logprobs", s.logprobs == 2), ins=("chat", "responses", "gemini")),
    Feature("several choices", Ask(n=2), Answer("Hello there.", choices=2), heed=_sampling("n", 2), ins=("chat", "gemini")),
    Feature("stop sequences", Ask(stop=("END", "HALT")), Answer("Hello there, friend.", stopped_by="HALT"), heed=_sampling("stop", ["END", "HALT"]), ins=("chat", "messages", "gemini")),
    Feature("seed", Ask(seed=7), heed=_sampling("seed", 7), ins=("chat", "gemini")),
    Feature("top_k", Ask(top_k=40), heed=_sampling("top_k", 40), ins=("messages", "gemini")),
    Feature("hints", Ask(extra=HINTS), heed=lambda h: [name for name, value in HINTS.items() if json.dumps(value) not in h.raw], ins=("chat", "responses")),
    Feature("presence penalty", Ask(penalty=0.5), heed=_sampling("penalty", 0.5), ins=("chat", "gemini")),
    Feature("an unknown member", Ask(extra={"x_frobnicate": {"level": 3}}), heed=lambda h: missing("the unknown member", '"x_frobnicate": {"level": 3}' in h.raw), unknown="x_frobnicate"),
    Feature("dropped when asked", Ask(n=2), Answer("Hello there."), ins=("chat", "gemini"), drop=True),
    Feature("cut by the limit", Ask(), Answer("Hello th", stop="length")),
    Feature("usage with a cache", Ask(), Answer("Hello.", input=1_000, cached=600, output=50, thought=30)),
    Feature("usage with cache writes", Ask(), Answer("Hello.", input=1_000, cached=100, written_5m=200, written_1h=300, output=50)),
    Feature("an error: the request is wrong", Ask(), status=400),
    Feature("an error: too many requests", Ask(), status=429),
    Feature("an error: the provider broke", Ask(), status=500),
)
