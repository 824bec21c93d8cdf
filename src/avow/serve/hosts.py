"""One port, several names: each request goes to the app of the host that it names. And how the sites fare."""

import asyncio
from collections.abc import Mapping
from typing import Final

from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from avow.desk.interface import Desk
from avow.errors import AvowError
from avow.policy.model import Policy

HEALTH: Final = "/healthz"
_PATIENCE: Final = 5.0  # seconds for a site to say how it fares
_UNKNOWN: Final = "No site of this name is served here. Look at the address.\n"


class Hosts:
    """Passes requests on by their host. `GET /healthz` is answered under every name, and under none."""

    def __init__(self, apps: Mapping[str, ASGIApp], desks: Mapping[str, tuple[Desk, Policy]]) -> None:
        self.show(apps, desks)

    def show(self, apps: Mapping[str, ASGIApp], desks: Mapping[str, tuple[Desk, Policy]]) -> None:
        """From now on these; what is under way ends as it began."""
        self._apps = {name.lower(): app for name, app in apps.items()}
        self._desks = desks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return
        if scope["path"] == HEALTH and scope["method"] in ("GET", "HEAD"):
            await (await health(self._desks))(scope, receive, send)
            return
        app = self._apps.get(_host(scope), PlainTextResponse(_UNKNOWN, 421))
        await app(scope, receive, send)


async def health(desks: Mapping[str, tuple[Desk, Policy]]) -> JSONResponse:
    """200 when all that has to hold does, 503 otherwise; for each site what does and what does not."""
    told = dict(zip(desks, await asyncio.gather(*(_fares(*one) for one in desks.values())), strict=True))
    well = all(all(one.values()) for one in told.values())
    return JSONResponse({"ok": well, "sites": told}, 200 if well else 503, headers={"cache-control": "no-store"})


async def _fares(desk: Desk, policy: Policy) -> dict[str, bool]:
    """`vault`: it answers; `policy`: it keeps the policy that is shown here; and the rest as `interface.Well` has it."""
    try:
        async with asyncio.timeout(_PATIENCE):
            about = await desk.about()
    except (AvowError, TimeoutError):
        return {"vault": False}
    told = {"vault": True, "policy": about["policy"] == policy.digest.hex()}
    try:
        async with asyncio.timeout(_PATIENCE):
            return told | {name: bool(holds) for name, holds in (await desk.well()).items()}
    except (AvowError, TimeoutError):
        return told | {"database": False}


def _host(scope: Scope) -> str:
    named = [value for key, value in scope["headers"] if key == b"host"]
    host = named[0].decode("latin-1").lower() if len(named) == 1 else ""
    return host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() and ":" in host else host
