"""The outside world, one thing a file; adapters do not know each other."""
