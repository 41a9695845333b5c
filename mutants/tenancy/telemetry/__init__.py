"""Planted defects of `suites/tenancy/telemetry`."""
