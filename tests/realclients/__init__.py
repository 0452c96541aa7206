"""Real clients, unmodified, pointed at Steward: each holds a streamed, tool-using conversation with a scripted model behind it."""
