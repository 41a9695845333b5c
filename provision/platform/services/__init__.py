"""The platform's own services: identity, property and search, one process each."""
