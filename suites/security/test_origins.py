"""Origins: what a page of somebody else's may read with the browser of somebody who is signed in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constat.control import control
from constat.errors import Unobservable
from constat.judgement import Judgement, coverage
from constat.observe import http
from constat.outcome import Impact, Outcome, Severity
from suites.security.approach import named
from suites.security.strangers import web

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import httpx

    from constat.judgement import Findings
    from constat.observe.http import Reply
    from constat.stack import Stack

_ALLOWED, _WITH_CREDENTIALS = "access-control-allow-origin", "access-control-allow-credentials"


@control(
    "SEC-COR-01",
    severity=Severity.HIGH,
    impact=Impact.PROBE,
    needs=("gateway", "services"),
    promises=("isolation.gateway",),
    refs=("OWASP ASVS 14.5.3", "OWASP API8:2023", "CWE-942", "ISO 27001 A.8.26"),
    remediation="Name the origins that may read answers one by one; never repeat the caller's, and never allow `null`.",
)
def test_no_foreign_origin_may_read_answers(stack: Stack, findings: Findings) -> None:
    """No path of the gateway or of a service lets a page from a foreign origin read what its visitor is shown."""
    findings.judge(_attack(stack, http.authority(stack)))


def origins(door: str) -> tuple[str, ...]:
    """Somebody else's: unknown, a sandboxed page's, and those that a careless comparison takes for the door's own."""
    host = door.rpartition("/")[2]
    return ("https://attacker.invalid", "null", f"https://{host}.attacker.invalid", f"https://attacker-{host}", f"http://{host}")


def _attack(stack: Stack, ca: str) -> Iterator[Judgement]:
    doors, blind = _doors(stack), []
    paths = _paths(stack, ca)
    for name, base in doors.items():
        try:
            with http.client(ca, base) as client:
                yield judge_origins(name, _tried(client, base, paths), tried=len(paths))
        except Unobservable as problem:
            blind.append(name)
            yield Judgement(subject=name, outcome=Outcome.ERROR, reason=f"could not look: {problem}")
    yield coverage(len(doors) - len(blind), len(doors), what="doors", left_out=tuple(blind))


def _doors(stack: Stack) -> dict[str, str]:
    entries = [listener for listener in stack.listeners if listener.node in web.gateway_nodes(stack) and listener.tls]
    gateway = {named(entry): web.url(entry) for entry in entries} or ({"gateway": stack.gateway.url} if stack.gateway else {})
    return gateway | dict(stack.services)


def _paths(stack: Stack, ca: str) -> tuple[tuple[str, str], ...]:
    """Every operation that a service describes; a place in a path is as good as any other."""
    found = {("GET", "/")}
    for url in stack.services.values():
        with http.client(ca, url) as client:
            found |= {(route.method, route.path.replace("{", "").replace("}", "")) for route in http.routes(client)}
    return tuple(sorted(found))


def _tried(client: httpx.Client, base: str, paths: tuple[tuple[str, str], ...]) -> Iterator[tuple[str, str, Reply]]:
    for method, path in paths:
        for origin in origins(base):
            asked = {"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": "authorization"}
            yield f"OPTIONS {path}", origin, http.ask(client, "OPTIONS", path, headers=asked)
        # What changes nothing is asked itself too: some servers answer only that.
        if method == "GET":
            yield f"GET {path}", origins(base)[0], http.ask(client, "GET", path, headers={"Origin": origins(base)[0]})


def judge_origins(door: str, answers: Iterator[tuple[str, str, Reply]], *, tried: int) -> Judgement:
    """FAIL when an answer lets the foreign origin read it; of no path at all nothing is proven."""
    wrong = sorted({f"{act} for {origin}" for act, origin, reply in answers if lets(reply.headers, origin)})
    outcome = Outcome.FAIL if wrong else Outcome.PASS if tried else Outcome.NOT_REVIEWED
    return Judgement(
        subject=door,
        outcome=outcome,
        reason=f"lets a foreign page read {wrong[0]}" if wrong else f"lets nobody's page read any of {tried} paths",
        expected=[],
        observed=wrong[:20],
    )


def lets(headers: Mapping[str, str], origin: str) -> bool:
    """Whether the answer is meant for a page of that origin (Fetch, 3.2.5): it is named, or anybody is, with who the visitor is."""
    named_ones = {part.strip() for part in headers.get(_ALLOWED, "").split(",")}
    return origin in named_ones or ("*" in named_ones and headers.get(_WITH_CREDENTIALS, "").strip().lower() == "true")
