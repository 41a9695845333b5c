"""The statement that is signed: an in-toto Statement v1 over every file of a bundle."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from constat.chain import digest
from constat.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from constat.finding import Json

TYPE: Final = "https://in-toto.io/Statement/v1"
PREDICATE: Final = "urn:constat:recovery-evidence:1"


@dataclass(frozen=True, kw_only=True)
class Statement:
    """What is vouched for; digests are SHA-256 in hexadecimal."""

    files: Mapping[str, str]  # path in the bundle → digest
    run: str
    started: str
    target: str
    target_digest: str
    plan_digest: str
    suite_version: str
    suite_commit: str
    verdict: str
    findings: int
    links: int
    head: str
    previous_head: str  # constat.chain.BEGINNING where this is the first
    previous_run: str
    lang: str

    def to_document(self) -> dict[str, Json]:
        """As in-toto has it: the files are the subjects, everything else is the predicate."""
        predicate = {name: value for name, value in asdict(self).items() if name != "files"}
        subjects = [{"name": name, "digest": {"sha256": digest}} for name, digest in sorted(self.files.items())]
        return {"_type": TYPE, "subject": subjects, "predicateType": PREDICATE, "predicate": predicate}

    @staticmethod
    def from_document(document: Json) -> Statement:
        """Read it back; raises UserError for a statement of another kind."""
        try:
            if (document["_type"], document["predicateType"]) != (TYPE, PREDICATE):
                msg = f"it states {document['predicateType']!r}, expected {PREDICATE!r}"
                raise UserError(msg)
            files = {subject["name"]: subject["digest"]["sha256"] for subject in document["subject"]}
            return Statement(files=files, **document["predicate"])
        except (KeyError, TypeError) as problem:
            msg = f"it is no statement of recovery evidence ({problem}); check it with the version of constat that made it"
            raise UserError(msg) from None


def target_digest(document: Json) -> str:
    """The digest of a target as it was understood: layout and comments of its file do not count."""
    return digest(json.dumps(document, sort_keys=True, separators=(",", ":")).encode())
