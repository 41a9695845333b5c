"""Facts from servers: read only, frozen; what could not be observed is raised, never returned."""
