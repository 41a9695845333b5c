"""Logins: whoever can enter the database is declared, and none has a power that its declaration does not name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from constat.control import control
from constat.errors import Unobservable
from constat.judgement import Findings, Judgement, coverage
from constat.observe import postgres, vault
from constat.outcome import Impact, Outcome, Severity
from constat.target import LoginKind
from suites.security import identities

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from constat.observe.postgres import Role
    from constat.stack import Stack
    from constat.target import DeclaredLogin, Store, Target
    from suites.security.identities import Listed

# The longest that an issued login may be good for, in seconds: with more it is a standing one under another name.
LONGEST: Final = 24 * 3600


@control(
    "SEC-LOG-01",
    severity=Severity.CRITICAL,
    impact=Impact.OBSERVE,
    needs=("postgres",),
    promises=("isolation.database", "secrets.managed"),
    refs=("CIS PostgreSQL 4.3", "CIS Controls 5.1", "OWASP ASVS 4.1.3", "ISO 27001 A.8.2", "CWE-250"),
    remediation="Declare the login in [isolation.logins] with its reason and powers, or drop it; revoke the power that is not.",
)
def test_every_login_is_declared_and_bound(stack: Stack, target: Target, findings: Findings) -> None:
    """Every database login is declared or freshly issued by the secret store, and none has a power that its declaration does not name."""
    assert stack.postgres is not None  # the control needs it
    prefixes = vault.issued_prefixes(stack.vault) if stack.vault else ()
    findings.judge(judge_logins(postgres.roles(stack.postgres), target.isolation.logins, prefixes))


@control(
    "SEC-LOG-02",
    severity=Severity.CRITICAL,
    impact=Impact.OBSERVE,
    needs=("listeners",),
    promises=("secrets.managed",),
    refs=("CIS Controls 5.1", "CIS Controls 6.2", "ISO 27001 A.5.16", "ISO 27001 A.5.18", "CWE-1391"),
    remediation="Declare the identity in [identities.<store>] with its reason, or remove it and look at what it has done.",
)
def test_every_identity_of_every_store_is_declared(stack: Stack, target: Target, findings: Findings) -> None:
    """Every user, key, role, token and account that any store knows is a test tenant's or declared."""
    findings.judge(judge_stores(identities.stores(stack), identities.of_tenants(stack), target.identities))


def judge_stores(listed: Mapping[str, Listed], tenants: frozenset[str], declared: Mapping[Store, Mapping[str, str]]) -> Iterator[Judgement]:
    """One judgement for each store; one that nobody can list is ERROR, one that the target says nothing of NOT_REVIEWED."""
    for store, listing in listed.items():
        try:
            known = {str(name): allowed for name, allowed in declared.items()}.get(store)
            yield judge_store(store, listing(), tenants, known)
        except Unobservable as problem:
            yield Judgement(subject=store, outcome=Outcome.ERROR, reason=f"its identities cannot be listed: {problem}")
    yield coverage(len(listed), len(listed), what="stores with identities")


def judge_store(store: str, found: frozenset[str], tenants: frozenset[str], declared: Mapping[str, str] | None) -> Judgement:
    """FAIL for each identity that is neither a tenant's nor declared; a store in which there is nobody at all was not looked at."""
    if declared is None:
        reason = f"the target declares nobody; add [identities.{store}] with name = reason for each of {', '.join(sorted(found))}"
        return Judgement(subject=store, outcome=Outcome.NOT_REVIEWED, reason=reason)
    known = tenants | declared.keys()
    unknown = sorted(name for name in found if name not in known and name.partition("/")[2] not in tenants)
    outcome = Outcome.FAIL if unknown else Outcome.PASS if found else Outcome.ERROR
    reason = (
        f"nobody has declared {', '.join(unknown)}" if unknown else "all are declared" if found else "the store says that it knows nobody"
    )
    return Judgement(subject=store, outcome=outcome, reason=reason, expected=[], observed=unknown)


def judge_logins(roles: tuple[Role, ...], declared: dict[str, DeclaredLogin], prefixes: tuple[str, ...]) -> Iterator[Judgement]:
    """One judgement for each login that exists."""
    logins = [role for role in roles if role.can_login]
    groups = powerful(roles, declared)
    for role in logins:
        yield judge_login(role, declared.get(role.name), groups=groups, issued=is_issued(role, prefixes))
    yield coverage(len(logins), len(logins), what="logins of the database")


def judge_login(role: Role, declared: DeclaredLogin | None, *, groups: frozenset[str], issued: bool) -> Judgement:
    """FAIL for a login that nobody has declared or issued, and for a tenant-bound one with power of its own or by membership."""
    powers = powers_of(role, groups)
    beyond = sorted(set(powers) - (declared.may if declared else frozenset()))
    if declared is None and not issued:
        outcome, reason = Outcome.FAIL, "nobody has declared this login, and the secret store did not issue it for a short while"
    elif beyond and declared is not None and declared.kind is LoginKind.OPERATOR:
        outcome, reason = Outcome.FAIL, f"{declared.reason}: has powers that nobody has declared: {', '.join(beyond)}"
    elif declared is not None and declared.kind is LoginKind.OPERATOR:
        outcome, reason = Outcome.PASS, f"operator: {declared.reason}"
    elif powers:
        outcome, reason = Outcome.FAIL, f"works for tenants and has an operator's power: {', '.join(powers)}"
    else:
        outcome, reason = Outcome.PASS, "works for tenants, and has no power of its own"
    kind = declared.kind.value if declared else LoginKind.TENANT_BOUND.value
    return Judgement(
        subject=role.name,
        outcome=outcome,
        reason=reason,
        expected=kind if declared or issued else "declared, or issued for at most a day",
        observed=", ".join(powers) or kind,
    )


def powers_of(role: Role, groups: frozenset[str]) -> list[str]:
    """What the login can do beyond its own tables, as the target names it: attributes, powerful groups, ownership, guarded functions."""
    return sorted(role.attributes) + sorted(role.member_of & groups) + ["owner of objects"] * role.owns + sorted(role.extras)


def powerful(roles: tuple[Role, ...], declared: dict[str, DeclaredLogin]) -> frozenset[str]:
    """Roles that nobody may be a member of who works for tenants: PostgreSQL's own, operators, those with a power, and owners."""
    operators = {name for name, login in declared.items() if login.kind is LoginKind.OPERATOR}
    return frozenset(role.name for role in roles if role.is_built_in or role.name in operators or role.attributes or role.owns)


def is_issued(role: Role, prefixes: tuple[str, ...]) -> bool:
    """Whether the secret store has issued it: the name begins as its template does, and it expires within a day."""
    return any(role.name.startswith(prefix) for prefix in prefixes) and role.seconds_left is not None and role.seconds_left <= LONGEST
