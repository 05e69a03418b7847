"""The tab Train: a form in, a run started; a run folder in, its page out."""
