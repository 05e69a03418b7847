"""The tab Classify, part by part."""
