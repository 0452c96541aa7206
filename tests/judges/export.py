"""Reads what `steward journal export` wrote: one JSON object a line, a record each, in the order of its tenant's chain."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path


def read_export(path: Path) -> Iterator[dict]:
    """Each record, with the stored text of its body under `body_text` and what it says under `body`."""
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            text = record["body"]
            record["body_text"] = text or ""
            record["body"] = json.loads(text) if text else {}
            yield record


@dataclass
class Call:
    """A model call, put together from its records."""

    id: str
    reserved: list[dict] = field(default_factory=list)
    settled: list[dict] = field(default_factory=list)


def calls_of(records: list[dict]) -> dict[str, Call]:
    calls: dict[str, Call] = {}
    for record in records:
        place, _, call_id = record["stream"].partition("/")
        if place != "call":
            continue
        call = calls.setdefault(call_id, Call(call_id))
        if record["kind"] == "call.reserved":
            call.reserved.append(record["body"])
        elif record["kind"] == "call.settled":
            call.settled.append(record["body"])
    return calls
