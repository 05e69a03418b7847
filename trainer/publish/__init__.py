"""A finished run in; a model card, a push, a rented machine out."""
