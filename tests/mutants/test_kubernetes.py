"""Mutants of a cluster's objects undo exactly what they do."""

from __future__ import annotations

from typing import Any

from mutants.kubernetes.objects import before, declared


def test_a_merge_patch_is_undone_by_another() -> None:
    """What was there comes back, what was not goes again, and nothing else is touched."""
    entry: dict[str, Any] = {"metadata": {"name": "n", "labels": {"a": "1", "b": "2"}}, "spec": {"hard": {"pods": "5"}}}

    assert before({"metadata": {"labels": {"a": "3", "c": "4"}}}, entry) == {"metadata": {"labels": {"a": "1", "c": None}}}
    assert before({"spec": {"hard": {"pods": None}}}, entry) == {"spec": {"hard": {"pods": "5"}}}


def test_a_list_is_undone_whole() -> None:
    """A merge patch replaces lists, so the old one is put back."""
    assert before({"spec": {"egress": [1]}}, {"spec": {"egress": [1, 2]}}) == {"spec": {"egress": [1, 2]}}


def test_what_the_cluster_writes_is_no_part_of_an_object() -> None:
    """So that one that is made anew is the same."""
    entry = {"metadata": {"name": "n", "uid": "u", "resourceVersion": "7", "labels": {}}, "spec": {}, "status": {"phase": "Active"}}

    assert declared(entry) == {"metadata": {"name": "n", "labels": {}}, "spec": {}}
