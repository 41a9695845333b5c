"""Planted defects of `suites/tenancy/search`."""
