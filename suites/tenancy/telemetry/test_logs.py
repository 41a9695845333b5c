"""Logs: nothing of a tenant's data, no credential and no personal field stays in what servers write down."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final, Protocol

from constat import deadlines, wait
from constat.control import control
from constat.errors import NotReady, Unobservable
from constat.evidence import Evidence
from constat.judgement import Findings, Judgement, coverage
from constat.outcome import Impact, Outcome, Severity
from constat.secrets import secrets_of
from constat.spelling import spellings
from constat.trial import Act, Trial
from suites.tenancy.gateway.request import Request

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from suites.tenancy.gateway.stage import Stage
    from suites.tenancy.telemetry.provoking import Provoked

# How much of a line is shown around what was found.
_AROUND: Final = 160


class Logs(Protocol):
    """The logs of a stack's nodes."""

    def collect(self) -> dict[str, tuple[Path, ...]]:
        """Every log as it is now, by node."""


@control(
    "TEN-TEL-01",
    severity=Severity.HIGH,
    impact=Impact.PROBE,
    needs=("gateway", "services", "tenants", "postgres"),
    promises=("isolation.gateway",),
    refs=("OWASP ASVS 7.1.1", "ISO 27001 A.8.15", "GDPR Art. 5(1)(c)", "CWE-532"),
    remediation="Log kinds, places and counts instead of what was said; keep statements, parameters, headers and bodies out of every log.",
)
def test_logs_hold_nothing_of_a_tenants(stage: Stage, traffic: list[Provoked], logs: Logs, findings: Findings) -> None:
    """After traffic that went well and badly, no node's log holds a tenant's data, a credential or a person's field."""
    assert traffic  # what the logs could hold
    findings.judge(_judged(stage, logs))


def _judged(stage: Stage, logs: Logs) -> Iterator[Judgement]:
    try:
        found = wait_for_a_marker(stage, logs)
    except (NotReady, Unobservable) as problem:
        yield Judgement(subject="logs", outcome=Outcome.ERROR, reason=f"could not look: {problem}")
        return
    words = searched(stage)
    for node, paths in found.items():
        yield judge(node, {path.name: path.read_bytes() for path in paths}, words)
    known = {listener.node for listener in stage.stack.listeners}
    left_out = tuple(sorted(known - set(found)))
    yield coverage(len(known & set(found)), len(known), what="nodes that listen, by their logs", left_out=left_out)


def wait_for_a_marker(stage: Stage, logs: Logs) -> dict[str, tuple[Path, ...]]:
    """The logs, once a path that was asked for just now has turned up in one: they are live, and written down in time.

    Raises NotReady when it turns up in none.
    """
    marker = f"constat-{secrets.token_hex(8)}"
    for door in stage.through.values():
        door.ask(Request(method="GET", path=f"/{marker}"))
    stage.direct[next(iter(stage.direct))].ask(Request(method="GET", path=f"/{marker}"))

    def look() -> dict[str, tuple[Path, ...]]:
        found = logs.collect()
        if not any(marker.encode() in path.read_bytes() for paths in found.values() for path in paths):
            msg = f"no log mentions the path {marker!r} that was asked for"
            raise NotReady(msg)
        return found

    return wait.until(look, what="logs are live", within=deadlines.SERVICE_ANSWERS, every=0.5)


def searched(stage: Stage) -> dict[str, str]:
    """What no log may hold, and what it is called where it is found: the values themselves are secrets."""
    words = dict.fromkeys(secrets_of(stage.stack), "a secret of the platform")
    for resident in (stage.mine, stage.theirs):
        words[resident.canary] = f"data of {resident.tenant}"
        words[resident.password] = f"the password of {resident.user}"
        words[resident.token.rpartition(".")[2]] = f"a token of {resident.tenant}"
        words[resident.user] = f"the name of {resident.tenant}'s user"
    return words


def judge(node: str, texts: Mapping[str, bytes], words: Mapping[str, str]) -> Judgement:
    """FAIL with what was found, and the line around it; a node whose logs are empty has logged nothing."""
    forms = [(form, what) for word, what in words.items() for form in spellings(word)]
    found = {(name, what): _line(text, form) for name, text in texts.items() for form, what in forms if form.encode() in text}
    outcome = Outcome.FAIL if found else Outcome.PASS
    said = sorted({what for _, what in found})
    size = sum(map(len, texts.values()))
    reason = f"it holds {', '.join(said)}" if found else f"{size} bytes of {len(texts)} files hold none of {len(words)} values"
    lines = "\n".join(f"{name}: {what}: {line}" for (name, what), line in sorted(found.items()))
    return Judgement(
        subject=node,
        outcome=outcome,
        reason=reason,
        expected=[],
        observed=said,
        positive_control="a path that was asked for just now is in a log",
        evidence=(Evidence(name="lines.txt", content=lines),) if found else (),
        trials=(Trial(actor="whoever reads logs", store="logs", act=Act.SEE, outcome=outcome, count=len(words)),),
    )


def _line(text: bytes, word: str) -> str:
    place = text.index(word.encode())
    return text[max(0, place - _AROUND) : place + len(word) + _AROUND].decode(errors="replace").replace("\n", " ⏎ ")
