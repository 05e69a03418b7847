"""What visitors take away: files, scripts, links."""
