"""Claims of the family `contract`."""
