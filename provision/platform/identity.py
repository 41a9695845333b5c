"""Identity: sign-in, the keys that tokens are checked with, and the gateway's question who somebody is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from constat.stack import Issuer
from provision.platform.services import placement
from provision.platform.services.settings import IdentitySettings

if TYPE_CHECKING:
    from constat.target import Target
    from provision.platform.component import Node, Plan, Site

NODE: Final = "identity"
SIGNING_KEY: Final = "identity/signing_key"
# An account that is closed keeps what it was given for this long at most.
TOKEN_SECONDS: Final = 600


class Identity:
    """One process."""

    name = NODE
    requires = ("pooler",)
    tools = ()

    def nodes(self, target: Target) -> tuple[Node, ...]:
        """One node."""
        del target  # the same for every target
        return (placement.node(NODE),)

    def plan(self, site: Site) -> Plan:
        """Its settings, with the key it signs with, and the process."""
        settings = IdentitySettings(
            listen=placement.listen(site, NODE),
            ca=site.certificate(NODE).ca,
            database=placement.database(site, NODE),
            issuer=placement.ISSUER,
            audience=placement.AUDIENCE,
            signing_key=_signing_key(site),
            token_seconds=TOKEN_SECONDS,
            plans={name: plan.requests_per_minute for name, plan in site.target.plans.items()},
        )
        return placement.plan(site, NODE, settings)

    def ready(self, site: Site) -> None:
        """Ask the service."""
        placement.ready(site, NODE)

    def configure(self, site: Site) -> None:
        """Nothing: its settings say it all."""

    def guarded(self, site: Site) -> tuple[tuple[str, str, int], ...]:
        """Its settings and its key."""
        del site  # the same everywhere
        return placement.guarded(NODE)


def capability(site: Site) -> Issuer:
    """Whose signature the services believe."""
    return Issuer(signing_key=_signing_key(site), issuer=placement.ISSUER, audience=placement.AUDIENCE)


def _signing_key(site: Site) -> str:
    """The platform's signing key, made when the stack is; one for all its life."""
    if kept := site.recall(SIGNING_KEY):
        return kept
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    site.keep(SIGNING_KEY, pem)
    return pem


COMPONENT: Final = Identity()
