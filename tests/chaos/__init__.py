"""Tests of the drills' measuring and judging."""
