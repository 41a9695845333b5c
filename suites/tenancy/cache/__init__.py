"""Claims about tenants in the cache."""
