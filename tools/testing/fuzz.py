"""Runs the fuzzers that `make fuzz` built, each for a while, from the inputs in tests/fuzz/PROGRAM and what earlier runs found.

    python -m tools.testing.fuzz [--seconds N] [--keep] [NAME...]

With --keep what was found, and seeds cut from the recorded provider traffic (seeds.py), are merged into tests/fuzz: inputs whose names are
not 40 hexadecimal digits were put there by people and stay, the others are the fewest that reach the same code. An input that broke a
fuzzer lies in build/fuzz/crashes; once mended it goes to tests/fuzz/PROGRAM under a name that says what it was, and is tried ever after.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from tools.testing.outcome import Outcome

TREE = Path(__file__).resolve().parents[2]
PROGRAMS = TREE / "build/asan/bin"
FOUND = TREE / "build/fuzz/corpus"
CRASHES = TREE / "build/fuzz/crashes"
KEPT = TREE / "tests/fuzz"
MEMORY_LIMIT_MB = 2048
INPUT_LIMIT_BYTES = 65536
KEPT_LIMIT_BYTES = 8192  # of one input in tests/fuzz
INPUT_TIMEOUT_S = 10
AT_ONCE = 2
MADE = re.compile(r"[0-9a-f]{40}")  # libFuzzer's name of an input: its SHA-1
OPTIONS = {"ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=0:allocator_may_return_null=1", "UBSAN_OPTIONS": "print_stacktrace=1"}


def find_programs(names: list[str] | None = None) -> list[Path]:
    programs = sorted(PROGRAMS.glob("*_fuzz"))
    wanted = {name.removesuffix("_fuzz") for name in names or []}
    if unknown := wanted - {program.name.removesuffix("_fuzz") for program in programs}:
        sys.exit(f"There is no fuzzer {', '.join(sorted(unknown))}; there are {', '.join(program.name for program in programs)}.")
    return [program for program in programs if not wanted or program.name.removesuffix("_fuzz") in wanted]


def run_fuzzers(seconds: int, names: list[str] | None = None, seed: int = 0) -> Outcome:
    """`seed` 0 draws one; a fixed seed goes the same way each time, so that `make test` fails only for what a change broke."""
    programs = find_programs(names)
    if not programs:
        print("No fuzzer was built.")
        return Outcome(failed=1)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return sum(pool.map(partial(_run, seconds=seconds, seed=seed), programs), Outcome())


def _run(program: Path, seconds: int, seed: int) -> Outcome:
    name = program.name.removesuffix("_fuzz")
    found, kept = FOUND / name, KEPT / program.name
    found.mkdir(parents=True, exist_ok=True)
    CRASHES.mkdir(parents=True, exist_ok=True)
    command = [str(program), f"-seed={seed}", f"-max_total_time={seconds}", f"-rss_limit_mb={MEMORY_LIMIT_MB}", f"-max_len={INPUT_LIMIT_BYTES}",
               f"-timeout={INPUT_TIMEOUT_S}", "-print_final_stats=1", f"-artifact_prefix={CRASHES}/{name}-", str(found)]
    if kept.is_dir():
        command.append(str(kept))
    output = _output(command)
    runs = re.search(r"stat::number_of_executed_units:\s*(\d+)", output)
    if "ERROR: " in output or not runs:
        print(output[-6000:])
        print(f"fuzzer {name}: failed; the input lies in {CRASHES.relative_to(TREE)}")
        return Outcome(failed=1)
    print(f"fuzzer {name}: {int(runs.group(1)):,} inputs in {seconds} s, nothing broke", flush=True)
    return Outcome(passed=1)


def _output(command: list[str]) -> str:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=TREE, env=os.environ | OPTIONS)
    return done.stdout.decode(errors="replace") + ("" if done.returncode == 0 else f"\nERROR: it ended with {done.returncode}\n")


def keep(program: Path) -> Outcome:
    """Makes tests/fuzz/PROGRAM anew from what lies there, the recordings' seeds and what runs found."""
    from tools.testing.seeds import write_seeds

    kept, found = KEPT / program.name, FOUND / program.name.removesuffix("_fuzz")
    with tempfile.TemporaryDirectory() as folder:
        old, new, seeds = Path(folder, "old"), Path(folder, "new"), Path(folder, "seeds")
        for one in (old, new, seeds, found, kept):
            one.mkdir(parents=True, exist_ok=True)
        for path in kept.iterdir():
            shutil.move(path, old if MADE.fullmatch(path.name) else new)
        write_seeds(program.name, seeds)
        output = _output([str(program), "-set_cover_merge=1", "-use_counters=0", f"-max_len={KEPT_LIMIT_BYTES}", f"-timeout={INPUT_TIMEOUT_S}",
                          f"-rss_limit_mb={MEMORY_LIMIT_MB}", *map(str, (new, old, seeds, found))])
        for path in new.iterdir():
            shutil.move(path, kept)
    if "ERROR: " in output:
        print(output[-3000:])
        return Outcome(failed=1)
    sizes = [path.stat().st_size for path in kept.iterdir()]
    print(f"fuzzer {program.name}: {len(sizes)} inputs kept, {sum(sizes):,} bytes", flush=True)
    return Outcome(passed=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--keep", action="store_true", help="afterwards merge what was found into tests/fuzz")
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    outcome = run_fuzzers(arguments.seconds, arguments.names) if arguments.seconds else Outcome()
    if arguments.keep:
        outcome += sum(map(keep, find_programs(arguments.names)), Outcome())
    print(outcome)
    sys.exit(1 if outcome.failed else 0)


if __name__ == "__main__":
    main()
