"""Claims about tenants in the secret store."""
