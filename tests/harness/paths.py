"""Where the build lies. Nothing here builds."""

from __future__ import annotations

import os
import socket
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / os.environ.get("STEWARD_PRESET", "release")


def steward_binary() -> Path:
    """The binary under judgement; STEWARD_BIN names another (the judges' own tests put a refusing server there)."""
    return Path(os.environ.get("STEWARD_BIN") or BUILD / "bin" / "steward")


def engine_binary() -> Path:
    """llama.cpp's own server, as shipped beside the product."""
    return (BUILD / "lib" / "steward-engine").resolve()


def extract_binary() -> Path:
    """The reader of attachments, as shipped beside the product."""
    return (steward_binary().resolve().parents[1] / "lib" / "steward-extract").resolve()


def shipped_model(kind: str) -> Path:
    """The packaged GGUF of this kind: "chat" or "embedding"."""
    stem = {"chat": "smollm2", "embedding": "multilingual-e5"}[kind]
    found = sorted((BUILD / "share" / "steward" / "models").glob(f"{stem}*.gguf"))
    if not found:
        raise FileNotFoundError(f"no {stem}*.gguf under {BUILD}/share/steward/models: run make build")
    return found[0].resolve()


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
