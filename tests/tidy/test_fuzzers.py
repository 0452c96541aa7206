"""Every fuzzer is told in tests/README.md, starts from inputs of its own, and none of those is left without a fuzzer or grows large."""

from __future__ import annotations

import re
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
KEPT_BYTES = 400_000  # of one fuzzer's inputs
FUZZERS = {path.stem for path in (TREE / "src").rglob("*_fuzz.cc")}


def test_every_fuzzer_is_told():
    text = (TREE / "tests/README.md").read_text()
    told = {f"{name}_fuzz" for name in re.findall(r"^\| `(\w+)` \|", text.split("| fuzzer |")[1], re.MULTILINE)}
    assert told == FUZZERS


def test_every_fuzzer_has_inputs_and_all_inputs_a_fuzzer():
    folders = {path.name: [one for one in path.iterdir() if one.is_file()] for path in (TREE / "tests/fuzz").iterdir()}
    assert set(folders) == FUZZERS
    assert [name for name, inputs in folders.items() if not inputs] == []
    assert {name: size for name, inputs in folders.items() if (size := sum(one.stat().st_size for one in inputs)) > KEPT_BYTES} == {}
