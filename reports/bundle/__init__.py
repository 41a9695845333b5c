"""Signed evidence: a run, its self-test and its report in one directory that can be checked offline."""
