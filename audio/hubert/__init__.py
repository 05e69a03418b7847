"""HuBERT's input, and the masked-prediction task of its pretraining."""
