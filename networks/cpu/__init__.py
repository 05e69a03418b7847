"""Optimise HuBERT and wav2vec2 for CPUs: the same outputs in less time and memory.

``frontend.optimize_for_cpu`` prepares a model for inference, and
``training.optimize_for_cpu`` for training; both rest on the same derivation, and on
``precision``, which says in what format products are computed. ``hubert`` is a usual
classifier without transformers. Other models, and those on a GPU, are left as they are.
"""
