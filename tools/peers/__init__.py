"""Other people's gateways, which `make bench NAME=gateway` measures beside Steward. Nothing of them is part of the product or its tests."""
