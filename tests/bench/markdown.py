"""Prints what a benchmark wrote last as the tables of docs/performance.md: `python -m tests.bench.markdown NAME`."""

from __future__ import annotations

import json
import sys

from tests.bench.report import RESULTS


def table(columns: list[str], rows: list[list[str]]) -> list[str]:
    return ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns), *("| " + " | ".join(row) + " |" for row in rows)]


def page(told: dict) -> str:
    columns = list(dict.fromkeys(key for row in told["rows"] for key in row))
    lines = table(columns, [[str(row.get(column, "")) for column in columns] for row in told["rows"]])
    lines += ["", *table(["ratio", ""], [[name, f"{value:,.3f}".removesuffix(".000")] for name, value in told["ratios"].items()])]
    lines += ["", *table(["aim", ""], [[aim, "met" if met else "**missed**"] for aim, met in told["met"].items()])]
    return "\n".join([*lines, "", f"Load of the machine when it was written: {told['machine']['load']}."])


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print(page(json.loads((RESULTS / f"{sys.argv[1]}.json").read_text())))
