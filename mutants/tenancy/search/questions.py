"""Searches that remember what somebody else has asked or found."""

from __future__ import annotations

from typing import Final

from mutants.tenancy.gateway.release import Change, released

_FIND: Final = '        values = {"q": call.input.q, "limit": call.input.limit}\n'
_ANSWER: Final = "        return json(Hits(await self._database.fetch(call.caller.organization_id, _SEARCH, values, row=Hit)))"
_CONTROLS: Final = ("TEN-SEA-01",)

MUTANTS: Final = (
    released(
        "MUT-TEN-SEA-01",
        "what was found is kept by the question alone, for those who ask the same again",
        service="search",
        changes=(
            Change(
                file="search.py",
                before=_ANSWER,
                after="        kept = self.__dict__.setdefault('kept', {})\n"
                "        if (call.input.q, call.input.limit) not in kept:\n"
                "            kept[call.input.q, call.input.limit] = Hits(\n"
                "                await self._database.fetch(call.caller.organization_id, _SEARCH, values, row=Hit)\n"
                "            )\n"
                "        return json(kept[call.input.q, call.input.limit])",
            ),
        ),
        controls=_CONTROLS,
    ),
    released(
        "MUT-TEN-SEA-02",
        "a new operation completes what somebody types from what everybody has asked lately",
        service="search",
        changes=(
            Change(file="search.py", before=_FIND, after=f"        self.__dict__.setdefault('asked', set()).add(call.input.q)\n{_FIND}"),
            Change(
                file="search.py",
                before="def service(settings: SearchSettings) -> Service:",
                after="    async def suggest(self, call: Call[Question]) -> Answer:\n"
                '        """Complete a word."""\n'
                "        asked = self.__dict__.setdefault('asked', set())\n"
                "        told = [word for word in sorted(asked) if word.startswith(call.input.q.rstrip('*'))]\n"
                "        return json(told[: call.input.limit])\n\n\n"
                "def service(settings: SearchSettings) -> Service:",
            ),
            Change(
                file="search.py",
                before="        operations=(searching,),",
                after="        operations=(\n"
                "            searching,\n"
                "            Operation(\n"
                '                method="GET",\n'
                '                path="/api/search/suggestions",\n'
                '                summary="Complete a word.",\n'
                "                handler=Finder.suggest.__get__(searching.handler.__self__),\n"
                "                accepts=Question,\n"
                "                answers=list[str],\n"
                "            ),\n"
                "        ),",
            ),
        ),
        controls=_CONTROLS,
    ),
)
