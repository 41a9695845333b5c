"""Claims about tenants in the object store."""
