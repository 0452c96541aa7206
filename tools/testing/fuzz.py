"""Runs the fuzzers that `make fuzz` built, each for a while, from the seeds in tests/fuzz/PROGRAM and what earlier runs found.

    python -m tools.testing.fuzz [--seconds N] [NAME...]
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tools.testing.outcome import Outcome

TREE = Path(__file__).resolve().parents[2]
PROGRAMS = TREE / "build/fuzz/bin"
MEMORY_LIMIT_MB = 2048
INPUT_LIMIT_BYTES = 65536
INPUT_TIMEOUT_S = 10
AT_ONCE = 2


def run_fuzzers(seconds: int, names: list[str] | None = None, seed: int = 0) -> Outcome:
    """`seed` 0 draws one; a fixed seed goes the same way each time, so that `make test` fails only for what a change broke."""
    programs = sorted(PROGRAMS.glob("*_fuzz"))
    if names:
        wanted = {name.removesuffix("_fuzz") for name in names}
        programs = [program for program in programs if program.name.removesuffix("_fuzz") in wanted]
    if not programs:
        print("No fuzzer was built.")
        return Outcome(failed=1)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return sum(pool.map(lambda program: _run(program, seconds, seed), programs), Outcome())


def _run(program: Path, seconds: int, seed: int) -> Outcome:
    name = program.name.removesuffix("_fuzz")
    found = TREE / "build/fuzz/corpus" / name  # inputs that reached new code, kept between runs
    crashes = TREE / "build/fuzz/crashes"
    found.mkdir(parents=True, exist_ok=True)
    crashes.mkdir(parents=True, exist_ok=True)
    seeds = TREE / "tests/fuzz" / program.name
    command = [str(program), f"-seed={seed}", f"-max_total_time={seconds}", f"-rss_limit_mb={MEMORY_LIMIT_MB}", f"-max_len={INPUT_LIMIT_BYTES}",
               f"-timeout={INPUT_TIMEOUT_S}", "-print_final_stats=1", f"-artifact_prefix={crashes}/{name}-", str(found)]
    if seeds.is_dir():
        command.append(str(seeds))
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=TREE)
    output = done.stdout.decode(errors="replace")
    runs = re.search(r"stat::number_of_executed_units:\s*(\d+)", output)
    if done.returncode or not runs:
        print(output[-6000:])
        print(f"fuzzer {name}: failed; the input lies in {crashes.relative_to(TREE)}")
        return Outcome(failed=1)
    print(f"fuzzer {name}: {int(runs.group(1)):,} inputs in {seconds} s, nothing broke", flush=True)
    return Outcome(passed=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    outcome = run_fuzzers(arguments.seconds, arguments.names)
    print(outcome)
    sys.exit(1 if outcome.failed else 0)


if __name__ == "__main__":
    main()
