"""A HuBERT or wav2vec2 in, the same numbers in less CPU time out."""
