"""The Python environments of the project, kept in the cache by the digest of what they hold.

A virtual environment can't be renamed (its programs carry its path), so unlike other cache entries it is made in place and
a mark is set when it is whole.
"""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
from pathlib import Path

from tools.third_party.cache import cache_root, key_of
from tools.third_party.say import step

TOOLS = Path(__file__).resolve().parents[1]
REQUIREMENTS = TOOLS / "requirements.txt"
NODE_REQUIREMENTS = TOOLS / "requirements-node.txt"
SDK_REQUIREMENTS = TOOLS / "requirements-clients.txt"
LITELLM_REQUIREMENTS = TOOLS / "requirements-litellm.txt"


def clients_venv() -> Path:
    """What the tests, checks and set-up itself need: the real API clients, pytest, the GGUF writer."""
    return venv_of("python", REQUIREMENTS, "Python clients and test tools")


def node_venv() -> Path:
    """Node and npm out of PyPI packages: a bare Debian has none that is new enough."""
    return venv_of("node", NODE_REQUIREMENTS, "Node.js and npm (PyPI packages)")


def sdk_venv() -> Path:
    """The providers' own Python libraries and LangChain, as strangers to the tests' environment."""
    return venv_of("clients", SDK_REQUIREMENTS, "Python client libraries (for the tests)")


def litellm_venv() -> Path:
    """LiteLLM, its client and its proxy: too many packages to share an environment with anything."""
    return venv_of("litellm", LITELLM_REQUIREMENTS, "LiteLLM (730 MB, for the tests)")


def venv_of(name: str, requirements: Path, what: str) -> Path:
    folder = cache_root() / "venv"
    folder.mkdir(parents=True, exist_ok=True)
    final = folder / f"{name}-{key_of([requirements.read_bytes(), sys.version])}"
    mark = final / ".complete"
    if mark.exists():
        return final
    with open(folder / f".{final.name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not mark.exists():
            with step(what):
                _make(final, requirements)
            mark.touch()
    return final


def _make(final: Path, requirements: Path) -> None:
    shutil.rmtree(final, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(final)], check=True)
    # Most modules of the large packages are never imported, so compiling them all would be time for nothing.
    install = [str(final / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes",
               "--only-binary=:all:", "--no-compile", "-r", str(requirements)]
    done = subprocess.run(install, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        print(done.stdout, file=sys.stderr)
        raise SystemExit(f"The packages of {requirements.name} could not be installed. Is the network there? Run `make setup` again.")
