"""Planted defects of `suites/tenancy/secrets`."""
