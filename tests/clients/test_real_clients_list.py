"""The list of real clients names what set-up pins: a version changed in one place alone is seen here, before any client runs."""

from __future__ import annotations

import json
import re

from tests.harness.paths import ROOT
from tests.realclients.catalog import committed, installed
from tests.realclients.sandbox import DRIVERS

TOOLS = ROOT / "tools"


def pinned(registry: str) -> dict[str, str]:
    if registry == "npm":
        return json.loads((TOOLS / "clients/package.json").read_text())["dependencies"]
    kind = "litellm" if registry == "litellm" else "clients"
    return dict(re.findall(r"^([\w.-]+)==(\S+)", (TOOLS / f"requirements-{kind}.txt").read_text(), re.MULTILINE))


def test_each_version_is_the_pinned_and_the_installed_one():
    for one in committed():
        pins = pinned(one.registry)
        assert one.versions == installed(one) == {package: pins.get(package) for package in one.versions}, one.name


def test_names_are_told_once_and_each_library_has_its_driver():
    clients = committed()
    assert len({one.name for one in clients}) == len(clients)
    assert all((DRIVERS / one.driver).is_file() for one in clients if one.kind == "library")
    used = {one.driver for one in clients if one.driver} | {"common.py", "common.mjs"}
    assert {path.name for path in DRIVERS.iterdir() if path.is_file()} == used


def test_no_registry_address_is_in_the_lock():
    lock = json.loads((TOOLS / "clients/package-lock.json").read_text())
    assert all("resolved" not in package for package in lock["packages"].values())
    served = [package for place, package in lock["packages"].items() if place and "os" not in package]
    assert served and all(package["integrity"].startswith("sha512-") for package in served)


def test_the_documentation_names_each_version():
    text = (ROOT / "docs/clients.md").read_text()
    assert [one.name for one in committed() for version in one.versions.values() if not re.search(rf"\b{re.escape(version)}\b", text)] == []
