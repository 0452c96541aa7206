"""The scripted model behind Steward: it speaks four dialects, calls the tools it is offered, and writes down what it was asked.

Two parts it plays. For libraries: asked about the weather of two cities it calls `get_weather` for both at once, and answers from the
results. For coding agents: it reads a file with the agent's own tool, changes one word with the agent's own edit tool (or shell), and says
that it is done. It knows agents by the tools they offer, as a real model does.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Self

from tests.harness.provider import Call, Provider
from tests.realclients import speak
from tests.realclients.asked import Asked, read
from tests.realclients.speak import Say, ToolCall

CITIES = ("Paris", "Oslo")
WEATHER = "get_weather"
FINAL = "Paris has 18 °C and Oslo 7 °C: take a coat to Oslo. 🧥"
FILE, BEFORE, AFTER = "greeting.txt", "Hello, moon.\n", "Hello, world.\n"
TASK = f"Change the word moon to world in {FILE}, then say that you are done."
DONE = "Done: the greeting names the world now."
TOKENS_COUNTED = 321
IDLE = "idle"  # a model whose name begins so calls no tool: what a judge must not let pass


@dataclass
class Heard:
    """What one model's name was asked and what it told, and where the agent that asks it works."""

    folder: str = ""
    asked: list[Asked] = field(default_factory=list)
    said: list[Say] = field(default_factory=list)


@dataclass
class ScriptedModel:
    """`with ScriptedModel() as model:`; Steward's providers point at its address. Each client asks a name of its own."""

    heard: dict[str, Heard] = field(default_factory=lambda: defaultdict(Heard))
    unreadable: list[str] = field(default_factory=list)
    provider: Provider = field(init=False)

    def __post_init__(self) -> None:
        self.provider = Provider({"*": self._answer})

    def __enter__(self) -> Self:
        self.provider.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.provider.__exit__()

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.provider.port}"

    async def _answer(self, call: Call) -> None:
        path = call.seen.path.split("?")[0]
        if not call.body:  # a GET: a model that is asked for a WebSocket, say
            return await call.json({"error": {"message": "there is nothing here", "type": "invalid_request_error"}}, 404)
        if counted := _counted(path, call.body):
            return await call.json(counted)
        try:
            asked = read(call.seen)
        except (KeyError, TypeError, ValueError) as error:
            self.unreadable.append(f"{call.seen.path}: {type(error).__name__}: {error}")
            return await call.json({"error": {"message": f"not understood: {error}", "type": "invalid_request_error"}}, 400)
        if path.endswith(("/count_tokens", "/input_tokens")):
            return await call.json({"input_tokens": TOKENS_COUNTED})
        if path.endswith(":countTokens"):
            return await call.json({"totalTokens": TOKENS_COUNTED})
        heard = self.heard[asked.model]
        heard.asked.append(asked)
        say = decide(asked, heard.folder)
        heard.said.append(say)
        if asked.dialect == "gemini":
            return await speak.gemini(call, say, asked.streamed)
        await {"chat": speak.chat, "messages": speak.messages, "responses": speak.responses}[asked.dialect](call, say)


def _counted(path: str, body: dict) -> dict | None:
    """The answer to a question how many tokens a request is, as each provider words it; None: something else is asked, or in vain."""
    if path.endswith("/count_tokens") and body.get("messages"):
        return {"input_tokens": TOKENS_COUNTED}
    if path.endswith("/responses/input_tokens") and body.get("input"):
        return {"object": "response.input_tokens", "input_tokens": TOKENS_COUNTED}
    if path.endswith(":countTokens") and (body.get("generateContentRequest") or body).get("contents"):
        return {"totalTokens": TOKENS_COUNTED}
    return None


def decide(asked: Asked, folder: str = "") -> Say:
    if asked.model.startswith(IDLE):
        return Say("I would rather not.", prompt_tokens=20, completion_tokens=8)
    if WEATHER in asked.tools:
        return _weather(asked)
    if asked.tools and TASK in asked.said:
        return _edit(asked, folder)
    return Say("A small change to a greeting.", prompt_tokens=20, completion_tokens=8)


def _weather(asked: Asked) -> Say:
    if len(asked.results) >= len(CITIES):
        return Say(FINAL, prompt_tokens=90, completion_tokens=21)
    calls = tuple(ToolCall(f"call_{city.lower()}", WEATHER, {"city": city, "unit": "celsius"}) for city in CITIES)
    return Say("I look it up.", calls, prompt_tokens=40, completion_tokens=33)


def _edit(asked: Asked, folder: str) -> Say:
    plan = steps(asked, f"{folder}/{FILE}", folder)
    turn = len(asked.results)
    if turn < len(plan):
        name, arguments = plan[turn]
        return Say("", (ToolCall(f"call_edit_{turn}", name, arguments),), prompt_tokens=400 + turn, completion_tokens=30)
    return Say(DONE, prompt_tokens=500, completion_tokens=11)


def steps(asked: Asked, path: str, folder: str) -> list[tuple[str, dict]]:
    """The calls that do the edit, made of the tools on offer; none where no tool can."""
    reader, editor = asked.tool("Read", "read_file", "read"), asked.tool("Edit", "replace", "edit")
    if reader and editor:
        return [(reader, _fill(asked, reader, {"path": path})), (editor, _fill(asked, editor, {"path": path, "old": "moon", "new": "world"}))]
    shell = asked.tool("exec_command", "shell_command", "shell", "local_shell", "Bash", "bash", "run_shell_command")
    if not shell:
        return []
    command = f"sed -i s/moon/world/ {FILE} && cat {FILE}"
    wants_list = asked.tools[shell].get("properties", {}).get("command", {}).get("type") == "array"
    return [(shell, _fill(asked, shell, {"command": ["bash", "-c", command] if wants_list else command, "folder": folder}))]


# What agents call the same argument.
NAMES = {
    "path": ("file_path", "filePath", "absolute_path", "path"),
    "old": ("old_string", "oldString"),
    "new": ("new_string", "newString"),
    "command": ("cmd", "command"),
    "folder": ("workdir",),
}


def _fill(asked: Asked, tool: str, values: dict) -> dict:
    """The arguments by the names that this tool gives them, and a word for each other one that it requires."""
    schema = asked.tools[tool]
    properties = schema.get("properties", {})
    filled = {name: value for kind, value in values.items() for name in NAMES[kind] if name in properties}
    for name in schema.get("required", []):
        filled.setdefault(name, "change the greeting" if properties[name].get("type", "string").lower() == "string" else False)
    return filled
