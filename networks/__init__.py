"""Load checkpoints and run them: what training and classification share."""
