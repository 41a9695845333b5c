"""The report as one HTML page, for the screen and for paper: every value is escaped, nothing is fetched."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

from constat import artefact
from constat.chain import BEGINNING
from constat.outcome import Outcome
from reports.html import page
from reports.messages import messages
from reports.printable import printable
from reports.quarterly import sections
from reports.quarterly.amounts import UNKNOWN, margin, measured, promised, resolution, seconds
from reports.quarterly.mapping import coverage
from reports.quarterly.objectives import not_promised
from reports.run import Verdict
from reports.summary import versions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.finding import Finding
    from constat.objective import Measurement
    from reports.messages import Messages
    from reports.quarterly.dossier import Dossier

# What an account of writes has, beside its seconds.
_ACCOUNT: Final = "acknowledged"
# The sections in their order: anchor and title.
CONTENTS: Final = (
    ("objectives", "quarterly.objectives"),
    ("untested", "quarterly.untested"),
    ("deviations", "quarterly.deviations"),
    ("drills", "quarterly.drills"),
    ("ledger", "quarterly.ledger"),
    ("exposure", "quarterly.exposure.title"),
    ("window", "quarterly.window.title"),
    ("pitr", "quarterly.pitr.title"),
    ("access", "quarterly.access.title"),
    ("isolation", "quarterly.isolation.title"),
    ("selftest", "quarterly.selftest"),
    ("checks", "quarterly.checks"),
    ("mapping", "quarterly.mapping"),
    ("clock", "quarterly.clock"),
    ("again", "quarterly.again"),
    ("artefacts", "quarterly.artefacts"),
    ("signoff", "quarterly.signoff"),
)
_OPEN: Final = (Outcome.FAIL, Outcome.ERROR, Outcome.INCONCLUSIVE, Outcome.NOT_REVIEWED)


def render(dossier: Dossier, lang: str) -> bytes:
    """Return the page in UTF-8; the same dossier gives the same bytes.

    Raises UserError for an unknown language, and when an artefact is not as it was recorded.
    """
    t = messages(lang)
    return page("quarterly.html.j2", t, _context(dossier, t))


def _context(dossier: Dossier, t: Messages) -> dict[str, Any]:
    run, found = dossier.run, dossier.artefacts
    return {
        "dossier": dossier,
        "run": run,
        "plan": run.plan,
        "contents": CONTENTS,
        "running": _quoted(t("quarterly.running", target=run.plan.target, quarter=_quarter(dossier.quarter, t))),
        "run_line": _quoted(f"{run.plan.run_id} · {dossier.head[:24]}"),
        "page_word": t("quarterly.page"),
        "quarter": _quarter(dossier.quarter, t),
        "next_quarter": _quarter(dossier.next_quarter, t),
        "calibration": _calibration(dossier, t),
        "objectives": dossier.objectives,
        "untested": list(_untested(dossier, t)),
        "found": found,
        "absent": partial(_absent, t),
        "drills": [(item, *sections.drill(item, t)) for item in found[artefact.TIMELINE]],
        "accounts": [row for objective in dossier.objectives for row in objective.measurements if _ACCOUNT in row.details],
        "exposures": [(item, sections.exposure(item, t)) for item in found[artefact.EXPOSURE]],
        "windows": [(item, sections.window(item, t)) for item in found[artefact.WINDOW]],
        "self_test": dossier.self_test,
        "open": run.with_outcome(*_OPEN),
        "mapping": coverage(dossier),
        "need": partial(_need, t),
        "versions": versions(run),
        "sentence": _sentence(dossier, t),
        "is_first": dossier.previous_head == BEGINNING,
        "seconds": partial(seconds, t),
        "promised": partial(promised, t),
        "measured": partial(measured, t),
        "resolution": partial(resolution, t),
        "margin": partial(margin, t),
        "moment": lambda text: t.moment(datetime.fromisoformat(text)),
        "worst_stall": lambda item: max((row["seconds"] for row in item.document["stalls"]), default=0.0),
        "scope": partial(_scope, t),
    }


def _quoted(text: str) -> Markup:
    """The text inside of a string of the style sheet: what could end it there is spelled by number."""
    plain = printable(text)
    return Markup("".join(character if character.isalnum() or character in " .·-" else f"\\{ord(character):06x}" for character in plain))  # noqa: S704 - nothing is left that means something


def _quarter(which: tuple[int, int], t: Messages) -> str:
    year, number = which
    return t("quarterly.quarter", number=number, year=year)


def _calibration(dossier: Dossier, t: Messages) -> str:
    """One sentence that says how far a green line may be trusted."""
    test = dossier.self_test
    if dossier.is_calibrated and test is not None:
        return t("quarterly.calibrated", n=len(test.planted))
    if test is None:
        why = t("quarterly.uncalibrated.none")
    elif not test.is_of(dossier.run):
        why = t("quarterly.uncalibrated.other", version=test.version, commit=test.commit[:12] or UNKNOWN)
    elif test.is_calibrated:
        why = t("quarterly.uncalibrated.untried", names=", ".join(test.untried(dossier.run)))
    else:
        why = t("quarterly.uncalibrated.missed", all=len(test.planted), killed=test.killed, alarms=len(test.false_alarms))
    return t("quarterly.uncalibrated", why=why)


def _sentence(dossier: Dossier, t: Messages) -> str:
    run = dossier.run
    failed = sum(result.outcome is Outcome.FAIL for result in run.judged)
    unsettled = sum(not result.outcome.is_settled for result in run.judged) - failed
    number = {Verdict.PROVEN: len(run.judged), Verdict.FAILED: failed, Verdict.NOT_PROVEN: unsettled}[run.verdict]
    return t.count(f"verdict.{run.verdict}.sentence", number, all=t.whole(len(run.judged))) if run.judged else t("verdict.nothing")


def _untested(dossier: Dossier, t: Messages) -> Iterator[tuple[str, str]]:
    """What the report is silent about, and why."""
    for objective in dossier.objectives:
        if not objective.measurements:
            told = promised(t, objective)
            yield t.named("quarterly.objective", objective.name), t("quarterly.untested.objective", promised=told)
    for name, items in dossier.artefacts.items():
        if not items:
            yield t(f"quarterly.artefact.{name}"), _absent(t, name)
    if any(len([item for item in dossier.artefacts[artefact.TIMELINE] if item.control == control]) == 1 for control in _drilled(dossier)):
        yield t("quarterly.untested.repetitions"), t("quarterly.untested.repetitions.why")
    yield t("quarterly.untested.size"), t("quarterly.untested.size.why")
    judged = {name for result in dossier.run.judged for name in result.control.promises}
    if others := [name for name in dossier.target.promises if name not in judged]:
        yield t("quarterly.untested.promises"), t("quarterly.untested.promises.why", names=", ".join(others))
    for name in not_promised(dossier.target):
        yield t.named("quarterly.objective", name), t("quarterly.untested.not_promised")


def _drilled(dossier: Dossier) -> set[str]:
    return {item.control for item in dossier.artefacts[artefact.TIMELINE]}


def _absent(t: Messages, name: str) -> str:
    return f"{t('quarterly.absent', name=name)} {t(f'quarterly.absent.{name}')}"


def _need(t: Messages, name: str) -> str:
    """How a piece of evidence is called; a control keeps its id."""
    kind, _, rest = name.partition(":")
    if kind == "objective":
        return t.named("quarterly.short", rest)
    if kind == "artefact":
        return t(f"quarterly.artefact.{rest}")
    return t.texts.get(f"quarterly.need.{name}", name)


def _scope(t: Messages, row: Measurement | Finding) -> str:
    """Whose writes an account is about: its subject is `rpo`, or `rpo: TENANT`."""
    return row.subject.partition(": ")[2] or t("quarterly.ledger.all")
