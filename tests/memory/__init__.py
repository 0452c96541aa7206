"""What judges the memory from outside: question sets, attempts to poison it, and what holds those in order."""
