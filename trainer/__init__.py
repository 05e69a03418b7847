"""RunConfig in, checkpoint folder out, events on the way."""
