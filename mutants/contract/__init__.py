"""Planted defects of `suites/contract`."""
