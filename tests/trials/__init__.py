"""Steward where it is meant to live: in its container, and as a service of a booted systemd.

`python -m tests.trials container` and `python -m tests.trials service` install it as docs/operations.md says and do what an operator does; each
needs root, takes minutes, and prints what it measured. They are no part of `make test`.
"""
