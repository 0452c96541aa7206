"""Each known provider stands in docs/providers.md with its address, its variable and its dialect."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_table_of_providers_is_told() -> None:
    rows = re.findall(r'STEWARD_PROVIDER\("([^"]+)", "([^"]*)", "([^"]*)"', (ROOT / "src/base/providers.def").read_text())
    page = (ROOT / "docs/providers.md").read_text()
    assert len(rows) > 20
    for name, address, variables in rows:
        [line] = [line for line in page.splitlines() if line.startswith(f"| {name} |")]
        assert (address or "yours") in line, name
        assert all(f"`{variable}`" in line for variable in variables.split("|") if variable), name
