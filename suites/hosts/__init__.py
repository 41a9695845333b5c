"""Claims of the family `hosts`."""
