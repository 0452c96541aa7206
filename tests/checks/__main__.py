"""python -m tests.checks NAME [KILLS=N] [--ci] | --all [--ci] | --list"""

from __future__ import annotations

import argparse
import importlib
import json
import sys

from tests.checks.contract import Check, Options, perform

NAMES = ("run", "wall", "crash", "rebuild", "fair", "hostile", "prices", "clients", "fallback", "recordings", "dialects", "store", "chaos", "drain", "upgrade", "journeys", "axe", "xss", "screens", "weight", "isolation", "disk", "power", "erase", "memory-isolation")


def load(name: str) -> Check:
    return importlib.import_module(f"tests.checks.{name.replace('-', '_')}").CHECK


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.checks", description="Judges the built binary; the last line is one JSON object.")
    parser.add_argument("words", nargs="*", metavar="NAME|SETTING=VALUE", help=f"one of {', '.join(NAMES)}, and its settings")
    parser.add_argument("--all", action="store_true", help="every check, one after another")
    parser.add_argument("--ci", action="store_true", help="the smaller size that fits continuous integration")
    parser.add_argument("--list", action="store_true", help="print the names")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    told = parse(arguments)
    names = [word for word in told.words if "=" not in word]
    settings = dict(word.split("=", 1) for word in told.words if "=" in word)
    if told.list:
        print("\n".join(NAMES))
        return 0
    if unknown := [name for name in names if name not in NAMES]:
        print(f"There is no check {unknown[0]}; there are: {', '.join(NAMES)}.", file=sys.stderr)
        return 2
    if not told.all and len(names) != 1:
        print("Name one check, or say --all.", file=sys.stderr)
        return 2
    options = Options(told.ci, settings)
    if not told.all:
        result = perform(load(names[0]), options)
        print(json.dumps(result))
        return 0 if result["ok"] else 1
    return run_all(options)


def run_all(options: Options) -> int:
    results = []
    for name in NAMES:
        results.append(perform(load(name), options))
        print(json.dumps(results[-1]), flush=True)
    failed = [one["name"] for one in results if not one["ok"]]
    seconds = round(sum(one["seconds"] for one in results), 1)
    print(json.dumps({"name": "all", "ok": not failed, "seconds": seconds, "checks": len(results), "failed": failed}))
    print(f"{len(results) - len(failed)} passed, {len(failed)} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
