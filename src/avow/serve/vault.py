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
from avow.start import must_be_private, private_promise
from avow.upkeep import end
from avow.wire import Secret, serving


async def keep(
    sites: Sequence[Site], stop: asyncio.Event, tell: Tell, *, secret: Secret | None = None, group: int | None = None,
    outlet: Callable[[Policy], Outlet] | None = None, routes: Callable[[Policy], Awaitable[str]] | None = None,
    demo: bool = False,
) -> None:  # fmt: skip
    """Open the sites and serve them until `stop`; then let calls end, put the record into the log, and close.

    What a process that died had begun is finished before anything is served. When a newer version of a policy takes
    effect, all sites are opened anew: a process decides by one version alone. Raises as `Avow.open`, and
    `OperatorError` for an address that the policy does not allow.
    """
    while not stop.is_set():
        async with AsyncExitStack() as stack:
            ends, policies = [stop], []
            for site in sites:
                tell(site.name, f"opening {_shown(site.url)}")
                shop = await stack.enter_async_context(
                    Avow.open(site.policy, site.url, folder=site.folder, private="attested", demo=demo)
                )
                ends.append(shop.superseded)
                policies.append(shop.policy)
                await _served(stack, site, shop, tell, secret, group, outlet, routes)
            for site, policy in zip(sites, policies, strict=True):  # once more, now that it listens
                must_be_private(policy, "attested")
                tell(site.name, f"serving at {site.address}")
            await _first(ends)
            if stop.is_set():
                tell("", "stopping: calls in flight end, the record goes into the log")
            else:
                tell("", "a newer version of a policy has taken effect: opening anew")


async def _served(
    stack: AsyncExitStack, site: Site, shop: Avow, tell: Tell, secret: Secret | None, group: int | None,
    outlet: Callable[[Policy], Outlet] | None, routes: Callable[[Policy], Awaitable[str]] | None,
) -> None:  # fmt: skip
    """The desk of an open site, at its addresses, until the stack ends."""
    watch = Watch(routes, shop.policy)
    mails = await stack.enter_async_context(outlet(shop.policy)) if outlet else None
    desk = Desk(shop, os.urandom, outlet=mails, faults=watch.faults)
    stack.push_async_callback(desk.settle)
    await desk.resume()
    watching = asyncio.create_task(watch.run())
    stack.callback(watching.cancel)
    stack.push_async_callback(end, asyncio.create_task(desk.new_versions.run()))
    done = shop.swept
    tell(
        site.name,
        f"open: version {shop.policy.version}, {shop.log.size:,} entries in the log, {done.data:,} data erased that were due",
    )
    await stack.enter_async_context(serving(desk, site.operator, contract=Operator))
    await stack.enter_async_context(
        serving(desk, site.address, secret=secret, promise=private_promise(shop.policy), group=group)
    )


async def _first(ends: Sequence[asyncio.Event]) -> None:
    """Wait for the first of them."""
    tasks = [asyncio.create_task(one.wait()) for one in ends]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()


def _shown(url: str) -> str:
    """A database without who asks it."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2].partition('?')[0]}"
