"""Runs the test stages one after another, shows what failed, and sums what ran."""
