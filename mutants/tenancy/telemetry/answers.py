"""Services whose errors and metrics tell more than their reader has said."""

from __future__ import annotations

from typing import Final

from mutants.tenancy.gateway.release import Change, released

_OBSERVE: Final = "        self._meter.observe(method, self._route, answer.status, perf_counter() - began)"

MUTANTS: Final = (
    released(
        "MUT-TEN-TEL-10",
        "what the database says of refused values is passed on, because the client should know",
        service="property",
        changes=(
            Change(
                file="database.py",
                before='        raise Problem(422, "the database refuses these values") from problem',
                after='        raise Problem(422, f"the database refuses these values: {type(problem)} {problem}") from problem',
            ),
            Change(
                file="database.py",
                before='        raise Problem(409, "it is there already") from problem',
                after='        raise Problem(409, f"it is there already: {problem}") from problem',
            ),
        ),
        controls=("TEN-TEL-02",),
    ),
    released(
        "MUT-TEN-TEL-11",
        "requests are measured by their path instead of their route",
        service="property",
        changes=(Change(file="application.py", before=_OBSERVE, after=_OBSERVE.replace("self._route", 'scope["path"]')),),
        controls=("TEN-TEL-02",),
    ),
    released(
        "MUT-TEN-TEL-12",
        "what failed is shown with its traceback, as it was while the service was developed",
        service="property",
        changes=(
            Change(
                file="application.py",
                before='            return refusal(Problem(500, "the service failed"))',
                after="            return refusal(Problem(500, traceback.format_exc()))",
            ),
            Change(
                file="decoding.py",
                before="        except msgspec.DecodeError as problem:\n            raise _not_as_described(problem) from None",
                after="        except msgspec.ValidationError as problem:\n            raise _not_as_described(problem) from None",
            ),
        ),
        controls=("TEN-TEL-02",),
    ),
    released(
        "MUT-TEN-TEL-13",
        "requests are measured by tenant, under a number so that nobody is named",
        service="property",
        changes=(
            Change(
                file="application.py",
                before=_OBSERVE,
                after='        who = sum(dict(scope["headers"]).get(b"x-tenant-id", b"")) % 997\n'
                + _OBSERVE.replace("self._route", 'f"{self._route} {who}"'),
            ),
        ),
        controls=("TEN-TEL-02",),
    ),
)
