"""The tab Data: songs in, what is in them and wrong with them out."""
