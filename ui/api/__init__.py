"""The endpoints for programs, and what they answer."""
