"""Claims of the family `tenancy`."""
