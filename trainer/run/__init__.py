"""A run as a folder: what it reports, where it is, how it ended."""
