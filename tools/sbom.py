"""Writes the list of everything Steward is made with: a CycloneDX 1.6 document of the pinned packages, the Debian packages as they
are installed on this machine (those that the program links to with what they need in turn), and the packages that only the tests use; each
with version, licence, package URL, and digest where one is known.

    python3 -m tools.sbom build/sbom.json
    python3 -m tools.sbom --page > docs/dependencies.md
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import tomllib
import uuid
from pathlib import Path
from urllib.parse import quote

from tools.third_party.pins import all_pins

TOOLS = Path(__file__).resolve().parent
WEB = TOOLS.parent / "web"
BINARIES = [TOOLS.parent / "build/release" / name for name in ("bin/steward", "lib/steward-extract")]
VERSION = re.compile(r"^project\(steward VERSION (\S+)", re.MULTILINE)
LICENSES = tomllib.loads((TOOLS / "licenses.toml").read_text())
UNTOLD = "not told"  # in tools/licenses.toml; a test finds it, a build goes on
# An expression has no other words than identifiers and these; everything else is a name (CycloneDX tells the two apart).
EXPRESSION = re.compile(r"[\w.+-]+(?: (?:AND|OR|WITH) [\w.+-]+)*|\(.*\)|[\w.+-]+ (?:AND|OR) \(.*\)")


def licence(text: str) -> list[dict]:
    return [{"expression": text}] if EXPRESSION.fullmatch(text) else [{"license": {"name": text}}]


def component(registry: str, name: str, version: str, licences: list[dict], *, scope: str, arch: str = "", **more: object) -> dict:
    """`registry` as package URLs name it."""
    namespace = {"deb": "debian/"}.get(registry, "")
    path = "/".join(quote(part, safe="") for part in name.split("/"))
    purl = f"pkg:{registry}/{namespace}{path}@{quote(version, safe='.-~')}" + (f"?arch={arch}&distro=bookworm" if arch else "")
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "scope": scope, "licenses": licences, "purl": purl, **more}


def pinned() -> list[dict]:
    """What is built in or shipped beside."""
    out = []
    for pin in all_pins():
        hashes = [{"alg": "SHA-256", "content": pin.sha256}]
        said = licence(LICENSES["pinned"].get(pin.license, pin.license))
        out.append(component(pin.registry, pin.name, pin.version, said, scope="required", hashes=hashes, description=pin.holds))
    return out


def debian_names() -> list[str]:
    text = (TOOLS / "apt-packages.txt").read_text().partition("# for tests alone")[0]  # a set-up of the product has none of those
    return [line for line in text.split("\n") if line and not line.startswith("#")]


def linked() -> set[str]:
    """The packages of the shared libraries that the programs load, theirs too; empty before the first build."""
    if not all(binary.exists() for binary in BINARIES):
        return set()
    told = "".join(subprocess.run(["ldd", str(binary)], capture_output=True, text=True, check=True).stdout for binary in BINARIES)
    paths = {form for path in re.findall(r"=> (/\S+)", told) for form in (str(Path(path).resolve()), path, path.removeprefix("/usr"))}
    owners = subprocess.run(["dpkg-query", "-S", *sorted(paths)], check=False, capture_output=True, text=True).stdout
    return {line.split(":")[0] for line in owners.splitlines()}


def debian_licence(name: str) -> list[dict]:
    """Ours to say for what we chose; for what comes with it, the names in its copyright file."""
    if name in LICENSES["debian"]:
        return licence(LICENSES["debian"][name])
    file = Path("/usr/share/doc") / name / "copyright"
    names = sorted(set(re.findall(r"^License: *(\S.*?)\s*$", file.read_text(errors="replace"), re.MULTILINE))) if file.exists() else []
    return [{"license": {"name": one}} for one in names] or [{"license": {"name": f"as {file} says"}}]


def debian() -> list[dict]:
    runs = linked()
    query = ["dpkg-query", "-W", "-f", "${Package} ${Version} ${Architecture}\n", *sorted({*debian_names(), *runs})]
    lines = subprocess.run(query, capture_output=True, text=True, check=True).stdout.split("\n")
    found = sorted({tuple(line.split()) for line in lines if line})
    return [component("deb", name, version, debian_licence(name), scope="required" if name in runs else "optional", arch=machine) for name, version, machine in found]


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def python_packages() -> dict[tuple[str, str], list[str]]:
    """(name, version) → SHA-256 of the archives that set-up takes."""
    found: dict[tuple[str, str], list[str]] = {}
    for file in sorted(TOOLS.rglob("requirements*.txt")):
        text = file.read_text()
        for name, version, hashes in re.findall(r"^([\w.-]+)(?:\[[^\]]*\])?==(\S+)((?: *\\\n +--hash=sha256:\w+)*)", text, re.MULTILINE):
            found[canonical(name), version] = re.findall(r"sha256:(\w+)", hashes)
    return found


def npm_packages(folder: Path, *, dev: bool | None = None) -> dict[tuple[str, str], tuple[str, str]]:
    """(name, version) → licence, integrity; of one kind alone where `dev` is said."""
    locked = json.loads((folder / "package-lock.json").read_text())["packages"]
    found = {}
    for place, package in locked.items():
        if place and dev in (None, bool(package.get("dev"))):
            name = place.rpartition("node_modules/")[2]
            said = package.get("license", "")
            if not said or said.startswith("SEE "):
                said = next((text for start, text in sorted(LICENSES["npm"].items(), reverse=True) if name.startswith(start)), UNTOLD)
            found[name, package["version"]] = (said, package.get("integrity", ""))
    return found


def npm(packages: dict[tuple[str, str], tuple[str, str]], scope: str) -> list[dict]:
    out = []
    for (name, version), (said, integrity) in sorted(packages.items()):
        algorithm, _, digest = integrity.partition("-")
        hashes = {"hashes": [{"alg": "SHA-512", "content": base64.b64decode(digest).hex()}]} if algorithm == "sha512" else {}
        out.append(component("npm", name, version, licence(said), scope=scope, **hashes))
    return out


def web() -> list[dict]:
    """The npm packages that are part of the web app, which lies in the binary."""
    return [one | {"description": "the web app"} for one in npm(npm_packages(WEB, dev=False), "required")]


def tests() -> list[dict]:
    """What only the tests and the build of the web app use: Python packages, and what comes out of npm."""
    out = []
    for (name, version), digests in sorted(python_packages().items()):
        # One of several archives (by platform) is installed; an SBOM's hashes are all of one thing.
        hashes = [{"alg": "SHA-256", "content": digests[0]}] if len(digests) == 1 else []
        out.append(component("pypi", name, version, licence(LICENSES["pypi"].get(name, UNTOLD)), scope="excluded", **({"hashes": hashes} if hashes else {})))
    tools = {name: one for lock in sorted(TOOLS.rglob("package-lock.json")) for name, one in npm_packages(lock.parent).items()}
    return out + npm(tools | npm_packages(WEB, dev=True), "excluded")


def document() -> dict:
    version = VERSION.search((TOOLS.parent / "CMakeLists.txt").read_text()).group(1)
    root = {"type": "application", "bom-ref": "steward", "name": "steward", "version": version, "licenses": [{"expression": "Apache-2.0"}]}
    # One that is pinned and tested with stands once, as what it is to the product.
    components = list({one["bom-ref"]: one for one in [*tests(), *debian(), *web(), *pinned()]}.values())
    components.sort(key=lambda one: one["bom-ref"])
    needed = [one["bom-ref"] for one in components if one["scope"] == "required"]
    body = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": root},
        "components": components,
        "dependencies": [{"ref": "steward", "dependsOn": needed}],
    }
    # The same content has the same number: a build that changed nothing changes no file.
    return {"serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(body, sort_keys=True))}"} | body


def page() -> str:
    """docs/dependencies.md: what is the same on every machine."""

    def words(licences: list[dict]) -> str:
        return ", ".join(one.get("expression") or one["license"]["name"] for one in licences)

    rows = ["# Dependencies", "", "This page is written by `python3 -m tools.sbom --page`; don't edit it by hand. The versions of the Debian packages on the machine of a build, and",
            "what those need in turn, stand in its `build/sbom.json` (CycloneDX 1.6), which `packaging/install.sh` lays beside the documentation.", "",
            "## Built in or shipped", "", "| package | version | licence | holds |", "|---|---|---|---|"]
    rows += [f"| {one['name']} ({one['purl'].split(':')[1].split('/')[0]}) | {one['version']} | {words(one['licenses'])} | {one['description']} |" for one in [*pinned(), *web()]]
    rows += ["", "## Debian 12: compiler, libraries, run time", "", "| package | licence |", "|---|---|"]
    rows += [f"| {name} | {LICENSES['debian'].get(name, UNTOLD)} |" for name in sorted(debian_names())]
    rows += ["", "## Tests and build only, not shipped", "", "| package | version | licence |", "|---|---|---|"]
    rows += [f"| {one['name']} ({one['purl'].split(':')[1].split('/')[0]}) | {one['version']} | {words(one['licenses'])} |" for one in tests()]
    return "\n".join(rows) + "\n"


def main() -> None:
    if sys.argv[1] == "--page":
        print(page(), end="")
        return
    target = Path(sys.argv[1])
    text = json.dumps(document(), indent=2) + "\n"
    if not target.exists() or target.read_text() != text:
        target.write_text(text)


if __name__ == "__main__":
    main()
