"""Planted defects of `suites/tenancy/postgres`."""
