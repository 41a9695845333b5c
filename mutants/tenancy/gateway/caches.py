"""Services that keep answers without saying whose they are."""

from __future__ import annotations

from typing import Final

from mutants.tenancy.gateway.release import Change, released

_TAGS: Final = """        answer = await self._answer(scope, receive)
        tag = b'"%d"' % (hash(scope["path"]) & 0xFFFFFFFF)
        if scope["method"] == "GET" and answer.status in {200, 404}:
            if dict(scope["headers"]).get(b"if-none-match") == tag:
                answer = Answer(304, b"", headers=((b"etag", tag),))
            elif answer.status == HTTPStatus.OK:
                answer = answer._replace(headers=(*answer.headers, (b"etag", tag)))
"""

MUTANTS: Final = (
    released(
        "MUT-TEN-API-20",
        "listings are kept under the page's name alone",
        service="property",
        changes=(
            Change(file="cache.py", before='    return f"{tenant}:listing-generation"', after='    return "listing-generation"'),
            Change(
                file="cache.py",
                before='self._redis.mget(_generation(tenant), f"{tenant}:listing:{name}")',
                after='self._redis.mget(_generation(tenant), f"listing:{name}")',
            ),
            Change(
                file="cache.py",
                before='self._redis.set(f"{tenant}:listing:{name}", generation + listing, ex=SECONDS)',
                after='self._redis.set(f"listing:{name}", generation + listing, ex=SECONDS)',
            ),
        ),
        controls=("TEN-API-04",),
    ),
    released(
        "MUT-TEN-API-21",
        "entity tags are made of the path, and compared before anybody knows whose the thing is",
        service="property",
        changes=(Change(file="application.py", before="        answer = await self._answer(scope, receive)\n", after=_TAGS),),
        controls=("TEN-API-04",),
    ),
    released(
        "MUT-TEN-API-23",
        "a request that is sent twice is answered as it was the first time, by the key that the client gave it",
        service="property",
        changes=(
            Change(
                file="application.py",
                before="            value = await decode(scope, receive)\n            return await operation.handler(",
                after='            key = dict(scope["headers"]).get(b"idempotency-key")\n'
                "            if key in _DONE:\n                return _DONE[key]\n"
                "            value = await decode(scope, receive)\n            done = await operation.handler(",
            ),
            Change(
                file="application.py",
                before='media_type.decode("latin-1")))\n',
                after='media_type.decode("latin-1")))\n'
                "            if key is not None:\n                _DONE[key] = done\n            return done\n",
            ),
            Change(file="application.py", before="_HEADERS: Final", after="_DONE: dict[bytes, Answer] = {}\n_HEADERS: Final"),
        ),
        controls=("TEN-API-04",),
    ),
    released(
        "MUT-TEN-API-22",
        "answers may be kept by everybody's cache for half a minute, to please the content network",
        service="property",
        changes=(
            Change(file="application.py", before='(b"cache-control", b"no-store")', after='(b"cache-control", b"public, max-age=30")'),
        ),
        controls=("TEN-API-07",),
    ),
)
