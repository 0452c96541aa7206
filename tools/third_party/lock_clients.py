"""Renews the package-lock.json of tools/clients, or of the folder beside it that is named, after a version in its package.json was changed:
python3 -m tools.third_party.lock_clients [conformance]

npm leaves out an optional package that its registry does not serve (one of another platform, say), and `npm ci` then calls the lock
incomplete. So each such package gets an entry with the platform that its name tells, which keeps it from being asked for here. Addresses
of registries are left out: a lock serves whoever installs from another one.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.third_party.clients import PROJECT, npm_command

SYSTEMS = {"darwin": "darwin", "linux": "linux", "win32": "win32", "windows": "win32"}
MACHINES = ("arm64", "x64", "ia32", "arm", "s390x", "ppc64", "riscv64")


def platform_of(name: str) -> dict:
    words = name.split("/")[-1].split("-")
    told = {"os": [SYSTEMS[word] for word in words if word in SYSTEMS], "cpu": [word for word in words if word in MACHINES]}
    if not all(told.values()):
        raise SystemExit(f"{name}: the registry does not serve it, and its name tells no platform.")
    return told | ({"libc": ["musl"]} if "musl" in words else {})


def complete(lock: dict) -> int:
    """Adds the entries that npm left out; how many."""
    packages, added = lock["packages"], 0
    for place, package in list(packages.items()):
        for name, wanted in package.get("optionalDependencies", {}).items():
            if f"{place}/node_modules/{name}" not in packages and f"node_modules/{name}" not in packages:
                packages[f"node_modules/{name}"] = {"version": wanted.lstrip("^~"), "optional": True} | platform_of(name)
                added += 1
    lock["packages"] = dict(sorted(packages.items()))
    return added


def main() -> None:
    project = PROJECT.parent / (sys.argv[1] if len(sys.argv) > 1 else PROJECT.name)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(project / "package.json", folder)
        options = ["--package-lock-only", "--ignore-scripts", "--omit-lockfile-registry-resolved=true", "--no-audit", "--no-fund"]
        subprocess.run(npm_command(["install", *options]), cwd=folder, check=True)
        lock = json.loads((folder / "package-lock.json").read_text())
    added = complete(lock)
    (project / "package-lock.json").write_text(json.dumps(lock, indent=2) + "\n")
    print(f"{len(lock['packages']) - 1} packages, {added} of them of other platforms and not served by this registry.")


if __name__ == "__main__":
    main()
