"""Planted defects of `suites/tenancy/objects`."""
