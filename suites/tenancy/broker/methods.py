"""The protocol's methods on a queue or an exchange of any name, and the same on one's own where doing it plainly would use it up."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from pika.adapters.blocking_connection import BlockingChannel

    from suites.tenancy.broker.ground import Planted
    from suites.tenancy.broker.line import Talk

    # What is tried on a name of the victim's; `own` is what the attacker has.
    Verb = Callable[[str, Planted], Talk]


def look_queue(name: str, own: Planted) -> Talk:
    """Whether there is such a queue, and how much is in it."""
    del own
    return lambda channel: f"{channel.queue_declare(name, passive=True).method.message_count} messages"


def look_exchange(name: str, own: Planted) -> Talk:
    """Whether there is such an exchange."""
    del own
    return lambda channel: str(channel.exchange_declare(name, passive=True))


def declare_queue(name: str, own: Planted) -> Talk:
    """Make a queue, or be told that it is there."""
    del own
    return lambda channel: str(channel.queue_declare(name, durable=True))


def _purge(name: str, own: Planted) -> Talk:
    del own
    return lambda channel: str(channel.queue_purge(name))


def _delete_queue(name: str, own: Planted) -> Talk:
    del own
    return lambda channel: str(channel.queue_delete(name, if_unused=True, if_empty=True))


def _get(name: str, own: Planted) -> Talk:
    del own

    def talk(channel: BlockingChannel) -> str:
        _, _, body = channel.basic_get(name)
        return (body or b"").decode(errors="replace")

    return talk


def _consume(name: str, own: Planted) -> Talk:
    del own

    def talk(channel: BlockingChannel) -> str:
        channel.basic_qos(prefetch_count=1)
        for _, _, body in channel.consume(name, inactivity_timeout=0.05):
            channel.cancel()
            return (body or b"").decode(errors="replace")
        return ""

    return talk


def _bind_to_own(name: str, own: Planted) -> Talk:
    return lambda channel: str(channel.queue_bind(name, own.exchange, f"{own.tenant}.x"))


def _unbind(name: str, own: Planted) -> Talk:
    return lambda channel: str(channel.queue_unbind(name, own.exchange, f"{own.tenant}.nothing"))


def _through_default(name: str, own: Planted) -> Talk:
    del own
    return publish("", name)


def publish(exchange: str, key: str) -> Talk:
    """Send a message, and wait until the server has taken it."""

    def talk(channel: BlockingChannel) -> str:
        channel.confirm_delivery()
        channel.basic_publish(exchange, key, b"constat-attack")
        return "confirmed"

    return talk


def _publish_to(name: str, own: Planted) -> Talk:
    return publish(name, f"{own.tenant}.x")


def declare_exchange(name: str, own: Planted) -> Talk:
    """Make an exchange, or be told that it is there."""
    del own
    return lambda channel: str(channel.exchange_declare(name, "topic", durable=True))


def _delete_exchange(name: str, own: Planted) -> Talk:
    del own
    return lambda channel: str(channel.exchange_delete(name, if_unused=True))


def _bind_own_queue(name: str, own: Planted) -> Talk:
    return lambda channel: str(channel.queue_bind(own.queue, name, "#"))


def _bind_own_queue_own_key(name: str, own: Planted) -> Talk:
    return lambda channel: str(channel.queue_bind(own.queue, name, f"{own.tenant}.x"))


def _bind_as_source(name: str, own: Planted) -> Talk:
    return lambda channel: str(channel.exchange_bind(own.exchange, name, "#"))


def _bind_as_destination(name: str, own: Planted) -> Talk:
    return lambda channel: str(channel.exchange_bind(name, own.exchange, f"{own.tenant}.nothing"))


def _as_dead_letters(name: str, own: Planted) -> Talk:
    def talk(channel: BlockingChannel) -> str:
        queue = f"{own.queue}.{secrets.token_hex(4)}"
        channel.queue_declare(queue, arguments={"x-dead-letter-exchange": name, "x-dead-letter-routing-key": "constat"})
        return str(channel.queue_delete(queue))

    return talk


def _as_alternate(name: str, own: Planted) -> Talk:
    def talk(channel: BlockingChannel) -> str:
        exchange = f"{own.exchange}.{secrets.token_hex(4)}"
        channel.exchange_declare(exchange, "topic", arguments={"alternate-exchange": name})
        return str(channel.exchange_delete(exchange))

    return talk


QUEUE_VERBS: Final[dict[str, Verb]] = {
    "look": look_queue,
    "get": _get,
    "consume": _consume,
    "declare": declare_queue,
    "bind": _bind_to_own,
    "unbind": _unbind,
    "publish through the default exchange": _through_default,
    "purge": _purge,
    "delete": _delete_queue,
}
EXCHANGE_VERBS: Final[dict[str, Verb]] = {
    "look": look_exchange,
    "declare": declare_exchange,
    "publish": _publish_to,
    "bind one's own queue": _bind_own_queue,
    "bind one's own queue by one's own key": _bind_own_queue_own_key,
    "bind as a source": _bind_as_source,
    "bind as a destination": _bind_as_destination,
    "make it take dead letters": _as_dead_letters,
    "make it an alternate": _as_alternate,
    "delete": _delete_exchange,
}


def _own_exchange(name: str, own: Planted) -> Talk:
    """No tenant may use the default exchange; that it may publish at all is the twin."""
    del name
    return publish(own.exchange, f"{own.tenant}.x")


def _deletes_spare_queue(name: str, own: Planted) -> Talk:
    del own

    def talk(channel: BlockingChannel) -> str:
        channel.queue_declare(f"{name}.spare", durable=True)
        return str(channel.queue_delete(f"{name}.spare", if_unused=True, if_empty=True))

    return talk


def _deletes_spare_exchange(name: str, own: Planted) -> Talk:
    del own

    def talk(channel: BlockingChannel) -> str:
        channel.exchange_declare(f"{name}.spare", "topic", durable=True)
        return str(channel.exchange_delete(f"{name}.spare", if_unused=True))

    return talk


def _binds_spare_exchange(name: str, own: Planted) -> Talk:
    del own

    def talk(channel: BlockingChannel) -> str:
        channel.exchange_declare(f"{name}.spare", "topic", durable=True)
        channel.exchange_bind(f"{name}.spare", name, "constat.nothing")
        return str(channel.exchange_delete(f"{name}.spare"))

    return talk


# The same on one's own, where doing it plainly would take away what the next act needs.
TWINS: Final[dict[Verb, Verb]] = {
    _through_default: _own_exchange,
    _delete_queue: _deletes_spare_queue,
    _delete_exchange: _deletes_spare_exchange,
    _bind_as_source: _binds_spare_exchange,
    _bind_as_destination: _binds_spare_exchange,
}
USES_UP: Final = frozenset({"purge"})
DESTRUCTIVE: Final = frozenset({"purge", "delete"})
