"""Write model cards, push models to the Hub, and submit Hugging Face Jobs."""
