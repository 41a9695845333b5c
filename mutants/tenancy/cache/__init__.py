"""Planted defects of `suites/tenancy/cache`."""
