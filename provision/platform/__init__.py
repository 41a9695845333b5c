"""The reference platform: one component, one file, the same four verbs."""
