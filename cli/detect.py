"""`constat detect`: how much would the suite notice? Plants every mutant and prints the kill matrix."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.table import Table

from cli import runs
from cli.console import ERR, OUT, Told
from cli.detection import Detected, Detection, clean_run, detect
from cli.healing import heal
from cli.options import DEFAULT_TARGET, STACK_NAME, AsJson, Family, Name
from cli.standing import standing
from constat.control import FAMILIES
from constat.errors import UserError
from constat.outcome import ExitCode, Outcome
from constat.target import load_target
from mutants.catalogue import by_id
from provision.home import read_label, stack_directory
from provision.provider import provider

if TYPE_CHECKING:
    from constat.mutant import Mutant
    from constat.target import Target

Which = Annotated[list[str] | None, typer.Option("--mutant", help="only this mutant (may be repeated)", metavar="ID")]
TargetOption = Annotated[Path | None, typer.Option("--target", help="the target file (for a stack that is not up)", metavar="FILE")]
Install = Annotated[bool, typer.Option("--install", help="install missing Debian packages (root or passwordless sudo)")]
CleanRuns = Annotated[int, typer.Option("--clean", min=1, max=9, help="clean runs: the last one after all mutants, the others before")]
KeepUp = Annotated[bool, typer.Option("--keep-up", help="leave the stack up afterwards")]
_COLOURS = {
    Detected.KILLED: "green",
    Detected.TOLERATED: "green",
    Detected.SURVIVED: "bold red",
    Detected.FALSE_ALARM: "bold red",
}
# What every planted thing must end with.
_GOOD: Final = frozenset({Detected.KILLED, Detected.TOLERATED})


@dataclass(frozen=True)
class Census:
    """What a detection run found: the mutants, the harmless changes, and the alarms on the clean stack."""

    clean_runs: int
    false_alarms: tuple[str, ...]
    detections: tuple[Detection, ...]
    asked: tuple[Mutant, ...]

    @property
    def exit_code(self) -> int:
        """1 with a survivor or a false alarm, 6 when something was not planted, reverted or reached."""
        outcomes = {detection.outcome for detection in self.detections}
        if outcomes & {Detected.SURVIVED, Detected.FALSE_ALARM} or self.false_alarms:
            return ExitCode.FAILED
        complete = bool(outcomes) and outcomes <= _GOOD and len(self.detections) == len(self.asked)
        return ExitCode.PROVEN if complete else ExitCode.NOT_PROVEN

    def of(self, *, harmless: bool) -> tuple[Detection, ...]:
        """The detections of the harmless changes, or of the defects."""
        ids = {m.id for m in self.asked if m.is_harmless == harmless}
        return tuple(detection for detection in self.detections if detection.id in ids)

    def document(self) -> dict[str, Any]:
        """As `constat detect --json` prints it."""
        return {
            "clean": {"runs": self.clean_runs, "false_alarms": list(self.false_alarms)},
            "mutants": [self._titled(detection) for detection in self.of(harmless=False)],
            "harmless": [self._titled(detection) for detection in self.of(harmless=True)],
        }

    def _titled(self, detection: Detection) -> dict[str, Any]:
        title = next(mutant.title for mutant in self.asked if mutant.id == detection.id)
        return {**asdict(detection), "title": title}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("detect", help="Plant every known defect and see whether the controls notice it.")(detect_all)


def detect_all(
    target: TargetOption = None,
    name: Name = STACK_NAME,
    family: Family = None,
    mutant: Which = None,
    *,
    as_json: AsJson = False,
    install: Install = False,
    keep_up: KeepUp = False,
    clean: CleanRuns = 2,
) -> None:
    """Plant one after the other; exit 1 when a defect survives, or a harmless change or the clean stack raises an alarm."""
    chosen = choose(family or [], mutant or [])
    with Told() as told, standing(name, target, default=DEFAULT_TARGET, keep_up=keep_up, install=install, told=told):
        heal(name, told)
        chosen = plantable(chosen, load_target(stack_directory(name) / "target.toml"), told)
        directory = runs.new_run("detect")
        census = _census(name, chosen, directory, clean=clean, told=told)
    (directory / "detect.json").write_text(json.dumps(census.document(), indent=1), "utf-8")
    if as_json:
        typer.echo(json.dumps(census.document(), indent=1))
    else:
        OUT.print(_matrix(census, chosen))
        OUT.print(_sentence(census))
    ERR.print(f"  {directory / 'detect.json'}", style="dim")
    raise typer.Exit(census.exit_code)


def choose(families: list[str], ids: list[str]) -> list[Mutant]:
    """The mutants of these families and ids, all when none is given; UserError for unknown ones."""
    known = by_id()
    problems = [f"mutant {word!r} is unknown; `constat mutants` lists them" for word in ids if word not in known]
    problems += [
        f"family {word!r} is unknown (known: {', '.join(FAMILIES.values())})" for word in families if word not in FAMILIES.values()
    ]
    if problems:
        raise UserError("\n".join(problems))
    return [m for m in known.values() if not (families or ids) or m.family in families or m.id in ids]


def plantable(chosen: list[Mutant], target: Target, told: Told) -> list[Mutant]:
    """Without those of a family that the target has no use for; UserError when none is left."""
    left = [m for m in chosen if m.family not in target.lacks]
    for family in sorted({m.family for m in chosen if m not in left}):
        told.note(f"mutants of family {family!r} are left out: {target.lacks[family]}")
    if not left:
        msg = f"none of these mutants can be planted in target {target.name!r}; bring another up, targets/viridial-kind.toml for a cluster"
        raise UserError(msg)
    return left


def _census(name: str, chosen: list[Mutant], directory: Path, *, clean: int, told: Told) -> Census:
    label = read_label(stack_directory(name))
    stack = provider(label.provider if label else "embedded").attach(name)
    if not stack.disposable:
        msg = f"stack {name!r} is not disposable, so no mutant is planted in it"
        raise UserError(msg)
    controls = sorted({control for m in chosen for control in m.controls})
    alarms = [alarm for number in range(1, clean) for alarm in _alarms(clean_run(name, directory / f"clean-{number}", controls), told)]
    detections = []
    for m in chosen:
        told.started(m.id)
        detections.append(detect(m, stack, directory / m.id))
        told.done(f"{m.id}: {detections[-1].outcome}", detections[-1].seconds)
        if detections[-1].outcome is Detected.NOT_REVERTED:
            told.note(f"stopping here: {detections[-1].detail}")
            return Census(clean - 1, tuple(alarms), tuple(detections), tuple(chosen))
    alarms += _alarms(clean_run(name, directory / f"clean-{clean}", controls), told)
    return Census(clean, tuple(alarms), tuple(detections), tuple(chosen))


def _alarms(said: dict[str, Outcome], told: Told) -> list[str]:
    alarms = [f"{control}: {outcome}" for control, outcome in said.items() if not outcome.is_settled]
    told.note(f"clean stack: {len(said)} controls, " + (f"false alarms: {', '.join(alarms)}" if alarms else "no false alarm"))
    return alarms


def _matrix(census: Census, chosen: list[Mutant]) -> Table:
    titles = {m.id: m.title for m in chosen}
    table = Table("mutant", "outcome", "noticed by", "seconds", "defect", box=None)
    for d in census.detections:
        colour = _COLOURS.get(d.outcome, "yellow")
        said = ", ".join(d.by) or d.detail or ", ".join(f"{control} said {outcome}" for control, outcome in d.said.items())
        table.add_row(d.id, f"[{colour}]{d.outcome}[/]", said, f"{d.seconds:.1f}", titles[d.id])
    return table


def _sentence(census: Census) -> str:
    parts = [_share(census, harmless=False, good=Detected.KILLED, said="planted defects were noticed")]
    parts.append(_share(census, harmless=True, good=Detected.TOLERATED, said="harmless changes raised no alarm"))
    alarms = f"{len(census.false_alarms)} false alarms in {census.clean_runs} clean runs"
    return "; ".join([*filter(None, parts), alarms])


def _share(census: Census, *, harmless: bool, good: Detected, said: str) -> str:
    """`11 of 12 planted defects were noticed`; empty where none was asked for."""
    asked = sum(m.is_harmless == harmless for m in census.asked)
    reached = sum(detection.outcome is good for detection in census.of(harmless=harmless))
    return f"{reached} of {asked} {said}" if asked else ""
