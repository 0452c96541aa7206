"""The provocations that judge the dial's bounds, and what holds them in order."""
