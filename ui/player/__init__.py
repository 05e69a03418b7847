"""The chosen sound: upload, record, examples, play."""
