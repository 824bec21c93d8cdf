"""The doors process: privacy centre, console and API of each site, each under its own name. It holds no key."""

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from avow.desk.interface import Desk
from avow.doors.api import make_api
from avow.doors.centre.app import guarded, make_centre
from avow.doors.console.app import make_console
from avow.errors import AvowError, CallError, OperatorError, Unavailable
from avow.policy.model import Policy
from avow.policy.parse import parse
from avow.serve.gateway import Post, taking_mail
from avow.serve.hosts import Hosts
from avow.serve.port import Names, Port
from avow.serve.sites import Site, Tell
from avow.visits import Counted
from avow.wire import Client, Secret

Kept = Mapping[str, tuple[Desk, Policy]]  # site -> its desk, and the version that it keeps
_GRACE: Final = 10  # seconds that requests under way have when it stops
_AT_ONCE: Final = 512  # requests; the next one is answered with 503
_TRIES: Final = 25  # five seconds, before it says that it waits
_LOOK: Final = 0.5  # seconds between two looks at which version of the policy is in force


def apps(
    desk: Desk, policy: Policy, names: Names, port: Port, font: Path | None = None, visits: Path | None = None
) -> dict[str, tuple[str, ASGIApp]]:  # fmt: skip
    """Host name -> what it is, and its app. `font`: what letters are printed in; `visits`: the folder they lie in."""
    site = policy.site
    shop = names.shop.format(site=site) or policy.controller.url or port.origin(f"{site}.localhost")
    made: dict[str, tuple[str, ASGIApp]] = {}
    page = f"{shop}/privacy"
    if name := names.centre.format(site=site):
        centre = make_centre(desk, policy, shop_url=shop, origin=port.origin(name))
        seen, page = port.origin(name).partition("://")[2], port.origin(name) + "/policy"
        plain = not (port.certificate or port.proxy)
        behind = guarded(centre, policy, host=seen, shop_url=shop, clock=_now, random=os.urandom, plain=plain)
        made[name] = ("privacy centre", behind)
    if name := names.console.format(site=site):
        counted = Counted.reading(policy, visits, random=os.urandom) if visits else None
        made[name] = ("staff console", _console(desk, policy, port.origin(name), page, font, counted))
    if name := names.api.format(site=site):
        made[name] = ("HTTP API", make_api(desk, policy))
    return made


def _console(
    desk: Desk, policy: Policy, origin: str, policy_page: str, font: Path | None, counted: Counted | None
) -> ASGIApp:
    return make_console(
        desk, policy, origin=origin, policy_page=policy_page, clock=_now, random=os.urandom,
        fonts=None if font is None else (font,), counted=counted,
    )  # fmt: skip


def _now() -> datetime:
    return datetime.now(UTC)


async def answer(
    sites: Sequence[Site], stop: asyncio.Event, tell: Tell, *, port: Port, names: Names, secret: Secret | None = None,
    font: Path | None = None, post: Post | None = None, visits: Path | None = None,
) -> None:  # fmt: skip
    """Answer people until `stop`. Waits until each site's vault answers first; from then on pages and mail gateway follow the
    versions of the policies that the vaults keep, and whoever is connected stays so. Raises `AvowError`.
    """
    door = port.opened()
    port = replace(port, number=door.getsockname()[1])
    hosts, said = Hosts({}, {}), set[tuple[str, str]]()
    async with AsyncExitStack() as stack:
        clients = await stack.enter_async_context(_desks(sites, secret))

        async def shown() -> Kept:
            desks = await _kept(sites, clients, stop, tell)
            if not stop.is_set():
                hosts.show(_made(desks, names, port, font, visits, partial(_once, said, tell)), desks)
            return desks

        desks = await shown()
        if not stop.is_set():
            mail = await stack.enter_async_context(taking_mail(post, desks, port, tell)) if post else None
            tell("", f"listening on {port.host}:{port.number}; health at /healthz")
            following = asyncio.create_task(_follow(desks, shown, mail))
            try:
                await _served(hosts, port, door, stop, following)
            finally:
                following.cancel()
    door.close()


async def _follow(desks: Kept, shown: Callable[[], Awaitable[Kept]], mail: Callable[[Kept], None] | None) -> None:
    """Show each version of a policy from when its vault keeps it. Ends only by an error."""
    while True:
        await asyncio.sleep(_LOOK)
        if await _another(desks):
            desks = await shown()
            if mail is not None and desks:
                mail(desks)


def _made(
    desks: Kept, names: Names, port: Port, font: Path | None, visits: Path | None, tell: Tell
) -> dict[str, ASGIApp]:  # fmt: skip
    """Host name -> app, of all sites. Raises `CallError` for a name that two have."""
    made: dict[str, ASGIApp] = {}
    for site, (desk, policy) in desks.items():
        for name, (what, app) in apps(desk, policy, names, port, font, visits).items():
            if name in made:
                raise CallError(f"two doors have the name `{name}`; put {{site}} into the names")
            made[name] = app
            tell(site, f"{what} at {port.origin(name)}/")
    return made


def _once(said: set[tuple[str, str]], tell: Tell, site: str, line: str) -> None:
    """What stays the same under another version of the policy is not told again."""
    if (site, line) not in said:
        said.add((site, line))
        tell(site, line)


async def _another(desks: Kept) -> bool:
    """Whether one of the desks keeps another version than its pages were made of. One that does not answer says nothing."""
    for desk, policy in desks.values():
        with suppress(AvowError):
            if (await desk.about())["policy"] != policy.digest.hex():
                return True
    return False


@asynccontextmanager
async def _desks(sites: Sequence[Site], secret: Secret | None) -> AsyncIterator[list[Client]]:
    clients = [Client(site.address, secret=secret) for site in sites]
    try:
        yield clients
    finally:
        for client in clients:
            await client.hang_up()


async def _kept(sites: Sequence[Site], clients: Sequence[Client], stop: asyncio.Event, tell: Tell) -> Kept:
    """Each site's desk with the policy that it keeps now; none of those that did not answer before `stop`."""
    return {
        site.name: (desk, policy) for site, desk in zip(sites, clients, strict=True)
        if (policy := await _in_force(site, desk, stop, tell)) is not None
    }  # fmt: skip


async def _in_force(site: Site, desk: Desk, stop: asyncio.Event, tell: Tell) -> Policy | None:
    """Wait for the vault, and learn from it which version it keeps: of that the pages are made. None where it is told to
    stop first. Raises `OperatorError`.
    """
    tries = 0
    while not stop.is_set():
        try:
            about = await desk.about()
        except Unavailable as error:
            tries += 1
            if tries == _TRIES:
                tell(site.name, f"waiting: {error}")
            await asyncio.sleep(0.2)
            continue
        if about["site"] != site.name:
            raise OperatorError(
                f"the vault at `{site.address}` keeps the site {about['site']}, and the policy named here is another's; start "
                "both with the same file"
            )
        return parse(about["source"], f"the version of {about['version']}")
    return None


class _Server(uvicorn.Server):
    """Signals are its caller's business."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


async def _served(
    app: ASGIApp, port: Port, door: socket.socket, stop: asyncio.Event, following: asyncio.Task[None]
) -> None:
    """Serve over HTTP until `stop`, or until `following` fails. Nothing is logged of who asks for what: addresses are
    personal data.
    """
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, lifespan="off", ws="none",
        proxy_headers=port.proxy, forwarded_allow_ips="127.0.0.1,::1", limit_concurrency=_AT_ONCE,
        timeout_graceful_shutdown=_GRACE,
        ssl_certfile=port.certificate, ssl_keyfile=port.key,
    )  # fmt: skip
    try:
        config.load()
    except (ssl.SSLError, OSError) as error:
        raise OperatorError(
            f"the certificate `{port.certificate}` and the key `{port.key}` cannot be used: {error.strerror}"
        ) from None
    if config.ssl is not None:
        config.ssl.minimum_version = ssl.TLSVersion.TLSv1_2
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[door]))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait((serving, stopping, following), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    server.should_exit = True
    await serving
    if following.done():
        await following
