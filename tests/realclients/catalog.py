"""The committed list of real clients (clients.toml), and what is installed."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from tests.realclients.sandbox import INSTALLED, NPM

LIST = Path(__file__).with_name("clients.toml")


@dataclass(frozen=True)
class Client:
    name: str
    package: str
    registry: str  # npm, pypi, or litellm (PyPI, in an environment of its own)
    version: str
    dialect: str
    kind: str  # library or agent
    driver: str = ""
    env: dict[str, str] = field(default_factory=dict)
    beside: dict[str, str] = field(default_factory=dict)  # packages that it needs a person to install with it, and their versions
    asks_usage: bool = True  # whether it asks for usage in streams; where it doesn't, its user is told none

    @property
    def versions(self) -> dict[str, str]:
        return {self.package: self.version, **self.beside}

    @property
    def python(self) -> Path:
        return INSTALLED / ("litellm" if self.registry == "litellm" else "python") / "bin/python"


def committed() -> list[Client]:
    return [Client(**entry) for entry in tomllib.loads(LIST.read_text())["client"]]


def installed(client: Client) -> dict[str, str]:
    """The versions that lie on this machine, by the packages' own word; empty: it isn't there."""
    return {package: _installed(client, package) for package in client.versions}


def _installed(client: Client, package: str) -> str:
    if client.registry == "npm":
        file = NPM / "node_modules" / package / "package.json"
        return json.loads(file.read_text())["version"] if file.exists() else ""
    stem = package.replace("-", "_")
    found = list(client.python.parent.parent.glob(f"lib/python3*/site-packages/{stem}-*.dist-info"))
    return found[0].name.removesuffix(".dist-info").rpartition("-")[2] if len(found) == 1 else ""
