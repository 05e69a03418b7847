"""A checkpoint and sound in, logits out: what training and classification share."""
