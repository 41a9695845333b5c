"""Support module: bundles of a recorded run, signed with made-up keys, and every way to tamper with one."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import strategies as st

from constat import chain
from reports.bundle import layout
from reports.bundle.envelope import seal
from reports.bundle.make import Order, files
from reports.bundle.statement import Statement

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hypothesis.strategies import SearchStrategy

RECORDED = Path(__file__).resolve().parents[1] / "recorded"
RUN, DETECTION = RECORDED / "recovery", RECORDED / "detection"
KEY = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
STRANGER = Ed25519PrivateKey.from_private_bytes(b"\x02" * 32)

Tree = dict[str, bytes]


@cache
def genuine() -> Mapping[str, bytes]:
    """The evidence of the recorded run; made once, because typesetting takes its time."""
    return files(Order(run=RUN, self_test=DETECTION, previous=None, lang="en"), KEY)


@cache
def following() -> Mapping[str, bytes]:
    """The same run again, as the report after that one."""
    return files(Order(run=RUN, self_test=None, previous=statement(genuine()), lang="fr"), KEY)


def statement(tree: Mapping[str, bytes]) -> Statement:
    """What a bundle states, whoever has signed it."""
    from securesystemslib.dsse import Envelope  # noqa: PLC0415 - only here is a signature not looked at

    return Statement.from_document(json.loads(Envelope.from_dict(json.loads(tree[layout.ENVELOPE_FILE])).payload))


def written(tree: Mapping[str, bytes], directory: Path) -> Path:
    """Write a bundle; returns the directory."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in tree.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(content)
    return directory


def resigned(tree: Mapping[str, bytes], key: Ed25519PrivateKey, **fields: Any) -> Tree:
    """The bundle with its statement changed and signed anew."""
    document = statement(tree).to_document()
    document["predicate"] |= fields
    return {**tree, layout.ENVELOPE_FILE: seal(document, key)}


def tampered() -> SearchStrategy[Tree]:
    """The genuine bundle, changed in one of many ways; sometimes in a way that changes nothing."""
    names = sorted(genuine())
    ways: list[SearchStrategy[Tree]] = [
        st.builds(_flipped, st.sampled_from(names), st.integers(0, 10**6), st.integers(1, 255)),
        st.builds(_cut, st.sampled_from(names), st.integers(0, 10**6)),
        st.builds(_extended, st.sampled_from(names), st.binary(min_size=1, max_size=9) | st.sampled_from([b"\n", b" ", b"\0"])),
        st.builds(_without, st.sampled_from(names)),
        st.builds(_with, st.sampled_from(["new", "run/new.json", "run/evidence/BAK-01/new.txt", ".hidden"]), st.binary(max_size=9)),
        st.builds(_exchanged, st.sampled_from(names), st.sampled_from(names)),
        st.builds(_renamed, st.sampled_from(names), st.sampled_from(["elsewhere", "run/evidence/BAK-02/moved.txt"])),
        st.builds(_findings, st.permutations(range(len(_lines())))),
        st.builds(_findings, st.lists(st.integers(0, len(_lines()) - 1), max_size=len(_lines()))),
        st.builds(_reforged, st.integers(0, len(_lines()) - 1)),
        st.sampled_from([_respelled(), _signed_twice(), _with_field(), _under_another_name(), {**genuine(), **_envelope_of(following())}]),
    ]
    return st.one_of(ways)


def _flipped(name: str, place: int, mask: int) -> Tree:
    content = bytearray(genuine()[name])
    content[place % len(content)] ^= mask
    return {**genuine(), name: bytes(content)}


def _cut(name: str, place: int) -> Tree:
    content = genuine()[name]
    return {**genuine(), name: content[: place % len(content)]}


def _extended(name: str, more: bytes) -> Tree:
    return {**genuine(), name: genuine()[name] + more}


def _without(name: str) -> Tree:
    return {path: content for path, content in genuine().items() if path != name}


def _with(name: str, content: bytes) -> Tree:
    return {**genuine(), name: content}


def _exchanged(one: str, other: str) -> Tree:
    return {**genuine(), one: genuine()[other], other: genuine()[one]}


def _renamed(name: str, other: str) -> Tree:
    return {other if path == name else path: content for path, content in genuine().items()}


def _lines() -> list[bytes]:
    return layout.finding_lines(genuine()[layout.FINDINGS])


def _findings(places: list[int]) -> Tree:
    return {**genuine(), layout.FINDINGS: b"".join(_lines()[place] + b"\n" for place in places)}


def _reforged(place: int) -> Tree:
    """A finding left out, and the chain made anew over what is left: everything agrees but the signature."""
    tree = _findings([number for number in range(len(_lines())) if number != place])
    return {**tree, layout.CHAIN_FILE: chain.to_lines(chain.forge(layout.items(tree)))}


def _envelope() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(genuine()[layout.ENVELOPE_FILE])
    return document


def _envelope_of(tree: Mapping[str, bytes]) -> Tree:
    return {layout.ENVELOPE_FILE: tree[layout.ENVELOPE_FILE]}


def _respelled() -> Tree:
    return {**genuine(), layout.ENVELOPE_FILE: json.dumps(_envelope(), indent=1).encode()}


def _signed_twice() -> Tree:
    other = json.loads(seal(statement(genuine()).to_document(), STRANGER))
    both = _envelope() | {"signatures": _envelope()["signatures"] + other["signatures"]}
    return {**genuine(), layout.ENVELOPE_FILE: json.dumps(both, sort_keys=True, separators=(",", ":")).encode()}


def _with_field() -> Tree:
    signatures = [{**_envelope()["signatures"][0], "more": 1}]
    return {**genuine(), layout.ENVELOPE_FILE: json.dumps(_envelope() | {"signatures": signatures}, sort_keys=True).encode()}


def _under_another_name() -> Tree:
    """A stranger's signature that calls itself by the known key's id."""
    document = json.loads(seal(statement(genuine()).to_document(), STRANGER))
    document["signatures"][0]["keyid"] = _envelope()["signatures"][0]["keyid"]
    return {**genuine(), layout.ENVELOPE_FILE: json.dumps(document, sort_keys=True, separators=(",", ":")).encode()}
