"""Claims about tenants in searching."""
