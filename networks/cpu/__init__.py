"""A HuBERT or wav2vec2 in, the same numbers from a CPU in less time and memory out.

``frontend.optimize_for_cpu`` prepares a model for inference, and
``training.optimize_for_cpu`` for training; both rest on the same derivation. Other
models, and those on a GPU, are left as they are.
"""
