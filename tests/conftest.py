"""Fixtures for tests that cross floors: the shipped binary, a scripted provider, a real second upstream. Nothing uses the network."""

from __future__ import annotations

import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from openai import OpenAI

from tests.harness.admin import Admin
from tests.harness.paths import engine_binary, free_port, shipped_model, steward_binary
from tests.harness.provider import Provider, Script
from tests.harness.steward import Steward, lift_file_limit

NEEDS_BINARY = ("clients", "people", "talk", "symptoms", "cli", "engine", "checks", "operations", "web", "documents")


def pytest_configure() -> None:
    lift_file_limit()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a build there is nothing to judge: that is an error, not a skip."""
    needing = [item for item in items if item.path.parent.name in NEEDS_BINARY]
    if needing and not steward_binary().exists():
        raise pytest.UsageError(f"{steward_binary()} is not there: run make build")
    for item in needing:
        if not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(90))


@dataclass
class Scene:
    """A Steward in front of a scripted provider, and its owner's hands."""

    steward: Steward
    provider: Provider
    admin: Admin

    def client(self, **fields: object) -> OpenAI:
        """The official client with a new key of these fields, strict about what it is answered."""
        return client_of(self.steward, self.admin.new_key(f"key-{time.monotonic_ns()}", **fields)["secret"])


def client_of(steward: Steward, secret: str) -> OpenAI:
    return OpenAI(base_url=steward.base_url, api_key=secret, max_retries=0, timeout=60, _strict_response_validation=True)


PROVIDER_CONFIG = """
[providers.script]
base_url = "{base_url}"
key_env = "SCRIPT_KEY"
models = [{models}]
"""


@contextmanager
def scene_with(scripts: dict[str, Script], more: str = "", before: str = "") -> Iterator[Scene]:
    """`scripts` by model name; `before` and `more` go around the provider's part of the configuration."""
    with Provider(dict(scripts)) as provider:
        models = ", ".join(f'"{name}"' for name in scripts)
        config = before + PROVIDER_CONFIG.format(base_url=provider.base_url, models=models) + more
        with Steward(config, env={"SCRIPT_KEY": provider.key}) as steward, Admin(steward) as admin:
            yield Scene(steward, provider, admin)


@pytest.fixture
def scene() -> Iterator[Callable[..., Scene]]:
    """Makes a scene; it ends with the test."""
    open_ones = []

    def make(scripts: dict[str, Script], more: str = "", before: str = "") -> Scene:
        manager = scene_with(scripts, more, before)
        made = manager.__enter__()
        open_ones.append(manager)
        return made

    yield make
    for manager in reversed(open_ones):
        manager.__exit__(None, None, None)


@dataclass
class Served:
    """Where a real model answers behind Steward: embedded, or on a second upstream."""

    steward: Steward
    admin: Admin
    secret: str
    chat: str
    embedding: str
    kind: str

    @property
    def client(self) -> OpenAI:
        return client_of(self.steward, self.secret)


@contextmanager
def real_upstream(kind: str, *more: str | Path) -> Iterator[str]:
    """llama.cpp's own server over TCP with a packaged model, and `more` options of its own; yields its base URL."""
    port = free_port()
    extra = ["--embeddings", "-ub", "512", "-b", "512"] if kind == "embedding" else ["--jinja", "-np", "2", "-c", "4096"]
    command = [engine_binary(), "-m", shipped_model(kind), "--host", "127.0.0.1", "--port", str(port), "-t", "2", *extra, *more]
    process = subprocess.Popen(command, cwd=engine_binary().parent, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2) as answer:
                    if answer.status == 200:
                        break
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.05)
        else:
            raise RuntimeError("the real upstream did not become ready")
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.kill()
        process.wait(10)


REAL_CONFIG = """
[providers.second]
base_url = "{chat}"
key_env = "SECOND_KEY"
models = ["second-chat"]

[providers.vectors]
base_url = "{embedding}"
key_env = "SECOND_KEY"
models = ["second-vectors"]
"""


@pytest.fixture(scope="session")
def everything() -> Iterator[tuple[Steward, Admin]]:
    """One Steward with the embedded engine and both real upstreams behind it."""
    with real_upstream("chat") as chat, real_upstream("embedding") as embedding:
        config = REAL_CONFIG.format(chat=chat, embedding=embedding)
        with Steward(config, env={"SECOND_KEY": "any"}) as steward, Admin(steward) as admin:
            yield steward, admin


@pytest.fixture(scope="session", params=["embedded", "upstream"])
def served(request: pytest.FixtureRequest, everything: tuple[Steward, Admin]) -> Served:
    """The same tests against the embedded engine and a real second upstream."""
    steward, admin = everything
    secret = admin.new_key(f"client-{request.param}")["secret"]
    if request.param == "upstream":
        return Served(steward, admin, secret, "second-chat", "second-vectors", "upstream")
    return embedded_models(steward, admin, secret)


@pytest.fixture(scope="session")
def embedded(everything: tuple[Steward, Admin]) -> Served:
    steward, admin = everything
    return embedded_models(steward, admin, admin.new_key("client-only-embedded")["secret"])


def embedded_models(steward: Steward, admin: Admin, secret: str) -> Served:
    local = {model["kind"]: model["name"] for model in admin.pages("/models") if model["provider"] == "local"}
    return Served(steward, admin, secret, local["chat"], local["embedding"], "embedded")
