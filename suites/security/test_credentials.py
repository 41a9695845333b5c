"""Credentials: no login of the platform opens with what anybody would try."""

from __future__ import annotations

import concurrent.futures
import functools
from typing import TYPE_CHECKING, Final

from constat.control import control
from constat.errors import Unobservable
from constat.judgement import Findings, Judgement, coverage
from constat.observe import http
from constat.outcome import Impact, Outcome, Severity
from suites.security import locks, weblocks
from suites.security.approach import approached

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from constat.stack import Stack
    from suites.security.locks import Lock

_AT_ONCE: Final = 12


@control(
    "SEC-DEF-01",
    severity=Severity.CRITICAL,
    impact=Impact.PROBE,
    needs=("listeners",),
    promises=("secrets.managed",),
    refs=("OWASP ASVS 2.10.2", "CIS Controls 4.7", "CWE-1392", "CWE-521", "ISO 27001 A.5.17"),
    remediation="Give the login a generated password, or remove it, and look through the logs for who has used it.",
)
def test_no_login_opens_with_a_default_or_a_guess(stack: Stack, findings: Findings) -> None:
    """No login that exists anywhere in the platform opens with a vendor's default, its own name or another common guess."""
    findings.judge(attack(stack, http.authority(stack)))


def attack(stack: Stack, ca: str) -> Iterator[Judgement]:
    """Find every lock of every store, then try each; a store whose logins cannot be listed is ERROR."""
    found, blind = enumerated(_stores(stack, ca))
    yield from blind
    with concurrent.futures.ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="lock") as pool:
        yield from pool.map(lambda lock: approached(lock.subject, lock.approach), found)
    left_out = (*(judgement.subject for judgement in blind), *_unguessed(stack, blind))
    yield coverage(len(found), len(found) + len(left_out), what="logins and servers with logins", left_out=left_out)


def _unguessed(stack: Stack, blind: list[Judgement]) -> tuple[str, ...]:
    return () if any(judgement.subject == "accounts" for judgement in blind) else weblocks.unguessed(stack)


def enumerated(stores: dict[str, Callable[[], Iterable[Lock]]]) -> tuple[list[Lock], list[Judgement]]:
    """The locks of each store, and a judgement for each that does not say which it has."""
    found, blind = [], []
    for name, listed in stores.items():
        try:
            found += list(listed())
        except Unobservable as problem:
            blind.append(Judgement(subject=name, outcome=Outcome.ERROR, reason=f"its logins cannot be listed: {problem}"))
    return found, blind


def _stores(stack: Stack, ca: str) -> dict[str, Callable[[], Iterable[Lock]]]:
    return {
        "accounts": functools.partial(weblocks.of_accounts, stack, ca),  # the slowest first
        "database": functools.partial(locks.of_database, stack),
        "cache": functools.partial(locks.of_cache, stack),
        "broker": functools.partial(locks.of_broker, stack),
        "object store": functools.partial(locks.of_objects, stack),
        "coordinator": functools.partial(locks.of_coordinator, stack),
        "secret store": functools.partial(weblocks.of_vault, stack),
        "web servers": functools.partial(weblocks.of_web, stack, ca),
    }
