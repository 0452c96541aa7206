"""Starts the shipped binary, speaks to it as a stranger would, and plays the provider behind it."""
