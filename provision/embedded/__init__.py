"""The platform as supervised processes on this machine."""
