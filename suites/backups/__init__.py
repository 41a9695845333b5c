"""Claims of the family `backups`."""
