"""Planted defects of `suites/tenancy`."""
