"""Logins: whoever can enter the database is declared, and none that works for tenants has an operator's power."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from constat.control import control
from constat.judgement import Findings, Judgement, coverage
from constat.observe import postgres, vault
from constat.outcome import Impact, Outcome, Severity
from constat.target import LoginKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.observe.postgres import Role
    from constat.stack import Stack
    from constat.target import DeclaredLogin, Target

# The longest that an issued login may be good for, in seconds: with more it is a standing one under another name.
LONGEST: Final = 24 * 3600


@control(
    "SEC-LOG-01",
    severity=Severity.CRITICAL,
    impact=Impact.OBSERVE,
    needs=("postgres",),
    promises=("isolation.database", "secrets.managed"),
    refs=("CIS PostgreSQL 4.3", "CIS Controls 5.1", "OWASP ASVS 4.1.3", "ISO 27001 A.8.2", "CWE-250"),
    remediation="Declare the login in [isolation.logins] with its reason, or drop it; revoke the power from a login of tenants.",
)
def test_every_login_is_declared_and_bound(stack: Stack, target: Target, findings: Findings) -> None:
    """Every database login is declared or freshly issued by the secret store, and none that works for tenants has an operator's power."""
    assert stack.postgres is not None  # the control needs it
    prefixes = vault.issued_prefixes(stack.vault) if stack.vault else ()
    findings.judge(judge_logins(postgres.roles(stack.postgres), target.isolation.logins, prefixes))


def judge_logins(roles: tuple[Role, ...], declared: dict[str, DeclaredLogin], prefixes: tuple[str, ...]) -> Iterator[Judgement]:
    """One judgement for each login that exists."""
    logins = [role for role in roles if role.can_login]
    groups = powerful(roles, declared)
    for role in logins:
        yield judge_login(role, declared.get(role.name), groups=groups, issued=is_issued(role, prefixes))
    yield coverage(len(logins), len(logins), what="logins of the database")


def judge_login(role: Role, declared: DeclaredLogin | None, *, groups: frozenset[str], issued: bool) -> Judgement:
    """FAIL for a login that nobody has declared or issued, and for a tenant-bound one with power of its own or by membership."""
    powers = (
        sorted(role.attributes) + sorted(f"member of {group}" for group in role.member_of & groups) + (["owner of objects"] * role.owns)
    )
    if declared is None and not issued:
        outcome, reason = Outcome.FAIL, "nobody has declared this login, and the secret store did not issue it for a short while"
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


def powerful(roles: tuple[Role, ...], declared: dict[str, DeclaredLogin]) -> frozenset[str]:
    """Roles that nobody may be a member of who works for tenants: PostgreSQL's own, operators, those with a power, and owners."""
    operators = {name for name, login in declared.items() if login.kind is LoginKind.OPERATOR}
    return frozenset(role.name for role in roles if role.is_built_in or role.name in operators or role.attributes or role.owns)


def is_issued(role: Role, prefixes: tuple[str, ...]) -> bool:
    """Whether the secret store has issued it: the name begins as its template does, and it expires within a day."""
    return any(role.name.startswith(prefix) for prefix in prefixes) and role.seconds_left is not None and role.seconds_left <= LONGEST
