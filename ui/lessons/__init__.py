"""The tab See, one lesson after the other."""
