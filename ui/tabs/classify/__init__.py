"""The tab Classify: a sound or many and models in, genres out."""
