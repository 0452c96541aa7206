"""Coding agents, each in a clean home and a folder with one file: it is told to change one word in it, and does so with its own tools.

`configure` writes what the agent's documentation says a person writes to point it at a server of their own, and answers the command and
the variables. Nothing in an agent is patched or mocked.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from tests.realclients import model as script
from tests.realclients.model import Heard
from tests.realclients.sandbox import Ran, Sandbox, sandbox


@dataclass(frozen=True)
class Pointed:
    """Where an agent is pointed: the server's address without a version, a key, a model's name."""

    root: str
    key: str
    model: str


Setup = tuple[list[str], dict[str, str]]


def codex(box: Sandbox, at: Pointed) -> Setup:
    """As a person with a key points it at another address: over this way it asks for a WebSocket first."""
    folder = box.home / ".codex"
    folder.mkdir()
    (folder / "config.toml").write_text(f'openai_base_url = "{at.root}/v1"\n[analytics]\nenabled = false\n')
    command = ["codex", "exec", "--skip-git-repo-check", "--json", "--dangerously-bypass-approvals-and-sandbox", "-m", at.model, script.TASK]
    return command, {"CODEX_HOME": str(folder), "CODEX_API_KEY": at.key}


def codex_over_http(box: Sandbox, at: Pointed) -> Setup:
    """As a provider of its own: over this way it posts."""
    command, env = codex(box, at)
    provider = f'name = "Steward"\nbase_url = "{at.root}/v1"\nenv_key = "STEWARD_KEY"\nwire_api = "responses"\n'
    (box.home / ".codex" / "config.toml").write_text(f'model_provider = "steward"\n[model_providers.steward]\n{provider}[analytics]\nenabled = false\n')
    return command, env | {"STEWARD_KEY": at.key}


def claude(box: Sandbox, at: Pointed) -> Setup:
    del box
    command = ["claude", "-p", script.TASK, "--model", at.model, "--allowedTools", "Read,Edit"]
    return command, {"ANTHROPIC_BASE_URL": at.root, "ANTHROPIC_API_KEY": at.key, "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"}


def opencode(box: Sandbox, at: Pointed) -> Setup:
    provider = {"npm": "@ai-sdk/openai-compatible", "options": {"baseURL": f"{at.root}/v1", "apiKey": at.key}, "models": {at.model: {}}}
    name = f"steward/{at.model}"
    config = {"provider": {"steward": provider}, "model": name, "small_model": name, "autoupdate": False, "share": "disabled"}
    (box.work / "opencode.json").write_text(json.dumps(config))
    return ["opencode", "run", script.TASK], {"OPENCODE_DISABLE_MODELS_FETCH": "1", "OPENCODE_DISABLE_AUTOUPDATE": "1"}


def qwen(box: Sandbox, at: Pointed) -> Setup:
    folder = box.home / ".qwen"
    folder.mkdir()
    (folder / "settings.json").write_text(json.dumps({"privacy": {"usageStatisticsEnabled": False}, "general": {"enableAutoUpdate": False}}))
    command = ["qwen", "--auth-type", "openai", "--approval-mode", "auto-edit", "-p", script.TASK]
    return command, {"OPENAI_BASE_URL": f"{at.root}/v1", "OPENAI_API_KEY": at.key, "OPENAI_MODEL": at.model}


def gemini(box: Sandbox, at: Pointed) -> Setup:
    folder = box.home / ".gemini"
    folder.mkdir()
    settings = {"security": {"auth": {"selectedType": "gemini-api-key"}}, "privacy": {"usageStatisticsEnabled": False},
                "general": {"disableAutoUpdate": True}}
    (folder / "settings.json").write_text(json.dumps(settings))
    command = ["gemini", "-m", at.model, "--approval-mode", "auto_edit", "-p", script.TASK]
    return command, {"GOOGLE_GEMINI_BASE_URL": at.root, "GEMINI_API_KEY": at.key, "GEMINI_CLI_TRUST_WORKSPACE": "true"}


AGENTS: dict[str, Callable[[Sandbox, Pointed], Setup]] = {
    "Codex CLI, over WebSocket": codex,
    "Codex CLI, over HTTP": codex_over_http,
    "Claude Code": claude,
    "opencode": opencode,
    "Qwen Code": qwen,
    "Gemini CLI": gemini,
}


@dataclass
class Edited:
    """What came of one run."""

    ran: Ran
    file: str


def run(name: str, at: Pointed, heard: Heard, deadline_s: float = 120) -> Edited:
    with sandbox() as box:
        file = box.work / script.FILE
        file.write_text(script.BEFORE)
        heard.folder = str(box.work)
        command, env = AGENTS[name](box, at)
        ran = box.run(command, env, deadline_s)
        return Edited(ran, file.read_text())


def faults(edited: Edited, heard: Heard) -> list[str]:
    """What is wrong with one run: the file, the agent's own verdict, and what the model behind was told."""
    wrong = []
    if edited.file != script.AFTER:
        wrong.append(f"the file says {edited.file!r}")
    if edited.ran.code != 0:
        wrong.append("the agent did not end well: " + edited.ran.tail())
    if script.DONE not in edited.ran.out:
        wrong.append("the agent did not show the model's last words: " + edited.ran.tail())
    if "WebSocket" in edited.ran.err:  # Codex: it falls back after seven tries, and says so
        wrong.append("the agent could not keep its WebSocket: " + edited.ran.err[-500:])
    at_work = [one for one in heard.asked if script.TASK in one.said and one.tools]
    if not at_work or at_work[0].results:
        return [*wrong, f"the model was asked {len(heard.asked)} times, never freshly for the task with tools"]
    most = max(at_work, key=lambda one: len(one.results))
    if not most.results or not any("world" in one or "updated" in one.lower() or "success" in one.lower() for one in most.results):
        wrong.append(f"the model was never told that the edit was done: {[one[:200] for one in most.results]}")
    return wrong
