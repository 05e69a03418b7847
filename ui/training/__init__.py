"""The tab Train: a new run, the run at work, all runs."""
