"""A seed in, composed songs and the built-in sounds out."""
