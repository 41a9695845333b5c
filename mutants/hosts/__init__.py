"""Planted defects of `suites/hosts`."""
