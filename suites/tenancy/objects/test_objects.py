"""Object store: no tenant, and nobody at all, sees, changes, destroys or names what another tenant keeps."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import itertools
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pytest

from constat.control import control
from constat.errors import Unobservable
from constat.judgement import Findings, Judgement, coverage
from constat.observe import objects as stores
from constat.outcome import Impact, Outcome, Severity
from suites.tenancy.campaign import Place, besiege
from suites.tenancy.objects import acts, addresses, configuration, copying, derived, listings, pairs
from suites.tenancy.objects.ground import WORD, Admin, Authority, Planted, at
from suites.tenancy.objects.scene import Scene
from suites.tenancy.objects.wire import Speaker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from constat.stack import KeyPair, Objects, Stack
    from suites.tenancy.campaign import Act
    from suites.tenancy.objects.derived import Identity, Rule

NEEDS: Final = ("objects", "tenants")
PROMISES: Final = ("isolation.storage",)
REFS: Final = ("OWASP API1:2023", "ISO 27001 A.8.3", "CIS Controls 3.3", "CWE-639")
NOBODY: Final = "nobody"
_AT_ONCE: Final = 4


@dataclass(frozen=True, kw_only=True)
class Field:
    """Every bucket with what was planted in it, and every way in."""

    objects: Objects
    admin: Admin
    authority: Authority
    keys: dict[str, KeyPair | None]
    speakers: dict[str, Speaker]
    pair: tuple[str, str]
    planted: dict[tuple[str, str], Planted]
    homes: frozenset[tuple[str, str]]
    buckets: tuple[stores.Bucket, ...]
    disposable: bool
    identities: tuple[Identity, ...]  # by the store's own list
    rules: tuple[Rule, ...]
    operators: frozenset[str]  # access keys of who works for all tenants

    def directions(self) -> Iterator[tuple[str, str]]:
        """Who attacks whom: each of the pair the other, and nobody the second of them."""
        mine, theirs = self.pair
        yield from ((mine, theirs), (theirs, mine), (NOBODY, theirs))

    def scenes(self) -> Iterator[Scene]:
        """Each attacker at each bucket."""
        for bucket in self.buckets:
            for who, victim in self.directions():
                own = self.planted[bucket.name, who] if (bucket.name, who) in self.homes else None
                yield Scene(
                    objects=self.objects,
                    bucket=bucket.name,
                    attacker=self.speakers[who],
                    nobody=self.speakers[NOBODY],
                    who=who,
                    own=own,
                    victim=self.planted[bucket.name, victim],
                    authority=self.authority,
                    admin=self.admin,
                )


@pytest.fixture(scope="module")
def field(stack: Stack, attack_pair: tuple[str, str]) -> Iterator[Field]:
    """Canaries of both tenants in every bucket, and a bucket for the administrator's own acts; all is removed afterwards."""
    assert stack.objects is not None  # the controls need it
    store = stack.objects
    keys: dict[str, KeyPair | None] = {name: stack.tenants[name].objects for name in attack_pair}
    with contextlib.ExitStack() as opened:
        speakers = {name: opened.enter_context(contextlib.closing(Speaker(store, pair))) for name, pair in {**keys, NOBODY: None}.items()}
        speaker = opened.enter_context(contextlib.closing(Speaker(store, store.admin)))
        admin, scratch = Admin(speaker), f"{WORD}-{secrets.token_hex(4)}"
        buckets = tuple(bucket for bucket in stores.buckets(store) if not bucket.name.startswith(WORD))
        _sweep(admin, buckets)
        opened.callback(_sweep, admin, buckets)
        admin.need("PUT", f"/{scratch}")
        admin.need("PUT", f"/{scratch}", ("versioning", ""), body=_ENABLED)
        planted, homes = _plant(admin, buckets, {name: speakers[name] for name in keys})
        contents = " ".join(planted[bucket.name, name].content for bucket in buckets for name in keys)
        yield Field(
            objects=store,
            admin=admin,
            authority=Authority(speaker=speaker, admin=admin, bucket=scratch, content=contents),
            keys={**keys, NOBODY: None},
            speakers=speakers,
            pair=attack_pair,
            planted=planted,
            homes=homes,
            buckets=buckets,
            disposable=stack.disposable,
            identities=derived.identities(stack),
            rules=derived.rules(stack, store, [bucket.name for bucket in buckets]),
            operators=frozenset({store.admin.access_key, store.service.access_key}),
        )


def _sweep(admin: Admin, buckets: tuple[stores.Bucket, ...]) -> None:
    """Remove everything of the suite's, also what an interrupted run has left."""
    for bucket in buckets:
        if not bucket.is_locked:
            admin.sweep(bucket.name)
    _remove_scratch(admin)


_ENABLED: Final = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"


def _plant(
    admin: Admin, buckets: tuple[stores.Bucket, ...], speakers: dict[str, Speaker]
) -> tuple[dict[tuple[str, str], Planted], frozenset[tuple[str, str]]]:
    """Plant as each tenant where it may; a bucket that would keep what is written gets nothing, and is attacked with what it has."""
    planted, homes = {}, set()
    for bucket in buckets:
        for name, tenant in speakers.items():
            if bucket.is_locked:
                planted[bucket.name, name] = Planted(
                    tenant=name, folder=f"{name}/{WORD}", content="", name="hidden", version="null", upload="0"
                )
                continue
            try:
                planted[bucket.name, name] = admin.plant(bucket.name, name, tenant)
                homes.add((bucket.name, name))
            except Unobservable:  # it has no place there: the administrator plants for it, and proves the verbs
                planted[bucket.name, name] = admin.plant(bucket.name, name, None)
    return planted, frozenset(homes)


def _remove_scratch(admin: Admin) -> None:
    for name in admin.buckets():
        if name.startswith(WORD):
            for entry in admin.versions(name, ""):
                admin.ask("DELETE", at(name, entry.key), ("versionId", entry.version))
            for entry in admin.uploads(name, ""):
                admin.ask("DELETE", at(name, entry.key), ("uploadId", entry.upload))
            admin.ask("DELETE", f"/{name}")


@control(
    "TEN-OBJ-01",
    severity=Severity.CRITICAL,
    impact=Impact.PROBE,
    needs=NEEDS,
    promises=PROMISES,
    refs=REFS,
    remediation="Confine the identity to objects below its own name, with the slash, for every action.",
)
def test_a_tenant_reaches_no_object_of_another(field: Field, findings: Findings) -> None:
    """No operation, spelling, copy, place that a rule names or key pair of the store's own list reaches another tenant's object."""

    def tried(scene: Scene) -> Iterable[Act]:
        yield from acts.operations(scene)
        yield from acts.spellings(scene)
        yield from copying.copies(scene)
        yield from acts.deletions(scene)

    undeclared = pairs.attacked(field.objects, field.identities, field.operators, field.planted)
    findings.judge(itertools.chain(_each(field, tried), _where_rules_lead(field, tried), undeclared))


@control(
    "TEN-OBJ-02",
    severity=Severity.CRITICAL,
    impact=Impact.PROBE,
    needs=NEEDS,
    promises=PROMISES,
    refs=REFS,
    remediation="Allow listing only with a condition on the prefix, and let the condition end with the slash.",
)
def test_a_listing_names_nothing_of_another_tenant(field: Field, findings: Findings) -> None:
    """No listing, with whatever parameters, names an object, a version, an upload or a prefix of another tenant."""
    findings.judge(_each(field, listings.listings))


@control(
    "TEN-OBJ-03",
    severity=Severity.CRITICAL,
    impact=Impact.PROBE,
    needs=NEEDS,
    promises=PROMISES,
    refs=REFS,
    remediation="Leave a bucket's configuration, and the account's own protocol, to the administrator.",
)
def test_a_tenant_changes_no_bucket(field: Field, findings: Findings) -> None:
    """No tenant reads or changes what holds for a bucket that it shares, makes or removes one, or makes keys for itself."""
    findings.judge(_configured(field))


@control(
    "TEN-OBJ-04",
    severity=Severity.CRITICAL,
    impact=Impact.PROBE,
    needs=NEEDS,
    promises=PROMISES,
    refs=REFS,
    remediation="Let the server check every part of a signed address: who, what, by which method, until when.",
)
def test_a_signed_address_opens_only_what_it_was_made_for(field: Field, findings: Findings) -> None:
    """An address that carries its signature opens nothing of another tenant: turned, out of date, or made in another's name."""

    def tried(scene: Scene) -> Iterable[Act]:
        victim = field.keys[scene.victim.tenant]
        assert victim is not None  # the victim is one of the pair
        yield from addresses.signed_addresses(scene, field.keys[scene.who], victim)

    findings.judge(_each(field, tried, only_homes=True))


def _each(field: Field, tried: Callable[[Scene], Iterable[Act]], *, only_homes: bool = False) -> Iterator[Judgement]:
    """Every scene, several at once; an attacker whom the store knows nowhere would prove nothing."""
    yield from _alive(field)
    scenes = [scene for scene in field.scenes() if scene.own is not None or not only_homes]
    by_bucket = [[scene for scene in scenes if scene.bucket == bucket] for bucket in sorted({scene.bucket for scene in scenes})]

    def attacked(bucket: list[Scene]) -> list[Judgement]:
        """One after the other: who attacks in one scene is the victim in the next."""
        return [besiege(_place(field, scene), tried(scene)) for scene in bucket]

    with concurrent.futures.ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="objects") as pool:
        for judgements in pool.map(attacked, by_bucket):
            yield from judgements
    known = {bucket for bucket, _ in field.homes} if only_homes else {bucket.name for bucket in field.buckets}
    yield coverage(len(by_bucket), len(known), what="buckets")


def _where_rules_lead(field: Field, tried: Callable[[Scene], Iterable[Act]]) -> Iterator[Judgement]:
    """The same where only a rule leads to, and saying what a rule asks to be said."""
    for scene in field.scenes():
        if not scene.victim.content:
            continue
        for folder in derived.folders(field.rules, scene.bucket, scene.victim.tenant):
            there = dataclasses.replace(scene, victim=field.admin.plant(scene.bucket, scene.victim.tenant, None, folder=folder), twins={})
            yield _besieged(field, there, tried, f"at {folder}")
        for said in derived.disguises(field.rules):
            with contextlib.closing(Speaker(field.objects, field.keys[scene.who], said=said)) as speaker:
                words = ", ".join(f"{name}: {value}" for name, value in said)
                yield _besieged(field, dataclasses.replace(scene, attacker=speaker, twins={}), tried, f"saying {words}")


def _besieged(field: Field, scene: Scene, tried: Callable[[Scene], Iterable[Act]], how: str) -> Judgement:
    place = _place(field, scene)
    return besiege(_named(place, f"{place.subject}, {how}"), tried(scene))


def _alive(field: Field) -> Iterator[Judgement]:
    for who in field.pair:
        if not any(name == who for _, name in field.homes):
            reason = f"{who!r} has no place of its own in any bucket: that it is refused elsewhere proves nothing"
            yield Judgement(subject=f"{who} itself", outcome=Outcome.ERROR, reason=reason)


def _place(field: Field, scene: Scene) -> Place:
    admin, bucket, victim = field.admin, scene.bucket, scene.victim
    subject = f"bucket {bucket}: {scene.who} against {victim.tenant}"
    if not victim.content:
        return Place(subject=subject, canaries=(), state=lambda: admin.state(bucket, victim), mend=lambda: None)
    kept = admin.baseline(bucket, victim)
    return Place(
        subject=subject,
        canaries=(victim.content, victim.name),
        state=lambda: admin.state(bucket, victim),
        mend=lambda: admin.mend(bucket, victim, kept),
    )


def _configured(field: Field) -> Iterator[Judgement]:
    yield from _alive(field)
    for bucket in field.buckets:
        kept, buckets = configuration.snapshot(field.admin, bucket.name), field.admin.buckets()
        place = Place(
            subject="",
            canaries=(),
            state=lambda bucket=bucket: configuration.worded(field.admin, bucket.name),  # type: ignore[misc]
            mend=lambda bucket=bucket, kept=kept, buckets=buckets: configuration.restore(field.admin, bucket.name, kept, buckets),  # type: ignore[misc]
        )
        for who, _ in field.directions():
            tried = configuration.bucket_acts(field.speakers[who], who, bucket.name, field.authority, disposable=field.disposable)
            yield besiege(_named(place, f"bucket {bucket.name}: {who}"), tried)
    for who, _ in field.directions():
        attacker = field.speakers[who]
        place = Place(subject=f"account: {who}", canaries=(), state=lambda: " ".join(sorted(field.admin.buckets())), mend=lambda: None)
        yield besiege(place, configuration.account_acts(attacker, who, field.authority))
    if not field.disposable:
        yield Judgement(
            subject="changes", outcome=Outcome.NOT_REVIEWED, reason="what holds for a bucket is changed only on a disposable target"
        )


def _named(place: Place, subject: str) -> Place:
    return Place(subject=subject, canaries=place.canaries, state=place.state, mend=place.mend)
