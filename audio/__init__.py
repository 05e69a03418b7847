"""Sound in, numbers out."""
