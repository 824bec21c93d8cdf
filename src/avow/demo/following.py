"""Which version of each site's policy is in force, as the demo's serving processes learn it from the vaults."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from avow.errors import AvowError, OperatorError, Unavailable
from avow.policy.model import Policy
from avow.policy.parse import parse
from avow.wire import Client

_LOOK: Final = 0.5  # seconds between two looks
_PATIENCE: Final = 60.0  # seconds for a vault to open anew


async def in_force(sockets: Mapping[str, str]) -> dict[str, Policy]:
    """Site -> the version that its vault keeps. Raises `OperatorError` where one does not answer."""
    return {site: await _kept(site, socket) for site, socket in sockets.items()}


async def another(sockets: Mapping[str, str], known: Mapping[str, Policy]) -> None:
    """Wait until one of the sites keeps another version than is known."""
    while True:
        await asyncio.sleep(_LOOK)
        for site, socket in sockets.items():
            with suppress(AvowError):  # it may be opening anew just now
                async with Client(socket) as desk:
                    if (await desk.about())["policy"] != known[site].digest.hex():
                        return


async def _kept(site: str, socket: str) -> Policy:
    with suppress(TimeoutError):
        async with asyncio.timeout(_PATIENCE):
            while True:
                try:
                    async with Client(socket) as desk:
                        about = await desk.about()
                    return parse(about["source"], f"{site}, version {about['version']}")
                except Unavailable:
                    await asyncio.sleep(_LOOK)
    raise OperatorError(f"the vault of {site} does not answer")
