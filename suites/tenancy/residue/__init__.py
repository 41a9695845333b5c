"""Claims about tenants in what stays when a tenant has left."""
