"""Benchmarks of the shipped binary beside a peer in the same run: ratios of medians, since machines are shared and noisy."""
