"""A RunConfig and songs in, a trained model out."""
