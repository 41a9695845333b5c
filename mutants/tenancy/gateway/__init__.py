"""Planted defects of `suites/tenancy/gateway`."""
