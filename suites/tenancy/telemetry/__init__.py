"""Claims about tenants in logs, metrics and error pages."""
