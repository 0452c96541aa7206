"""The pins: which archives set-up may bring, and the digests they must have."""

from __future__ import annotations

import platform
import tomllib
from dataclasses import dataclass
from pathlib import Path

PINS_FILE = Path(__file__).with_name("pins.toml")


@dataclass(frozen=True)
class Pin:
    registry: str
    name: str
    version: str
    sha256: str
    holds: str
    license: str
    machine: str = ""  # the machine the archive is for; empty where it serves all

    @property
    def spec(self) -> str:
        return f"{self.name}@{self.version}" if self.registry == "npm" else f"{self.name}=={self.version}"


def all_pins() -> list[Pin]:
    return [Pin(**entry) for entry in tomllib.loads(PINS_FILE.read_text())["package"]]


def pin(prefix: str) -> Pin:
    """The pin whose name starts with `prefix` and which fits this machine."""
    here = platform.machine()
    for candidate in all_pins():
        if candidate.name.startswith(prefix) and candidate.machine in ("", here):
            return candidate
    raise SystemExit(f"No package {prefix}… is pinned for a machine of kind {here} (tools/third_party/pins.toml).")
