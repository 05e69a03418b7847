"""Fine-tune audio classifiers on music genres, as runs of their own process."""
