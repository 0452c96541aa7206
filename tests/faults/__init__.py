"""Faults of the network and of upstreams, as programs outside the product: a proxy that breaks things, and a provider that lies."""
