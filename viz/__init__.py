"""Numbers in, sheets of plots out; sheets in, files out (``paper``, ``table``)."""
