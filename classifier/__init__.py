"""Classify clips with a checkpoint."""
