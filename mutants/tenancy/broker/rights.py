"""Defects of the broker's rights, users and plumbing that people really make."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from constat.mutant import Mutant, Scope, State
from constat.needed import needed
from constat.observe import broker, http
from constat.observe.topology import definitions

if TYPE_CHECKING:
    from constat.stack import Broker, Stack

TOUCH, MANAGE, CARRY, USERS = "TEN-BRO-01", "TEN-BRO-02", "TEN-BRO-03", "TEN-BRO-04"
_MISSING: Final = 404
_EVERYTHING: Final = {"configure": ".*", "write": ".*", "read": ".*"}
_OWN: Final = {"configure": r"^t1\.", "write": r"^t1\.", "read": r"^t1\."}
# Places in the paths: the virtual hosts of the two tenants.
_MINE, _THEIRS = "{mine}", "{theirs}"

Call = tuple[str, str, dict[str, Any] | None]


def calls(mutant_id: str, title: str, plant: tuple[Call, ...], revert: tuple[Call, ...], *, controls: tuple[str, ...]) -> Mutant:
    """Make a mutant of calls of the management API; what is removed may be gone already."""
    return Mutant(
        id=mutant_id,
        title=title,
        scope=Scope.STORE,
        controls=controls,
        prepare=lambda stack: {"before": fingerprint(stack)},
        plant=lambda stack, _state: _call(stack, plant),
        confirm=lambda stack, state: fingerprint(stack) != state["before"],
        revert=lambda stack, _state: _call(stack, revert),
        fingerprint=fingerprint,
    )


def _broker(stack: Stack) -> Broker:
    return needed(stack.broker, "broker")


def _call(stack: Stack, asked: tuple[Call, ...]) -> None:
    messages = _broker(stack)
    places = {"mine": quote(messages.vhost_of("t1"), safe=""), "theirs": quote(messages.vhost_of("t10"), safe="")}
    with broker.management(messages) as client:
        for method, path, value in asked:
            reply = http.ask(client, method, f"/api/{path.format(**places)}", value=value)
            if method != "DELETE" or reply.status != _MISSING:
                http.expect(reply, what=path)


def fingerprint(stack: Stack) -> str:
    """The server's whole configuration, but for the hashes of passwords."""
    found = definitions(_broker(stack))
    lines = (
        f"{kind} {sorted((name, str(value)) for name, value in item.items() if name != 'password_hash')}"
        for kind, items in found.items()
        for item in items
    )
    return "\n".join(sorted(lines))


def _tags(stack: Stack, tags: str) -> None:
    """Give the tenant's user tags, and leave its password as it is."""
    messages = _broker(stack)
    with broker.management(messages) as client:
        known = http.expect(http.ask(client, "GET", "/api/users/t1"), what="/api/users/t1").json()
        value = {"password_hash": known["password_hash"], "hashing_algorithm": known["hashing_algorithm"], "tags": tags}
        http.expect(http.ask(client, "PUT", "/api/users/t1", value=value), what="/api/users/t1")


def _untagged(stack: Stack, state: State) -> None:
    del state  # it had none
    _tags(stack, "")


def _is_tagged(stack: Stack, state: State) -> bool:
    return bool(fingerprint(stack) != state["before"])


MUTANTS: Final = (
    calls(
        "MUT-TEN-BRO-01",
        "a tenant was given every right in its own virtual host, where the platform's exchanges are",
        (("PUT", f"permissions/{_MINE}/t1", _EVERYTHING),),
        (("PUT", f"permissions/{_MINE}/t1", _OWN),),
        controls=(TOUCH,),
    ),
    calls(
        "MUT-TEN-BRO-02",
        "a tenant may read in a neighbour's virtual host, for a merger",
        (("PUT", f"permissions/{_THEIRS}/t1", {"configure": "^$", "write": "^$", "read": ".*"}),),
        (("DELETE", f"permissions/{_THEIRS}/t1", None),),
        controls=(TOUCH, CARRY, USERS),
    ),
    calls(
        "MUT-TEN-BRO-03",
        "a tenant shares a neighbour's virtual host, confined to its own names only",
        (("PUT", f"permissions/{_THEIRS}/t1", _OWN),),
        (("DELETE", f"permissions/{_THEIRS}/t1", None),),
        controls=(TOUCH,),
    ),
    calls(
        "MUT-TEN-BRO-04",
        "the pattern of names lost its dot in a shared virtual host, and t1 is how t10 begins",
        (("PUT", f"permissions/{_THEIRS}/t1", {"configure": "^t1", "write": "^t1", "read": "^t1"}),),
        (("DELETE", f"permissions/{_THEIRS}/t1", None),),
        controls=(TOUCH, CARRY, USERS),
    ),
    Mutant(
        id="MUT-TEN-BRO-05",
        title="a tenant's user may look at the management pages, for its own dashboard",
        scope=Scope.STORE,
        controls=(MANAGE, USERS),
        prepare=lambda stack: {"before": fingerprint(stack)},
        plant=lambda stack, _state: _tags(stack, "monitoring"),
        confirm=_is_tagged,
        revert=_untagged,
        fingerprint=fingerprint,
    ),
    calls(
        "MUT-TEN-BRO-06",
        "a tenant's audit queue was bound in the virtual host of another",
        (
            ("PUT", f"queues/{_THEIRS}/t1.audit", {"durable": True}),
            ("POST", f"bindings/{_THEIRS}/e/property.events/q/t1.audit", {"routing_key": "#"}),
        ),
        (("DELETE", f"queues/{_THEIRS}/t1.audit", None),),
        controls=(CARRY,),
    ),
    calls(
        "MUT-TEN-BRO-07",
        "a policy collects every dead letter of one tenant in a queue of another's name",
        (
            ("PUT", f"queues/{_THEIRS}/t1.dead", {"durable": True}),
            (
                "PUT",
                f"policies/{_THEIRS}/collect",
                {
                    "pattern": ".*",
                    "apply-to": "queues",
                    "priority": 9,
                    "definition": {"dead-letter-exchange": "", "dead-letter-routing-key": "t1.dead"},
                },
            ),
        ),
        (("DELETE", f"policies/{_THEIRS}/collect", None), ("DELETE", f"queues/{_THEIRS}/t1.dead", None)),
        controls=(CARRY,),
    ),
    calls(
        "MUT-TEN-BRO-08",
        "a user for an integration was made with every right for two tenants, and nobody wrote it down",
        (
            ("PUT", "users/integration", {"password_hash": "", "tags": ""}),
            ("PUT", f"permissions/{_MINE}/integration", _EVERYTHING),
            ("PUT", f"permissions/{_THEIRS}/integration", _EVERYTHING),
        ),
        (("DELETE", "users/integration", None),),
        controls=(USERS,),
    ),
    calls(
        "MUT-TEN-BRO-09",
        "a tenant may publish through the default exchange, which leads to every queue",
        (("PUT", f"permissions/{_MINE}/t1", {**_OWN, "write": r"^(t1\..*|amq\.default)$"}),),
        (("PUT", f"permissions/{_MINE}/t1", _OWN),),
        controls=(TOUCH,),
    ),
    calls(
        "MUT-TEN-BRO-10",
        "a virtual host with a tenant's plain name was left from a migration, and tells that there is such a tenant",
        (("PUT", "vhosts/t10", {}),),
        (("DELETE", "vhosts/t10", None),),
        controls=(TOUCH,),
    ),
    calls(
        "MUT-TEN-BRO-11",
        "an exchange gives what nobody takes to a queue of another tenant's name",
        (
            ("PUT", f"exchanges/{_THEIRS}/t1.unrouted", {"type": "fanout", "durable": True}),
            ("PUT", f"queues/{_THEIRS}/t1.unrouted", {"durable": True}),
            ("POST", f"bindings/{_THEIRS}/e/t1.unrouted/q/t1.unrouted", {"routing_key": ""}),
            (
                "PUT",
                f"policies/{_THEIRS}/unrouted",
                {"pattern": "events$", "apply-to": "exchanges", "priority": 9, "definition": {"alternate-exchange": "t1.unrouted"}},
            ),
            ("DELETE", f"bindings/{_THEIRS}/e/lead.events/q/lead-assigner/%23", None),
        ),
        (
            ("POST", f"bindings/{_THEIRS}/e/lead.events/q/lead-assigner", {"routing_key": "#"}),
            ("DELETE", f"policies/{_THEIRS}/unrouted", None),
            ("DELETE", f"queues/{_THEIRS}/t1.unrouted", None),
            ("DELETE", f"exchanges/{_THEIRS}/t1.unrouted", None),
        ),
        controls=(CARRY,),
    ),
    calls(
        "MUT-TEN-BRO-12",
        "an exchange relays one kind of event to a queue of another tenant's name, by way of a second exchange",
        (
            ("PUT", f"exchanges/{_THEIRS}/t1.relay", {"type": "topic", "durable": True}),
            ("PUT", f"queues/{_THEIRS}/t1.relayed", {"durable": True}),
            ("POST", f"bindings/{_THEIRS}/e/lead.events/e/t1.relay", {"routing_key": "*.lead.#"}),
            ("POST", f"bindings/{_THEIRS}/e/t1.relay/q/t1.relayed", {"routing_key": "*.*.closed"}),
        ),
        (("DELETE", f"queues/{_THEIRS}/t1.relayed", None), ("DELETE", f"exchanges/{_THEIRS}/t1.relay", None)),
        controls=(CARRY,),
    ),
    calls(
        "MUT-TEN-BRO-13",
        "events with one header are copied to a queue of another tenant's name",
        (
            ("PUT", f"exchanges/{_THEIRS}/t1.headers", {"type": "headers", "durable": True}),
            ("PUT", f"queues/{_THEIRS}/t1.copied", {"durable": True}),
            ("POST", f"bindings/{_THEIRS}/e/property.events/e/t1.headers", {"routing_key": "#"}),
            ("POST", f"bindings/{_THEIRS}/e/t1.headers/q/t1.copied", {"routing_key": "", "arguments": {"x-match": "all", "kind": "sale"}}),
        ),
        (("DELETE", f"queues/{_THEIRS}/t1.copied", None), ("DELETE", f"exchanges/{_THEIRS}/t1.headers", None)),
        controls=(CARRY,),
    ),
)
