"""Planted defects: what proves that the controls can fail; mirrors the suites path for path."""
