"""Attach to a platform that is already there; create nothing on it."""
