"""What the web app is built and tested with: Node, and the npm packages of web/package-lock.json.

node_modules lies in the cache, by the digest of the lock file; web/node_modules is a link to it. No package's install script is run.
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

PROJECT = Path(__file__).resolve().parents[2] / "web"


def packages() -> Path:
    """The cached node_modules."""
    key = key_of([(PROJECT / "package-lock.json").read_bytes(), platform.machine()])
    return entry("web", "1", key, _install) / "node_modules"


def _install(out: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(PROJECT / name, out)
    options = ["--ignore-scripts", "--loglevel=error", "--no-audit", "--no-fund", "--cache", str(out.parent / "npm-cache")]
    environment = os.environ | {"PATH": f"{node() / 'bin'}:{os.environ.get('PATH', '')}", "NO_UPDATE_NOTIFIER": "1"}
    with step("Packages of the web app from npm (230 MB)"):
        done = subprocess.run(npm_command(["ci", *options]), check=False, cwd=out, env=environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        print(done.stdout, file=sys.stderr)
        raise SystemExit("The packages of web/ could not be installed from npm. Is the network there? Run `make setup` again.")
