"""Readiness: a service says it when a server that it works with does not answer."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from constat import deadlines, wait
from constat.control import control
from constat.errors import NotReady, Unobservable
from constat.judgement import Judgement, coverage
from constat.observe import host as hosts
from constat.observe import http, relays
from constat.outcome import Impact, Occasion, Outcome, Severity
from suites.contract.test_health import IN_ORDER

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from constat.judgement import Findings
    from constat.machines import Machines
    from constat.observe.relays import Wire
    from constat.stack import Stack


@control(
    "CON-LIV-02",
    severity=Severity.HIGH,
    impact=Impact.DISRUPT,
    needs=("services", "tenants", "machines", "listeners", "local_processes"),
    promises=("discovery",),
    refs=("ISO 27001 A.8.14", "ISO 27001 A.8.16", "SOC 2 A1.2"),
    remediation="Let /ready ask the server itself, with a time limit, each time that it is asked.",
    occasion=Occasion.DRILL,
)
def test_a_server_that_does_not_answer_shows_in_ready(stack: Stack, findings: Findings) -> None:
    """While a server that a service is connected to does not answer, the service's /ready names something that is not in order."""
    assert stack.machines is not None  # the control needs it
    findings.judge(_take_away(stack, stack.machines))


def _take_away(stack: Stack, machines: Machines) -> Iterator[Judgement]:
    _await_ready(stack, stack.services)
    _work(stack)
    needed = worked_with(stack, relays.connections(hosts.local()))
    tried = 0
    for server, services in sorted(needed.items()):
        with machines.freeze(server):
            for service in sorted(services):
                yield judge_silence(service, server, _told(stack, service))
                tried += 1
        _await_ready(stack, services)
    without = tuple(sorted(set(stack.services) - {service for services in needed.values() for service in services}))
    yield coverage(tried, tried + len(without), what="connections of services to servers", left_out=without)


def _work(stack: Stack) -> None:
    """Have every service do what a tenant may ask of it, so that it is connected to what it works with, whatever /ready asks."""
    authority, login = http.authority(stack), next(iter(stack.tenants.values())).api
    with http.client(authority, stack.gateway.url if stack.gateway else stack.services["identity"]) as client:
        reply = http.ask(client, "POST", "/api/identity/token", value={"user": login.user, "password": login.password})
        token = http.expect(reply, what="the sign-in").json()["access_token"]
    for url in stack.services.values():
        with http.client(authority, url, headers={"Authorization": f"Bearer {token}"}) as client:
            for route in http.routes(client):
                if route.method == "GET" and "{" not in route.path:
                    asked = [part["name"] for part in route.operation.get("parameters", ()) if part.get("required")]
                    http.ask(client, "GET", route.path, params=dict.fromkeys(asked, "constat") or None)


def worked_with(stack: Stack, wires: Collection[Wire]) -> Mapping[str, set[str]]:
    """Each server, by its node, and the services that are connected to it."""
    places = {(listener.host, listener.port): listener.node for listener in stack.listeners}
    found: dict[str, set[str]] = defaultdict(set)
    for wire in wires:
        client = relays.node(wire.process, stack.run_dir)
        if wire.there in places and client in stack.services and client != places[wire.there]:
            found[places[wire.there]].add(client)
    return found


def _told(stack: Stack, service: str) -> dict[str, str]:
    """What the service says of what stands behind it, once anything is wrong or the time for it has passed."""
    try:
        return wait.until(
            lambda: _dependencies(stack, service),
            what=f"{service} notices",
            within=deadlines.SERVICE_ANSWERS,
            retry=(Unobservable,),
            every=0.2,
            holds=lambda seen: bool(set(seen.values()) - IN_ORDER),
        )
    except NotReady:
        pass  # by its own word nothing is wrong, or it does not answer either
    try:
        return _dependencies(stack, service)
    except Unobservable:
        return {"/ready itself": "does not answer"}  # which a balancer takes for not ready, as it should


def _dependencies(stack: Stack, service: str) -> dict[str, str]:
    with http.client(http.authority(stack), stack.services[service]) as client:
        return http.readiness(client).dependencies


def _await_ready(stack: Stack, services: Collection[str]) -> None:
    for service in services:
        wait.until(
            lambda service=service: _dependencies(stack, service),  # type: ignore[misc]  # bound at once
            what=f"{service} is ready",
            within=deadlines.STACK_HEALED,
            retry=(Unobservable,),
            every=0.2,
            holds=lambda seen: bool(seen) and set(seen.values()) <= IN_ORDER,
        )


def judge_silence(service: str, server: str, told: Mapping[str, str]) -> Judgement:
    """FAIL when everything is in order by the service's word while a server does not answer."""
    named = sorted(dependency for dependency, state in told.items() if state not in IN_ORDER)
    return Judgement(
        subject=f"{service} without {server}",
        outcome=Outcome.PASS if named else Outcome.FAIL,
        reason=f"/ready names {', '.join(named)}" if named else f"/ready finds everything in order while {server} does not answer",
        expected="something that is not in order",
        observed="something that is not in order" if named else "everything in order",
    )
