"""The tab See: lessons on sound, in the order of the tutorial."""
