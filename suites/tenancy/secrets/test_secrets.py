"""Secret store: no tenant reads, changes, destroys or names another's secrets, nor takes its place; what is taken back is gone."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import pytest

from constat.control import control
from constat.judgement import Findings, Judgement, coverage
from constat.observe import vault as vaults
from constat.outcome import Impact, Outcome, Severity
from suites.tenancy.campaign import Place, besiege
from suites.tenancy.secrets import acts, confinement, derived, effective, ground, revocation
from suites.tenancy.secrets.acts import Scene
from suites.tenancy.secrets.ground import WORD, Planted, Speaker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.attempt import Answer
    from constat.stack import AppRole, Stack, Vault

NEEDS: Final = ("vault", "tenants")
PROMISES: Final = ("isolation.storage", "secrets.managed")
REFS: Final = ("OWASP API1:2023", "ISO 27001 A.8.3", "CWE-639", "CWE-522")
NOBODY: Final = "nobody"


@dataclass(frozen=True, kw_only=True)
class Field:
    """Everybody's tokens and secrets, and what the server describes of itself."""

    vault: Vault
    oracle: Speaker
    speakers: dict[str, Speaker]
    roles: dict[str, AppRole]
    planted: dict[str, Planted]
    # What lies where only a rule leads to.
    derived: tuple[Planted, ...]
    left_out: tuple[str, ...]
    pair: tuple[str, str]
    stack: Stack
    # How each attacker's permitted twins fared: on its own, whoever is attacked.
    twins: dict[str, dict[str, Answer]] = dataclasses.field(default_factory=dict)

    def scenes(self) -> Iterator[tuple[Scene, Place]]:
        """Each of the pair against the other, and nobody against the second."""
        mine, theirs = self.pair
        for who, own, victim in ((mine, mine, theirs), (theirs, theirs, mine), (NOBODY, mine, theirs)):
            scene = Scene(
                attacker=self.speakers[who],
                own=self.planted[own],
                victim=self.planted[victim],
                victims_accessor=self.speakers[victim].accessor,
                oracle=self.oracle,
                disposable=self.stack.disposable,
                twins=self.twins.setdefault(who, {}),
            )
            yield scene, self.place(f"{who} against {victim}", victim)

    def beside(self) -> Iterator[tuple[Scene, Place]]:
        """Everybody against what lies where only a rule leads to."""
        for scene, _ in self.scenes():
            for item in self.derived:
                if item.tenant == scene.victim.tenant:
                    subject = f"{scene.attacker.who} against {item.place} of {item.tenant}"
                    yield replace(scene, victim=item), self._place_beside(subject, item)

    def _place_beside(self, subject: str, item: Planted) -> Place:
        def mend() -> None:
            derived.remove(self.oracle, (item,))
            for _ in range(2):
                self.oracle.ask("POST", f"{item.mount}/data/{item.known}", {"data": {"canary": item.content}})

        accessor = self.speakers[item.tenant].accessor
        return Place(subject=subject, canaries=(item.content,), state=lambda: ground.state(self.oracle, item, accessor), mend=mend)

    def place(self, subject: str, victim: str) -> Place:
        """The victim's side."""
        planted, accessor = self.planted[victim], self.speakers[victim].accessor

        def mend() -> None:
            self.oracle.ask("DELETE", f"{planted.mount}/metadata/{planted.known}")
            for path in (planted.known, planted.known, planted.hidden):
                self.oracle.ask("POST", f"{planted.mount}/data/{path}", {"data": {"canary": planted.content}})

        return Place(
            subject=subject,
            canaries=(planted.content, planted.name),
            state=lambda: ground.state(self.oracle, planted, accessor),
            mend=mend,
        )


@pytest.fixture(scope="module")
def field(stack: Stack, attack_pair: tuple[str, str]) -> Iterator[Field]:
    """Log everybody in and plant; every secret of the suite's is removed afterwards, and the tokens are given back."""
    assert stack.vault is not None  # the controls need it
    vault = stack.vault
    with contextlib.ExitStack() as opened:
        oracle = Speaker(opened.enter_context(vaults.connect(vault, token=vault.admin_token)), "admin", token=vault.admin_token)
        ground.sweep(oracle, vault.mount)
        opened.callback(ground.sweep, oracle, vault.mount)
        roles = {name: stack.tenants[name].vault for name in attack_pair}
        speakers = {name: opened.enter_context(ground.speaking(vault, name, role)) for name, role in roles.items()}
        speakers[NOBODY] = opened.enter_context(ground.speaking(vault, NOBODY, None))
        led, left_out = _planted_where_rules_lead(oracle, vault.mount, tuple(stack.tenants), attack_pair)
        opened.callback(derived.remove, oracle, led)
        yield Field(
            vault=vault,
            oracle=oracle,
            speakers=speakers,
            roles=roles,
            planted={name: ground.plant(speakers[name], vault.mount, name) for name in attack_pair},
            derived=led,
            left_out=left_out,
            pair=attack_pair,
            stack=stack,
        )


def _planted_where_rules_lead(
    oracle: Speaker, mount: str, tenants: tuple[str, ...], pair: tuple[str, str]
) -> tuple[tuple[Planted, ...], tuple[str, ...]]:
    """What was planted, and the places where something real is already."""
    rules = derived.rules(oracle)
    asked = [(tenant, place) for tenant in pair for place in derived.places(rules, mount, tenants, tenant)]
    planted = {place: derived.plant(oracle, mount, tenant, place) for tenant, place in asked}
    return tuple(item for item in planted.values() if item is not None), tuple(place for place, item in planted.items() if item is None)


@control(
    "TEN-VAU-01",
    severity=Severity.CRITICAL,
    impact=Impact.PROBE,
    needs=NEEDS,
    promises=PROMISES,
    refs=REFS,
    remediation="Let every path of the tenant's policy end with a slash and a star, below its own name only.",
)
def test_a_tenant_reaches_no_secret_of_another(field: Field, findings: Findings) -> None:
    """By no verb, no spelling and no listing is a secret of another tenant read, changed, destroyed or named."""
    findings.judge(_attacked(field))


@control(
    "TEN-VAU-02",
    severity=Severity.CRITICAL,
    impact=Impact.PROBE,
    needs=NEEDS,
    promises=PROMISES,
    refs=REFS,
    remediation="Take the path out of the tenant's policy; leave roles, policies, tokens and leases to the administrator.",
)
def test_a_tenant_takes_nobodys_place(field: Field, findings: Findings) -> None:
    """No described path grants a tenant anything but its own secrets and token: no role, policy, token, lease or login of another."""
    findings.judge(_taken(field))


@control(
    "TEN-VAU-03",
    severity=Severity.CRITICAL,
    impact=Impact.PROBE,
    needs=NEEDS,
    promises=PROMISES,
    refs=REFS,
    remediation="Bind each role to the policy of one tenant, ask for its secret, and let each policy name one tenant.",
)
def test_every_role_and_policy_is_confined(field: Field, findings: Findings) -> None:
    """A token with any policy there is, or by any role there is, reads the secrets of its own tenant at most."""
    findings.judge(_confined(field))


@control(
    "TEN-VAU-04",
    severity=Severity.HIGH,
    impact=Impact.PROBE,
    needs=NEEDS,
    promises=("secrets.managed",),
    refs=("OWASP ASVS 2.10.1", "ISO 27001 A.5.18", "CWE-613"),
    remediation="Let the revocation reach what was issued: the token, the role's secret, the database login and its sessions.",
)
def test_what_is_taken_back_stops_working(field: Field, findings: Findings) -> None:
    """A revoked token, a destroyed secret, a used wrapping and an ended lease open nothing any more, at the database neither."""
    findings.judge(_revoked(field))


def _attacked(field: Field) -> Iterator[Judgement]:
    for scene, place in field.scenes():
        yield besiege(place, itertools.chain(acts.verbs(scene), acts.spellings(scene), acts.listings(scene)))
    for scene, place in field.beside():
        yield besiege(place, acts.verbs(scene))
    known = len(field.derived) + len(field.left_out)
    if known:
        yield coverage(len(field.derived), known, what="places that rules lead to", left_out=field.left_out)


def _taken(field: Field) -> Iterator[Judgement]:
    known = vaults.kept_names(field.vault)
    for scene, place in field.scenes():
        if scene.attacker.token:
            victim = scene.victim.tenant
            names = (victim, f"{victim}-{WORD}", *sorted(name for name in known if victim in name))
            paths = vaults.paths(field.vault, name=victim)
            everything = itertools.chain(
                effective.concrete([path.template for path in paths], names), effective.led_to(derived.rules(field.oracle), victim)
            )
            tried = itertools.chain(
                acts.described(scene, paths),
                acts.takeovers(scene, field.roles[scene.attacker.who], field.roles[victim]),
                effective.granted(scene, everything),
            )
            yield besiege(place, tried)


def _confined(field: Field) -> Iterator[Judgement]:
    planted = (*field.planted.values(), *field.derived)
    seen = [
        *confinement.policies(field.vault, field.oracle, planted),
        *confinement.roles(field.vault, field.oracle, planted),
        *confinement.entities(field.vault, field.oracle, planted),
    ]
    yield from (confinement.judge(reach, planted) for reach in seen)
    yield from confinement.bare_roles(field.vault, field.oracle)
    unknown = confinement.unknown_methods(field.vault)
    known = len(vaults.auth_methods(field.vault))
    yield coverage(known - len(unknown), known, what="ways to log in", left_out=unknown)


def _revoked(field: Field) -> Iterator[Judgement]:
    for name in field.pair:
        yield from revocation.tokens(field.vault, field.oracle, name, field.roles[name])
    issuers = [mount for mount, engine in field.oracle.need("GET", "sys/mounts")["data"].items() if engine["type"] == "database"]
    for mount in issuers:
        for role in vaults.names(field.vault, f"{mount}roles"):
            if field.stack.postgres is None:
                yield Judgement(subject=f"{mount}{role}", outcome=Outcome.NOT_REVIEWED, reason="the stack has no database to log in to")
            else:
                yield from revocation.leases(field.stack.postgres, field.oracle, f"{mount}creds/{role}")
