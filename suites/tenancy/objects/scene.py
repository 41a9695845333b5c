"""The scene of an attack on a bucket: who attacks, who is attacked, and what both have there."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from suites.tenancy.objects.ground import Admin, Planted, answered

if TYPE_CHECKING:
    from collections.abc import Callable

    from constat.attempt import Answer
    from constat.stack import Objects
    from suites.tenancy.objects.ground import Authority
    from suites.tenancy.objects.wire import Request, Speaker

DENIED: Final = frozenset({"http 403", "error AccessDenied"})
# A spelling may also be no path at all, or name something of the attacker's own; what counts is what it did.
HARMLESS: Final = DENIED | {f"http {status}" for status in (301, 307, 400, 404, 405, 409)} | {"own only"}


@dataclass(kw_only=True)
class Scene:
    """One bucket, who attacks, who is attacked, and what both have there; `own` is None where the attacker has no place."""

    objects: Objects
    bucket: str
    attacker: Speaker
    who: str
    nobody: Speaker
    own: Planted | None
    victim: Planted
    authority: Authority
    admin: Admin
    twins: dict[str, Answer] = field(default_factory=dict)

    def path(self, planted: Planted, key: str = "") -> str:
        """The path of a planted key."""
        return f"/{self.bucket}/{key or planted.known}"

    @property
    def absent(self) -> str:
        """A key of the victim's at which there is nothing, as long as the one at which there is something."""
        return f"{self.victim.folder}/nowhr"

    def heard(self, request: Request) -> Answer:
        """What the attacker is answered, without the names that it asked for."""
        named = (self.victim.known, self.absent, self.victim.uploading, f"{self.absent}-upload")
        return answered(self.attacker.ask(request), unnamed=named)

    def once(self, name: str, ask: Callable[[], Answer]) -> Answer:
        """What was answered the first time: a twin need not be asked again for each spelling of the same act."""
        if name not in self.twins:
            self.twins[name] = ask()
        return self.twins[name]

    def spare(self) -> Planted:
        """Something of the attacker's own to be given up."""
        assert self.own is not None  # who has no place has no spare
        spare = Planted(tenant=self.own.tenant, folder=f"{self.own.folder}/{secrets.token_hex(4)}", content=self.own.content, name="x")
        Admin(self.attacker).need("PUT", self.path(spare), body=spare.content.encode())
        return spare
