"""Songs in, a map of them out: near each other what a model computes alike."""
