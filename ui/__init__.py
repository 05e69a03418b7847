"""The page: read components, call the engine, show the answer. Gradio only."""
