"""Effective rights: every described path and every path of a rule, with every name that exists in its places, by the server's own word."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from constat.attempt import Answer
from suites.tenancy.campaign import OK, Act
from suites.tenancy.secrets.acts import ABOUT_ONESELF, DENIED
from suites.tenancy.secrets.ground import WORD

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from suites.tenancy.secrets.acts import Scene
    from suites.tenancy.secrets.ground import Speaker

_TOGETHER: Final = 500  # paths in one question
_PLACE: Final = re.compile(r"\{[^}]*\}")
# What parts a tenant's name from the rest of a key's.
_SEPARATORS: Final = re.compile(r"[-_.:@]")
_SHOWN: Final = 5


def concrete(templates: Iterable[str], names: Iterable[str]) -> Iterator[str]:
    """Each described path that takes a name, with each of the names in its places."""
    known = tuple(names)
    for template in templates:
        if _PLACE.search(template):
            yield from (_PLACE.sub(name.replace("\\", r"\\"), template).lstrip("/") for name in known)


def led_to(patterns: Iterable[str], victim: str) -> Iterator[str]:
    """Each path of a rule, with the victim's name where a plus is, and as the beginning of what a star stands for."""
    for pattern in patterns:
        head, _, last = pattern.removesuffix("*").rpartition("/")
        start = "/".join(victim if part == "+" else part for part in head.split("/"))
        if not pattern.endswith("*"):
            yield f"{start}/{victim if last == '+' else last}".lstrip("/")
        elif victim.startswith(last):
            yield from (f"{start}/{victim}".lstrip("/"), f"{start}/{victim}-{WORD}".lstrip("/"))


def is_others(path: str, own: str, victim: str) -> bool:
    """Whether it is the victim's: its name stands in the path, alone or in a key's, and nothing above it is one's own."""
    for part in path.split("/"):
        if _belongs(part, victim):
            return True
        if _belongs(part, own):
            return False
    return False


def granted(scene: Scene, paths: Iterable[str]) -> Iterator[Act]:
    """One question about everything: what the attacker's token may do where the path is the victim's."""
    own, victim = scene.own.tenant, scene.victim.tenant
    asked = sorted({path for path in paths if is_others(path, own, victim) and path not in ABOUT_ONESELF})

    def forbidden() -> Answer:
        allowed = capabilities(scene.oracle, scene.attacker.token, asked)
        excess = [f"{', '.join(words)} on {path}" for path, words in allowed.items() if words]
        shown = f"the server grants {'; '.join(excess[:_SHOWN])}"
        return Answer(kind=OK, shown=shown, reached=True) if excess else Answer(kind="http 403")

    def twin() -> Answer:
        mine = f"{scene.own.mount}/data/{scene.own.known}"
        words = capabilities(scene.oracle, scene.attacker.token, [mine])[mine]
        return Answer(kind=OK if words else "http 403", shown=", ".join(words))

    if asked:
        yield Act(name=f"rights on {len(asked)} paths of the victim's", twin=twin, forbidden=forbidden, refusals=DENIED)


def capabilities(oracle: Speaker, token: str, paths: list[str]) -> dict[str, list[str]]:
    """What a token may do at each path, without what is denied."""
    found: dict[str, list[str]] = {}
    for start in range(0, len(paths), _TOGETHER):
        together = paths[start : start + _TOGETHER]
        said = oracle.need("POST", "sys/capabilities", {"token": token, "paths": together})
        found |= {path: [word for word in said.get(path, said.get("data", {}).get(path, [])) if word != "deny"] for path in together}
    return found


def _belongs(part: str, tenant: str) -> bool:
    """Whether the tenant's name stands in a part of a path: alone, or parted from the rest."""
    return tenant in _SEPARATORS.split(part)
