"""A visitor's request in, a page, an answer or a refusal out: what surrounds Gradio."""
