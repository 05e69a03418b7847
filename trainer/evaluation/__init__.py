"""Evaluate models: predictions, scores, calibration, and comparison."""
