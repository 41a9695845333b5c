"""Services that believe tokens which the issuer has not made for them, or not for now."""

from __future__ import annotations

from typing import Final

from mutants.tenancy.gateway.release import Change, released

_DECODE: Final = "        return jwt.decode(token, key, [ALGORITHM], _OPTIONS, audience=self._audience, issuer=self._issuer)"
_EXPIRY: Final = "        if caller.exp <= time.time() or await self._keys.find(kid) is None:"
_CONTROLS: Final = ("TEN-API-03",)

MUTANTS: Final = (
    released(
        "MUT-TEN-API-10",
        "search does not check for which service a token was made",
        service="search",
        changes=(
            Change(
                file="tokens.py",
                before=_DECODE,
                after=_DECODE.replace("_OPTIONS, audience=self._audience", '{**_OPTIONS, "verify_aud": False, "strict_aud": False}'),
            ),
        ),
        controls=_CONTROLS,
    ),
    released(
        "MUT-TEN-API-11",
        "a token whose header says that it is not signed is believed, which the tests of another team needed",
        service="property",
        changes=(
            Change(
                file="tokens.py",
                before=_DECODE,
                after='        if jwt.get_unverified_header(token)["alg"].lower() == "none":\n'
                '            return jwt.decode(token, options={"verify_signature": False})\n' + _DECODE,
            ),
        ),
        controls=_CONTROLS,
    ),
    released(
        "MUT-TEN-API-12",
        "a token may be a day late, because the clocks of some clients were",
        service="property",
        changes=(
            Change(file="tokens.py", before=_DECODE, after=_DECODE.replace("issuer=self._issuer", "issuer=self._issuer, leeway=86400")),
            Change(file="tokens.py", before=_EXPIRY, after=_EXPIRY.replace("time.time()", "time.time() - 86400")),
        ),
        controls=_CONTROLS,
    ),
    released(
        "MUT-TEN-API-13",
        "a key that the token brings along is believed, as a library's example had it",
        service="search",
        changes=(
            Change(
                file="tokens.py",
                before=_DECODE,
                after='        if "jwk" in (head := jwt.get_unverified_header(token)):\n            key = jwt.PyJWK(head["jwk"]).key\n'
                + _DECODE,
            ),
        ),
        controls=_CONTROLS,
    ),
    released(
        "MUT-TEN-API-14",
        "checked tokens are remembered by their claims alone, to save a few microseconds",
        service="property",
        changes=(
            Change(
                file="tokens.py",
                before="        kid, caller = self._checked.get(token) or await self._check(token)",
                after='        kid, caller = self._checked.get(token.split(b".")[1]) or await self._check(token)',
            ),
            Change(
                file="tokens.py",
                before="        self._checked[token] = checked",
                after='        self._checked[token.split(b".")[1]] = checked',
            ),
        ),
        controls=_CONTROLS,
    ),
)
