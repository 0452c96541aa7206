"""python -m tests.realclients [NAME...] [--behind DIALECT]: some of the real clients against the built server, told as it goes.

NAME is a part of a client's name (clients.toml); without one, all of them run. This judges as the check `clients` does, but has no control.
"""

from __future__ import annotations

import argparse
import sys

from tests.realclients.catalog import committed
from tests.realclients.runs import DIALECTS, Run, perform, stage


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.realclients", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--behind", choices=DIALECTS, action="append")
    told = parser.parse_args()
    clients = [client for client in committed() if not told.names or any(name.lower() in client.name.lower() for name in told.names)]
    pairs = [(client, behind) for client in clients for behind in told.behind or DIALECTS]
    runs = [Run(client, behind, number) for number, (client, behind) in enumerate(pairs)]
    failed = 0
    with stage(runs) as on:
        for verdict in perform(on, runs):
            failed += bool(verdict.faults)
            print(f"{'FAILED' if verdict.faults else 'ok':6} {verdict.seconds:5.1f} s  {verdict.run.client.name} → {verdict.run.behind}")
            print("".join(f"         {fault}\n" for fault in verdict.faults), end="")
        for line in on.model.unreadable:
            print("the model behind could not read:", line)
    print(f"{len(runs) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
