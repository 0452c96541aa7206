"""The checks: what Steward promises, judged from outside by anyone who has the binary. See tests/README.md for the contract."""
