"""Images of the platform's components: built here, from Debian and PyPI alone."""
