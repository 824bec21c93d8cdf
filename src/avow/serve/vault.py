"""The vault process: sites opened, each with its desk at an address for web processes and one for the operator."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack

from avow.app import Avow
from avow.desk.desk import Desk
from avow.desk.interface import Operator
from avow.policy.model import Policy
from avow.serve.mail import Outlet
from avow.serve.routes import Watch
from avow.serve.sites import Site, Tell
from avow.start import must_be_private
from avow.wire import Secret, serving


async def keep(
    sites: Sequence[Site], stop: asyncio.Event, tell: Tell, *, secret: Secret | None = None, group: int | None = None,
    outlet: Callable[[Policy], Outlet] | None = None, routes: Callable[[Policy], Awaitable[str]] | None = None,
    demo: bool = False,
) -> None:  # fmt: skip
    """Open the sites and serve them until `stop`; then let calls end, put the record into the log, and close.

    What a process that died had begun is finished before anything is served. Raises as `Avow.open`, and
    `OperatorError` for an address that the policy does not allow.
    """
    async with AsyncExitStack() as stack:
        for site in sites:
            tell(site.name, f"opening {_shown(site.url)}")
            shop = await stack.enter_async_context(
                Avow.open(site.policy, site.url, folder=site.folder, private="attested", demo=demo)
            )
            watch = Watch(routes, site.policy)
            mails = await stack.enter_async_context(outlet(site.policy)) if outlet else None
            desk = Desk(shop, os.urandom, outlet=mails, faults=watch.faults)
            stack.push_async_callback(desk.settle)
            await desk.resume()
            watching = asyncio.create_task(watch.run())
            stack.callback(watching.cancel)
            done = shop.swept
            tell(site.name, f"open: {shop.log.size:,} entries in the log, {done.data:,} data erased that were due")
            await stack.enter_async_context(serving(desk, site.operator, contract=Operator))
            await stack.enter_async_context(
                serving(desk, site.address, secret=secret, promise=site.promise, group=group)
            )
        for site in sites:  # once more, now that it listens
            must_be_private(site.policy, "attested")
            tell(site.name, f"serving at {site.address}")
        await stop.wait()
        tell("", "stopping: calls in flight end, the record goes into the log")


def _shown(url: str) -> str:
    """A database without who asks it."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2].partition('?')[0]}"
