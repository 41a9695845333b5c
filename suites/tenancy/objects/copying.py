"""Copies: the victim's object brought to the attacker's place, and the attacker's onto the victim's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constat.attempt import Answer
from suites.tenancy.campaign import OK, Act
from suites.tenancy.objects.acts import harmless
from suites.tenancy.objects.ground import Admin, answered
from suites.tenancy.objects.scene import HARMLESS
from suites.tenancy.objects.wire import Request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from suites.tenancy.objects.ground import Planted
    from suites.tenancy.objects.scene import Scene


def copies(scene: Scene) -> Iterator[Act]:
    """The victim's object copied to the attacker, and the attacker's onto the victim's."""
    if scene.own is None:
        return
    own, victim = scene.own, scene.victim
    for source in _sources(scene, victim):
        for verb, query in (("copy", ()), ("copy a part", (("partNumber", "1"),))):
            yield Act(
                name=f"{verb} from {source}",
                twin=lambda: scene.once("copy", lambda: _copied(scene, f"/{scene.bucket}/{own.known}", (), own.content)),
                forbidden=lambda source=source, query=query: _copied(scene, source, query, victim.content),  # type: ignore[misc]
                refusals=HARMLESS,
                own=own.content,
                reproduction=f"as {scene.who}: PUT /{scene.bucket}/{own.folder}/… [x-amz-copy-source: {source}]",
            )
    for header in ("x-amz-copy-source", "x-amz-rename-source"):
        query = (("renameObject", ""),) if "rename" in header else ()
        onto = Request(method="PUT", path=scene.path(victim), query=query, headers={header: f"/{scene.bucket}/{own.known}"})
        yield harmless(scene, f"{header} onto the victim's", onto, writes=True)
        away = Request(
            method="PUT", path=f"/{scene.bucket}/{own.folder}/away", query=query, headers={header: f"/{scene.bucket}/{victim.known}"}
        )
        yield harmless(scene, f"{header} from the victim's", away, writes=True)


def _sources(scene: Scene, victim: Planted) -> tuple[str, ...]:
    assert scene.own is not None  # asked by the caller
    bucket, key = scene.bucket, victim.known
    own = scene.own.tenant
    return (
        f"/{bucket}/{key}",
        f"{bucket}/{key}",
        f"/{bucket}/{key}?versionId={victim.version}",
        f"/{bucket}/{own}/../{key}",
        f"/{bucket}/{own}/%2e%2e/{key}",
        f"%2F{bucket}%2F{key.replace('/', '%2F')}",
        f"/{bucket}//{key}",
        f"//{bucket}/{key}",
        f"/{bucket}/./{key}",
        f"arn:aws:s3:::{bucket}/{key}",
    )


def _copied(scene: Scene, source: str, query: tuple[tuple[str, str], ...], content: str) -> Answer:
    """Copy to a place of one's own and read it there; what the victim has must not have arrived."""
    spare = scene.spare()
    path, parts = scene.path(spare, f"{spare.folder}/copy"), query
    if query:
        scene.admin.begin_upload(scene.bucket, spare, Admin(scene.attacker))
        path, parts = scene.path(spare, spare.uploading), (*query, ("uploadId", spare.upload))
    answer = answered(scene.attacker.ask(Request(method="PUT", path=path, query=parts, headers={"x-amz-copy-source": source})))
    if answer.kind != OK or query:
        reached = answer.kind == OK and bool(query)
        return Answer(kind=answer.kind, shown=answer.shown, reached=reached)
    arrived = answered(scene.attacker.ask(Request(method="GET", path=path)))
    return Answer(kind=OK if arrived.shows(content) else "own only", shown=arrived.shown)
