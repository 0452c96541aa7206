"""The Model Context Protocol's conformance suite out of npm, for the tests: at the version and digests of tools/conformance/package-lock.json.

Apart from the other clients (clients.py), so that a new version of it doesn't bring those anew. It runs on the same Node, and none of its
packages' scripts is run.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from tools.third_party.cache import entry, key_of
from tools.third_party.clients import node, npm_command
from tools.third_party.say import step

PROJECT = Path(__file__).resolve().parents[1] / "conformance"


def suite() -> Path:
    """The cached folder with node_modules/."""
    return entry("conformance", "1", key_of([(PROJECT / "package-lock.json").read_bytes(), platform.machine()]), _install)


def _install(out: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(PROJECT / name, out)
    environment = os.environ | {"PATH": f"{node() / 'bin'}:{os.environ.get('PATH', '')}", "NO_UPDATE_NOTIFIER": "1"}
    command = npm_command(["ci", "--ignore-scripts", "--loglevel=error", "--no-audit", "--no-fund", "--cache", str(out.parent / "npm-cache")])
    with step("MCP's conformance suite from npm (50 MB, for the tests)"):
        done = subprocess.run(command, check=False, cwd=out, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        print(done.stdout, file=sys.stderr)
        raise SystemExit("What tools/conformance names could not be installed from npm. Is the network there? Run `make setup` again.")
