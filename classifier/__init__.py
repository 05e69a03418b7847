"""Clip and checkpoint in, prediction out."""
