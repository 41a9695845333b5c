"""What somebody types who wants to find more than is theirs: operators, wildcards, fields, and what belongs to no query language."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from suites.tenancy.gateway import pointing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from suites.tenancy.gateway.attack import Approach
    from suites.tenancy.gateway.naming import Variation
    from suites.tenancy.gateway.request import Request
    from suites.tenancy.gateway.resident import Resident
    from suites.tenancy.gateway.routes import Way

# Parameters by which engines give more than hits, or from elsewhere, and what asks for everything.
_EXTRAS: Final = {
    **dict.fromkeys(("facets", "facet", "aggs", "fields", "attributes", "attributesToRetrieve", "select", "include", "expand"), "*"),
    **dict.fromkeys(("index", "indexes", "indexUid", "collection", "table", "from"), "*"),
    **dict.fromkeys(("suggest", "autocomplete", "highlight", "explain", "debug", "similar", "all", "raw"), "true"),
    **dict.fromkeys(("sort", "order_by", "group_by", "distinct"), "organization_id"),
}


def searching(approach: Approach, whose: Resident) -> Iterator[Variation]:
    """Each text of the query replaced by each question; then everything that engines take beside it."""
    way, base = approach.way, approach.base
    for name in _texts(way, base):
        for how, question in questions(whose):
            query = tuple((key, question if key == name else value) for key, value in base.query)
            yield f"{name} as {how}", dataclasses.replace(base, query=query)
    word = whose.words[0] if whose.words else whose.canary
    for name, value in _EXTRAS.items():
        yield f"beside it, {name}", dataclasses.replace(base, query=(*base.query, (name, value)))
    for name in ("filter", "filters", "where", "q_filter", "scope"):
        yield f"beside it, {name}", dataclasses.replace(base, query=(*base.query, (name, f'organization_id = "{whose.organization_id}"')))
    yield "as a body", dataclasses.replace(pointing.aimed(way, base, whose), method="GET", body={"q": word, "filter": []})


def questions(whose: Resident) -> Iterator[tuple[str, str]]:
    """Their word in every form that a query language may read, then what means everything."""
    word = whose.words[0] if whose.words else whose.canary
    yield "their word", word
    yield "their word as a phrase", f'"{word}"'
    yield "the beginning of their word", word[:6]
    for sign in ("*", ":*", "%", "~", "?", "$"):
        yield f"the beginning of their word and {sign}", f"{word[:6]}{sign}"
    yield "their word anywhere", f"%{word[2:10]}%"
    yield "their word or anything", f"{word} or a or the"
    yield "anything but a word that nobody has", "-constatnobody"
    yield "their word or anything but it", f"{word} or -{word}"
    for field in ("title", "organization_id", "tenant", "_index", "_id"):
        yield f"their word in {field}", f"{field}:{word}"
    yield "their organization", f"organization_id:{whose.organization_id}"
    yield "their organization as a filter", f'{{"organization_id": "{whose.organization_id}"}}'
    for what in (
        "*",
        "**",
        "%",
        "_",
        ".",
        ".*",
        "?",
        " ",
        '""',
        "'",
        "\\",
        "()",
        "a:*",
        "!a",
        "a | !a",
        "a & !b",
        "a <-> b",
        "[* TO *]",
        "_exists_:title",
    ):
        yield f"everything, as {what}", what
    for what in injections(whose):
        yield f"code, as {what[:24]}", what


def injections(whose: Resident) -> Iterator[str]:
    """What would be code where somebody has put a question into a statement by hand."""
    context = f"set_config('app.organization_id', '{whose.organization_id}', true)"
    yield "' or '1'='1"
    yield "') or true --"
    yield f"a') as asked, {context} as x --"
    yield f"'||(select {context})||'"
    yield "a' union select id, title, city, 1 from properties --"
    yield f"'; set app.organization_id = '{whose.organization_id}'; --"
    yield "${7*7}{{7*7}}"
    yield '{"$ne": null}'


def _texts(way: Way, base: Request) -> list[str]:
    """The parameters of the query that are texts, by their description."""
    texts = {
        p["name"] for p in way.operation.get("parameters", ()) if p.get("in") == "query" and p.get("schema", {}).get("type") == "string"
    }
    return [name for name, _ in base.query if name in texts]
