"""Defects of backups and of the archive."""
