"""Defects that drills must notice."""
