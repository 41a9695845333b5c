"""Defects of a cluster, planted through its own API or on its machines."""
