"""Decode, analyse, transform and synthesise sound."""
