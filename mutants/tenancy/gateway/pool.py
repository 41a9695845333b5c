"""Services that keep who asks where the next request finds it."""

from __future__ import annotations

from typing import Final

from mutants.tenancy.gateway.release import Change, released

_CALL: Final = '            return await operation.handler(Call(caller, scope.get("path_params", {}), value, media_type.decode("latin-1")))'

MUTANTS: Final = (
    released(
        "MUT-TEN-API-30",
        "who asks is kept on the resource while the body is read",
        service="property",
        changes=(
            Change(
                file="application.py",
                before=f"            value = await decode(scope, receive)\n{_CALL}",
                after="            self._asking = caller\n"
                "            value = await decode(scope, receive)\n"
                "            await asyncio.sleep(0)\n"
                f"            caller = self._asking if caller else None\n{_CALL}",
            ),
        ),
        controls=("TEN-API-06",),
    ),
)
