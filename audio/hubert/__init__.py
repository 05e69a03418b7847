"""Samples in, what HuBERT gets and learned to guess out."""
