"""Measurements: what this project costs, beside what people would use instead."""
