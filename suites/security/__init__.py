"""Claims of the family `security`."""
