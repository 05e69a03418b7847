"""Describe numbers as sheets of plots, and write these to files."""
