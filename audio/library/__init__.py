"""A tree of files in; its songs, with their genres, albums and parts, out."""
