"""Claims about tenants in the database."""
