"""Writes the list of everything Steward is made with: a CycloneDX document of the pinned packages, the Debian packages as they
are installed on this machine, and the packages that only the tests use.

    python3 -m tools.sbom FILE
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

from tools.third_party.pins import all_pins

TOOLS = Path(__file__).resolve().parent
VERSION = re.compile(r"^project\(steward VERSION (\S+)", re.MULTILINE)


def pinned() -> list[dict]:
    return [
        {
            "type": "library",
            "name": pin.name,
            "version": pin.version,
            "description": pin.holds,
            "licenses": [{"license": {"name": pin.license}}],
            "hashes": [{"alg": "SHA-256", "content": pin.sha256}],
            "purl": f"pkg:{pin.registry}/{quote(pin.name)}@{pin.version}",
        }
        for pin in all_pins()
    ]


def debian() -> list[dict]:
    names = [line for line in (TOOLS / "apt-packages.txt").read_text().split("\n") if line and not line.startswith("#")]
    query = ["dpkg-query", "-W", "-f", "${Package} ${Version} ${Architecture}\n", *names]
    lines = subprocess.run(query, capture_output=True, text=True, check=True).stdout.split("\n")
    found = sorted({tuple(line.split()) for line in lines if line})
    return [
        {"type": "library", "name": name, "version": version, "purl": f"pkg:deb/debian/{name}@{quote(version)}?arch={machine}"}
        for name, version, machine in found
    ]


def tests() -> list[dict]:
    """What only the tests use: Python packages, and the clients out of npm."""
    text = "".join((TOOLS / f"requirements{kind}.txt").read_text() for kind in ("", "-clients", "-litellm", "-node"))
    python = [("pypi", name, version) for name, version in re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE)]
    locked = json.loads((TOOLS / "clients/package-lock.json").read_text())["packages"]
    npm = [("npm", place.rpartition("node_modules/")[2], package["version"]) for place, package in locked.items() if place]
    return [{"type": "library", "scope": "excluded", "name": name, "version": version, "purl": f"pkg:{registry}/{quote(name)}@{version}"}
            for registry, name, version in sorted({*python, *npm})]


def main() -> None:
    version = VERSION.search((TOOLS.parent / "CMakeLists.txt").read_text()).group(1)
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "steward", "version": version}},
        "components": pinned() + debian() + tests(),
    }
    target = Path(sys.argv[1])
    text = json.dumps(document, indent=2) + "\n"
    if not target.exists() or target.read_text() != text:
        target.write_text(text)


if __name__ == "__main__":
    main()
