"""Run one service: `python -m provision.platform.services.serve identity settings.json`."""

from __future__ import annotations

import encodings.idna  # noqa: F401 - asyncio resolves names with it, later, when its file may be unreadable
import gc
import importlib
import logging
import os
import ssl
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import uvicorn
import uvicorn.lifespan.on
import uvicorn.loops.uvloop
import uvicorn.protocols.http.httptools_impl

from provision.platform.services import privileges, settings
from provision.platform.services.application import Service, application

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from provision.platform.services.settings import Listen

# Each service's module has `service(settings)`; only the one that is served is loaded.
_SETTINGS: Final[dict[str, type[Any]]] = {
    "identity": settings.IdentitySettings,
    "property": settings.PropertySettings,
    "search": settings.SearchSettings,
}
# Longer than the gateway keeps an idle connection, so that it is always the client who closes.
_IDLE_SECONDS: Final = 120
_GRACE_SECONDS: Final = 5


def main(arguments: Sequence[str]) -> None:
    """Serve until SIGTERM; the privileges go before the first secret is read."""
    name, path = arguments
    make = importlib.import_module(f"{__package__}.{name}").service
    privileges.drop(os.environ)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    # They report every attempt to connect; the service says itself when a server goes and comes.
    logging.getLogger("aiormq").setLevel(logging.CRITICAL)
    logging.getLogger("psycopg").setLevel(logging.ERROR)
    told = settings.read(Path(path), _SETTINGS[name])
    server = uvicorn.Server(_configuration(make(told), told.listen))
    # What was loaded stays; the collector need not walk it again and again.
    gc.collect()
    gc.freeze()
    server.run()


def _configuration(service: Service, listen: Listen) -> uvicorn.Config:
    return uvicorn.Config(
        application(service),
        host=listen.host,
        port=listen.port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_IDLE_SECONDS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        ssl_certfile=listen.cert,
        ssl_keyfile=listen.key,
        ssl_context_factory=_tls,
    )


def _tls(configuration: uvicorn.Config, default: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    del configuration
    context = default()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20")
    return context


if __name__ == "__main__":
    main(sys.argv[1:])
