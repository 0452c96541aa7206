"""Writes the list of everything Steward is made with: a CycloneDX document of the pinned packages, the Debian packages as they
are installed on this machine, and the Python packages of the tests.

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


def python() -> list[dict]:
    pins = re.findall(r"^([\w.-]+)==(\S+)", (TOOLS / "requirements.txt").read_text(), re.MULTILINE)
    return [{"type": "library", "scope": "excluded", "name": name, "version": version, "purl": f"pkg:pypi/{name}@{version}"}
            for name, version in pins]


def main() -> None:
    version = VERSION.search((TOOLS.parent / "CMakeLists.txt").read_text()).group(1)
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "steward", "version": version}},
        "components": pinned() + debian() + python(),
    }
    target = Path(sys.argv[1])
    text = json.dumps(document, indent=2) + "\n"
    if not target.exists() or target.read_text() != text:
        target.write_text(text)


if __name__ == "__main__":
    main()
