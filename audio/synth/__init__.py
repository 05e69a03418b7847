"""Compose songs from seeds, and compute the built-in sounds."""
