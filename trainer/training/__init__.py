"""Fine-tune a model on a run's songs with transformers' Trainer."""
