"""A run folder in; the processes that carry the run out."""
