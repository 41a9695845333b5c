"""The recovery report: what was promised, what was measured, how sure it is, and what was not tested."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from constat import artefact
from constat.errors import UserError
from constat.outcome import Outcome
from reports.html import TEMPLATES
from reports.messages import messages
from reports.quarterly.page import CONTENTS, render
from tests.reports.quarterly.dossiers import ARTEFACTS, TARGET, complete, detection, dossier, rpo, rto
from tests.reports.sample import Seen
from tests.reports.test_html import HOSTILE, Page

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reports.quarterly.dossier import Dossier


def bare(directory: Path) -> Dossier:
    """A run that left nothing for the report."""
    return dossier(directory, [Seen(control="BAK-01", subject="restore")], target={**TARGET, "objectives": {}})


def said(found: Dossier, lang: str = "en") -> str:
    """The page's text, with its white space evened out."""
    return " ".join(" ".join(Page(render(found, lang)).texts).split())


@pytest.mark.parametrize("make", [complete, bare])
@pytest.mark.parametrize("lang", ["en", "fr"])
def test_the_page_is_well_formed_and_asks_for_nothing(tmp_path: Path, make: Callable[[Path], Dossier], lang: str) -> None:
    """No script, no image, no request; every link of the contents leads to a section."""
    seen = Page(render(make(tmp_path), lang))
    anchors = {str(attributes["id"]) for _, attributes in seen.elements if "id" in attributes}
    links = [str(attributes["href"]) for _, attributes in seen.elements if "href" in attributes]

    assert seen.open == []
    assert {tag for tag, _ in seen.elements} & {"script", "img", "iframe", "object", "embed", "link", "base", "form", "use"} == set()
    assert links == [f"#{anchor}" for anchor, _ in CONTENTS]
    assert {link[1:] for link in links} <= anchors


def test_the_style_fetches_nothing() -> None:
    """No font, no image, no other sheet."""
    assert re.findall(r"url\(|@import|@font-face|https?:", (TEMPLATES / "quarterly.css.j2").read_text("utf-8")) == []


@pytest.mark.parametrize("name", artefact.NAMES)
@pytest.mark.parametrize("lang", ["en", "fr"])
def test_what_was_not_measured_is_said_and_not_drawn(tmp_path: Path, name: str, lang: str) -> None:
    """A section without its artefact says so and what is therefore unknown; with it, it does not."""
    sentence = messages(lang)("quarterly.absent", name=name)

    assert said(complete(tmp_path / "without", without=name), lang).count(sentence) == 2  # in its section, and among the untested
    assert sentence not in said(complete(tmp_path / "with"), lang)


def test_nothing_measured_draws_no_chart(tmp_path: Path) -> None:
    """A run without artefacts has no chart and no empty table."""
    page = render(bare(tmp_path), "en").decode()

    assert "<svg" not in page
    assert re.findall(r"<tbody>\s*</tbody>", page) == []


def test_every_artefact_is_shown(tmp_path: Path) -> None:
    """What the artefacts hold can be read, a milestone that the report does not know included."""
    text = said(complete(tmp_path))

    for words in ("postgres-2", "first write of t1 acknowledged", "something {new}", "20261120-210000F", "00000001000000000000000A"):
        assert words in text
    for words in ("0/5000028", "a" * 16, "204", "TEN-PG-01", "it promoted itself", "1 min 01 s", "58 min 59 s from the promise"):
        assert words in text


def test_a_promised_number_that_nobody_measured_is_not_proven(tmp_path: Path) -> None:
    """All controls are green, and the headline still says that it is not proven, and how many numbers are missing."""
    text = said(complete(tmp_path))

    assert "Not proven Of 5 promised numbers, 2 were measured and held, 0 broken, 0 measured without a verdict, 3 not measured." in text
    assert "Service back after a disaster (RTO) ≤ 4 h 00 min not measured" in text


def test_the_worst_measurement_decides(tmp_path: Path) -> None:
    """Of several drills the slowest one is shown with its margin and the coarsest resolution."""
    text = said(dossier(tmp_path, [rto(21.7), rto(100.0), rto(40.0, uncertainty=0.9)]))

    assert "1 min 40 s CHA-01, worst of 3 measurements ± 0.900 s 3 min 20 s (67 %)" in text


def test_zero_lost_is_said_of_how_many_and_how_finely(tmp_path: Path) -> None:
    """Never a bare zero."""
    text = said(dossier(tmp_path, [rpo(0), rpo(0, 1238, subject="rpo: t1", resolution=0.436)]))

    assert "0 s (0 lost of 2,497 acknowledged writes)" in text
    assert "± 0.436 s" in text


def test_a_broken_promise_is_the_headline(tmp_path: Path) -> None:
    """A loss makes the report failed, with how much, and the finding is open."""
    text = said(dossier(tmp_path, [rto(21.7), rpo(12)]))

    assert "Failed Of 5 promised numbers, 1 were measured and held, 1 broken" in text
    assert "12.0 s (12 lost of 2,497 acknowledged writes)" in text
    assert "Mend it." in text


def test_a_service_that_did_not_come_back_has_no_number(tmp_path: Path) -> None:
    """Longer than could be waited for is not a time, and has no margin."""
    text = said(dossier(tmp_path, [rto("more than promised", Outcome.FAIL)]))

    assert "longer than could be waited for" in text


def test_resolution_that_is_not_known_is_a_dash(tmp_path: Path) -> None:
    """A measurement that does not say how fine it was makes the line say so."""
    text = said(dossier(tmp_path, [rpo(0, resolution="none")]))

    assert "acknowledged writes) CHA-01, measured once \N{EN DASH} 0 s pass" in text


@pytest.mark.parametrize(
    ("self_test", "words"),
    [
        (None, "Uncalibrated: no self-test was given."),
        (detection(commit="0" * 40), "made by another version of the suite (0.1.0, commit 000000000000)"),
        (detection(survived=("MUT-CHA-01",)), "of 2 planted defects 1 were noticed"),
        (detection(alarms=("BAK-01: FAIL",)), "there were 1 false alarms"),
        (detection(left_out=("MUT-CHA-01",)), "no planted defect has made these controls red: CHA-01"),
        (detection(), "noticed every one of 2 defects"),
    ],
)
def test_the_report_says_whether_its_instrument_was_tested(tmp_path: Path, self_test: object, words: str) -> None:
    """Only a self-test of the same version that noticed everything and nothing else calibrates the report."""
    assert words in said(replace(dossier(tmp_path, [rto(21.7)]), self_test=self_test))  # type: ignore[arg-type]


def test_controls_that_no_defect_made_red_are_named(tmp_path: Path) -> None:
    """A control that the self-test did not try stands by its id."""
    found = replace(dossier(tmp_path, [rto(21.7), Seen(control="BAK-01", subject="a")]), self_test=detection(survived=("MUT-CHA-01",)))

    assert "No planted defect has made these controls of the run red: CHA-01." in said(found)


def test_hostile_strings_are_shown_and_not_obeyed(tmp_path: Path) -> None:
    """Every string of an artefact, and a run's own names, are text and nothing else."""
    text = " ".join(HOSTILE)

    def poisoned(value: object) -> object:
        if isinstance(value, dict):
            return {key: poisoned(item) for key, item in value.items()}
        if isinstance(value, list):
            return [poisoned(item) for item in value]
        is_free = isinstance(value, str) and not re.match(r"\d{4}-|PASS|FAIL", value)
        return f"{value} {text}" if is_free else value

    evidence = {name: json.dumps(poisoned(document)) for name, document in ARTEFACTS.items()}
    seen = Page(render(dossier(tmp_path, [Seen(control="BAK-01", subject=text, reason=text, evidence=evidence)]), "en"))

    assert seen.open == []
    assert {tag for tag, _ in seen.elements} & {"script", "img"} == set()
    assert "<script>alert(1)</script>" in seen.text


def test_an_altered_artefact_stops_the_report(tmp_path: Path) -> None:
    """A report of what is not what was recorded would prove nothing."""
    found = complete(tmp_path)
    next((tmp_path / "evidence").rglob("*-window.json")).write_text("{}", "utf-8")

    with pytest.raises(UserError, match="expected as it was recorded"):
        render(found, "en")


def test_an_artefact_that_is_not_json_is_refused(tmp_path: Path) -> None:
    """The message names the file."""
    found = dossier(tmp_path, [Seen(control="BAK-01", subject="restore", evidence={artefact.PITR: "{torn"})])

    with pytest.raises(UserError, match=r"pitr\.json' is not JSON"):
        render(found, "en")


def test_the_same_dossier_gives_the_same_bytes(tmp_path: Path) -> None:
    """Nothing of the moment gets into the page."""
    assert render(complete(tmp_path), "fr") == render(complete(tmp_path), "fr")
