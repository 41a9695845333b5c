"""Drills: steady state, fault, deadline, steady state; judged from what clients were told."""
