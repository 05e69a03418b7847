"""A model and songs in, scores out."""
