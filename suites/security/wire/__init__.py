"""Protocols word by word, where client libraries hide what a stranger gets to see."""
