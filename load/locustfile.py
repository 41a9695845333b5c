"""The generator: what Locust runs, as a child process, never imported into pytest.

    python -m locust -f load/locustfile.py --headless -u 1 -r 1 --host URL --order ORDER --stack RUN_DIR --result FILE

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

from constat import deadlines
from constat.clock import monotonic
from constat.errors import Unobservable
from constat.stack import Stack
from load.aiming import aim, doors
from load.firing import Gun, Observer
from load.order import Order
from load.priority import keep_one_core, run_ahead
from load.samples import to_document

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from locust.env import Environment

    from constat.stack import Tenant

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
    network_timeout = connection_timeout = deadlines.SERVICE_ANSWERS

    def __init__(self, environment: Environment) -> None:
        """Know the gateway by the stack's own authority only, once the stack is read."""
        self._authority = ""
        self.ssl_context_factory = lambda **_: ssl.create_default_context(cafile=self._authority)
        super().__init__(environment)

    @task
    def drive(self) -> None:
        """Carry the order out and end the process; Locust itself would try for ever after an exception."""
        runner, options = self.environment.runner, self.environment.parsed_options
        assert runner is not None
        assert options is not None
        try:
            left, self.environment.process_exit_code = self._carry_out(options), 0
        except Exception as problem:  # noqa: BLE001 - whatever it is, the parent is told
            left, self.environment.process_exit_code = f"{type(problem).__name__}: {problem}", 1
        Path(options.result).write_text(left, "utf-8")
        runner.quit()

    def _carry_out(self, options: Namespace) -> str:
        born = monotonic()
        order, stack = Order.from_json(Path(options.order).read_text("utf-8")), Stack.load(options.stack)
        assert stack.gateway is not None
        self._authority, plan = stack.gateway.ca, order.plan
        tokens = {name: self._sign_in(stack.tenants[name]) for name in plan.tenants}
        aimed = aim(order, doors(stack.gateway, order.control, timeout=plan.timeout), stack.tenants, tokens)
        gun = Gun(aimed, in_flight=max(LEAST_IN_FLIGHT, round(ROOM * plan.rate * plan.timeout)), timeout=plan.timeout)
        undisturbed, core = run_ahead(), keep_one_core()
        _settle_memory()
        start = monotonic() + LEAD_SECONDS
        observer = Observer(start)
        gun.fire_all(start)
        return to_document(gun.rows, observer.stop(), born=born, undisturbed=undisturbed, core=core)

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
