"""The generator: what Locust runs, as a child process, never imported into pytest.

    python -m locust -f load/locustfile.py --headless -u 1 -r 1 --order ORDER --stack RUN_DIR --result FILE

One user drives the whole schedule: an open model, in which arrivals do not wait for
answers and a latency counts from the intended start.  Locust gives the process, the
loop and the workers to come; its statistics are not used, because they round and
because they are of a closed model.
"""

from __future__ import annotations

import gc
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from locust import FastHttpUser, events, task

from constat.clock import monotonic
from constat.errors import Unobservable
from constat.stack import Gateway, Stack, Tenant
from load.door import Door
from load.firing import Gun, Observer
from load.operations import MIX, Shot, shot, words_of
from load.order import Order
from load.plan import CONTROL, schedule
from load.priority import keep_one_core, run_ahead
from load.samples import to_document

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from locust.env import Environment

    from load.plan import Plan

LEAD_SECONDS: Final = 0.3
# More than the arrivals that can be waited for at once, by Little's law.
ROOM: Final = 1.5
LEAST_IN_FLIGHT: Final = 100
TRIES: Final = 5


def add_arguments(parser: ArgumentParser) -> None:
    """Say where the order is, whose stack it is for, and where the result goes."""
    for name in ("--order", "--stack", "--result"):
        parser.add_argument(name, required=True)


events.init_command_line_parser.add_listener(add_arguments)  # type: ignore[no-untyped-call]  # Locust leaves it so


class Property(FastHttpUser):
    """The one user: signs in for every tenant, then sends every arrival when it is due."""

    insecure = False

    def __init__(self, environment: Environment) -> None:
        """Read the order, and know the gateway by the stack's own authority only."""
        options = environment.parsed_options
        assert options is not None
        self._order = Order.from_json(Path(options.order).read_text("utf-8"))
        self._result = Path(options.result)
        stack = Stack.load(options.stack)
        assert stack.gateway is not None
        self._gateway, self._tenants = stack.gateway, stack.tenants
        self.host = self._gateway.url
        self.ssl_context_factory = lambda **_: ssl.create_default_context(cafile=self._gateway.ca)
        self.network_timeout = self.connection_timeout = self._order.plan.timeout
        super().__init__(environment)

    @task
    def drive(self) -> None:
        """Carry the order out and end the process; Locust itself would try for ever after an exception."""
        runner = self.environment.runner
        assert runner is not None
        self.environment.process_exit_code = 1
        try:
            self._carry_out(self._order.plan)
            self.environment.process_exit_code = 0
        finally:
            runner.quit()

    def _carry_out(self, plan: Plan) -> None:
        doors = self._doors(self._gateway)
        aimed = self._aimed(doors)
        gun = Gun(aimed, in_flight=max(LEAST_IN_FLIGHT, round(ROOM * plan.rate * plan.timeout)), timeout=plan.timeout)
        undisturbed, core = run_ahead(), keep_one_core()
        _settle_memory()
        start = monotonic() + LEAD_SECONDS
        observer = Observer(start)
        gun.fire_all(start)
        self._result.write_text(to_document(gun.rows, observer.stop(), undisturbed=undisturbed, core=core), "utf-8")

    def _doors(self, gateway: Gateway) -> dict[str, Door]:
        plan, control = self._order.plan, self._order.control
        return {
            "": Door(gateway.url, context=ssl.create_default_context(cafile=gateway.ca), timeout=plan.timeout),
            CONTROL: Door(control.url, context=ssl.create_default_context(cafile=control.ca), timeout=plan.timeout),
        }

    def _aimed(self, doors: dict[str, Door]) -> list[tuple[float, Shot, Door]]:
        """Every arrival with its request, made before the first is sent."""
        shots = self._shots(doors[""].host)
        wire = f"GET /control HTTP/1.1\r\nHost: {doors[CONTROL].host}\r\n\r\n".encode()
        control = Shot(method="GET", wire=wire, status=200, shows=(), foreign=())
        aimed = []
        for place, (offset, operation, tenant) in enumerate(schedule(self._order.plan)):
            if operation == CONTROL:
                aimed.append((offset, control, doors[CONTROL]))
            else:
                choices = shots[operation, tenant]
                aimed.append((offset, choices[place % len(choices)], doors[""]))
        return aimed

    def _shots(self, host: str) -> dict[tuple[str, str], list[Shot]]:
        shots: dict[tuple[str, str], list[Shot]] = {}
        for name, estate in self._order.estates.items():
            tenant = self._tenants[name]
            foreign = tuple(other.canary for neighbour, other in self._order.estates.items() if neighbour != name)
            token = self._sign_in(tenant)
            for one in estate.planted:
                words = words_of(one, canary=estate.canary, user=tenant.api.user, password=tenant.api.password)
                for operation in MIX:
                    shots.setdefault((operation.name, name), []).append(
                        shot(operation, host=host, token=token, words=words, foreign=foreign)
                    )
        return shots

    def _sign_in(self, tenant: Tenant) -> str:
        said: Any = None
        for _ in range(TRIES):
            said = self.client.post("/api/identity/token", json={"user": tenant.api.user, "password": tenant.api.password})
            if said.status_code == 200:  # noqa: PLR2004 - HTTP's own number
                return str(said.json()["access_token"])
        msg = f"{tenant.api.user!r} could not sign in: the gateway answered {said.status_code}"
        raise Unobservable(msg)


def _settle_memory() -> None:
    """No collection while the run lasts: it would stop the loop."""
    gc.collect()
    gc.freeze()
    gc.disable()
