"""Claims about tenants at the message broker."""
