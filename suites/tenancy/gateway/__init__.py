"""Claims about tenants in the gateway and the services' API."""
