"""Planted defects of `suites/tenancy/broker`."""
