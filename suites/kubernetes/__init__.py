"""Claims of the family `kubernetes`: what only a cluster can answer."""
