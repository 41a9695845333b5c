"""The vocabulary of a verification: what a target, a control and a finding are."""
