"""Planted defects of `suites/security`."""
