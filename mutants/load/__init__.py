"""Defects that the load family must notice."""
