"""The list of dependencies: valid by CycloneDX's own schema, whole, each with a licence that SPDX knows, and the page made from it."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import cyclonedx.schema
import pytest
from jsonschema import Draft7Validator
from license_expression import get_spdx_licensing
from packageurl import PackageURL
from referencing import Registry, Resource

from tests.harness.paths import ROOT, extract_binary, steward_binary
from tools import sbom
from tools.third_party.pins import all_pins

SCHEMAS = Path(cyclonedx.schema.__file__).parent / "_res"
KNOWN = get_spdx_licensing()


@pytest.fixture(scope="module")
def document() -> dict:
    return sbom.document()


@pytest.fixture(scope="module")
def schema() -> Draft7Validator:
    """The published schema with the two that it refers to, from the package; nothing is fetched."""
    texts = {name: json.loads((SCHEMAS / f"{name}.SNAPSHOT.schema.json").read_text()) for name in ("bom-1.6", "spdx", "jsf-0.82")}
    registry = Registry().with_resources([(text["$id"], Resource.from_contents(text)) for text in texts.values()])
    return Draft7Validator(texts["bom-1.6"], registry=registry)


def test_the_schema_takes_it_and_would_not_take_less(document, schema):
    assert [error.message[:200] for error in schema.iter_errors(document)] == []
    assert list(schema.iter_errors(document | {"bomFormat": "another"}))
    assert list(schema.iter_errors(document | {"components": [{"type": "library"}]}))


def test_what_the_build_wrote_is_this(document):
    written = json.loads((ROOT / "build/sbom.json").read_text())
    assert {one["bom-ref"] for one in written["components"]} == {one["bom-ref"] for one in document["components"]}, "run make build"


def test_every_dependency_is_in_it(document):
    named = {(one["purl"].split(":")[1].split("/")[0], one["name"], one["version"]) for one in document["components"]}
    names = {(registry, name) for registry, name, _ in named}
    assert {(pin.registry, pin.name, pin.version) for pin in all_pins()} <= named
    assert {("deb", name) for name in sbom.debian_names()} <= names
    python = {(sbom.canonical(name), version) for file in (ROOT / "tools").rglob("requirements*.txt")
              for name, version in re.findall(r"^([\w.-]+)(?:\[[^\]]*\])?==(\S+)", file.read_text(), re.MULTILINE)}
    assert {("pypi", *one) for one in python} <= named | {(r, sbom.canonical(n), v) for r, n, v in named}
    locks = subprocess.run(["git", "ls-files", "*package-lock.json"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert len(locks) >= 2
    for lock in locks:
        locked = json.loads((ROOT / lock).read_text())["packages"]
        assert {("npm", place.rpartition("node_modules/")[2], one["version"]) for place, one in locked.items() if place} <= named, lock


def owners_of(paths: list[str]) -> dict[str, set[str]]:
    """The Debian packages that hold these files, under whichever of their names dpkg knows."""
    forms = {path: {path, path.removeprefix("/usr"), str(Path(path).resolve()), str(Path(path).resolve()).removeprefix("/usr")} for path in paths}
    done = subprocess.run(["dpkg-query", "-S", *sorted(set().union(*forms.values()))], check=False, capture_output=True, text=True)
    holds: dict[str, set[str]] = {}
    for line in done.stdout.splitlines():
        package, _, path = line.rpartition(": ")
        holds.setdefault(path, set()).add(package.split(":")[0])
    return {path: set().union(*(holds.get(form, set()) for form in names)) for path, names in forms.items()}


def test_what_the_program_links_to_is_in_it(document):
    """Asked of the loader and of dpkg here, not of tools/sbom.py."""
    programs = (steward_binary(), extract_binary())
    loaded = [path for program in programs for path in re.findall(r"=> (/\S+)", subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout)]
    required = {one["name"] for one in document["components"] if one["scope"] == "required"}
    assert {"libssl3", "libcurl4", "libicu72", "libpoppler-cpp0v5"} <= required and len(loaded) > 10
    owners = owners_of(loaded)
    assert {path: names for path, names in owners.items() if not names & required} == {}


def test_every_licence_is_known_and_every_address_reads(document):
    unknown = []
    for one in document["components"]:
        assert one["licenses"] and PackageURL.from_string(one["purl"]).version == one["version"], one["purl"]
        for said in one["licenses"]:
            expression = said.get("expression")
            if expression and KNOWN.validate(expression).errors:
                unknown.append((one["name"], expression))
    assert unknown == []
    named = {said["license"]["name"] for one in document["components"] if one["purl"].split(":")[1].startswith(("npm", "pypi")) for said in one["licenses"] if "license" in said}
    assert named <= {"Anthropic's commercial terms", "proprietary terms of its maker", "Public Domain"}, "a licence that is no SPDX expression"
    assert KNOWN.validate("Apache-9").errors, "the judge knows every word"


def test_digests_are_there_where_an_archive_is_pinned(document):
    for one in document["components"]:
        if one["purl"].startswith(("pkg:npm", "pkg:pypi")) and one["scope"] == "required":
            (digest,) = one["hashes"]  # npm's lock files have the longer one
            assert (digest["alg"], len(digest["content"])) in {("SHA-256", 64), ("SHA-512", 128)}, one["name"]


def test_the_page_is_made_from_it():
    assert (ROOT / "docs/dependencies.md").read_text() == sbom.page(), "python3 -m tools.sbom --page > docs/dependencies.md"
