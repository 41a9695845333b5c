"""Planted defects of `suites/tenancy/residue`."""
