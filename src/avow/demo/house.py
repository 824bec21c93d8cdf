"""All of the demo, started and stopped as one: five vaults, one web server, the mail, the clock and the guide."""

import asyncio
import json
import os
import socket
import ssl
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import time
from typing import Final

import httpx
import uvicorn

from avow.demo import crowd, people, trade
from avow.demo.authority import Certificates, certificates
from avow.demo.children import Child, started, until
from avow.demo.clocks import Clocks
from avow.demo.guide import Guide, Shown
from avow.demo.loopback import client
from avow.demo.mailbox import Mailbox
from avow.demo.places import GUIDE, HTTPS, SITES, Addresses, addresses, listen, names
from avow.demo.serving import Told, moved
from avow.demo.terminal import shipped
from avow.demo.vaults import Vault, command
from avow.errors import AvowError, CallError, OperatorError
from avow.policy.model import Policy
from avow.policy.parse import read
from avow.wire import Client, OperatorClient

_MARK: Final = "demo.json"  # says that a folder is a demo's, and whether it was finished
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class House:
    """A demo that runs."""

    folder: Path
    addresses: Addresses
    certificates: Certificates
    policies: Mapping[str, Policy]
    mailbox: Mailbox
    clocks: Clocks
    desks: Mapping[str, Client]
    children: tuple[Child, ...]

    async def broken(self) -> OperatorError:
        """Wait until one of the processes ends by itself, and say which."""
        waits = {asyncio.ensure_future(child.process.wait()): child for child in self.children}
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            return waits[done.pop()].failed()
        finally:
            for wait in waits:
                wait.cancel()


@asynccontextmanager
async def opened(
    folder: Path | None, tell: Tell, *, https: int = HTTPS, guide: int = GUIDE,
    databases: Mapping[str, str] | None = None,
) -> AsyncIterator[House]:  # fmt: skip
    """Start everything, and stop it when the block ends.

    `folder`: where the data stay, new or of an earlier demo; without one they go with the demo. Ports that are taken
    are replaced by free ones. `databases`: site -> a PostgreSQL for it, instead of a file. Raises `AvowError`.
    """
    async with AsyncExitStack() as stack:
        home = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="avow-demo-")))
        new = _is_new(home)
        doors = [listen(https), listen(https + 1), listen(guide), listen(0), listen(0)]
        for door in doors:
            stack.callback(door.close)
        at = addresses(*doors)
        policies = {path.stem: read(path) for path in shipped()}
        files = certificates(home / "https", names())
        mailbox = Mailbox(time)
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(files.chain, files.key)
        await stack.enter_async_context(mailbox.listening(doors[3], tls))
        run = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="avow-run-")))
        vaults = {
            site: Vault(
                site, home / site, run / site, at.mail, at.centre(site), files.authority, (databases or {}).get(site)
            )
            for site in SITES
        }
        if new:
            await _populated(policies, vaults, home, tell)
        tell("starting five vaults, one for each site, each with keys of its own")
        desks, operators, children = await _vaults(stack, vaults, home)
        secrets, sockets = (
            {site: os.urandom(32).hex() for site in SITES},
            {site: str(vaults[site].desk) for site in SITES},
        )
        ahead = int((await desks[SITES[0]].about())["now"]) - int(time() * 1000)
        told = Told(
            doors[0].fileno(), str(home), at, sockets, secrets, await _senders(policies, operators), max(0, ahead)
        )
        web = await _serving_process(stack, "web", told)
        pay = await _serving_process(stack, "companies", Told(doors[1].fileno(), str(home), at, {}, secrets))
        children += [web, pay]
        children.append(await _serving_process(stack, "post", Told(doors[4].fileno(), str(home), at, sockets, {})))
        if new:
            tell("hiring staff, and letting people ask for things")
            await asyncio.gather(*(_settle(policies[site], desks[site], operators[site], home) for site in SITES))
            _finished(home)
        tell("opening the shops, privacy centres and consoles over HTTPS")
        async with client(files.authority) as asking:
            await until(web, partial(_answers, asking, at.centre(SITES[0])))
            await until(pay, partial(_answers, asking, at.pay))
        clocks = Clocks(desks, operators, partial(_pass_on, web, [told.ahead]))
        house = House(home, at, files, policies, mailbox, clocks, desks, tuple(children))
        shown = Shown(
            at, policies, files, mailbox, clocks, {site: people.staff(policies[site]) for site in SITES},
            people.PASSWORD, {site: people.addresses(policies[site]) for site in SITES},
            {site: people.on_file(policies[site], home) for site in SITES},
        )  # fmt: skip
        await stack.enter_async_context(_serving(Guide(shown), doors[2]))
        yield house


async def _populated(policies: Mapping[str, Policy], vaults: Mapping[str, Vault], home: Path, tell: Tell) -> None:
    """Who was there before: customers, and visitors."""
    tell("bringing in the customers that each shop had already")
    for site, vault in vaults.items():
        await people.bring(policies[site], vault.url, vault.kept)
        await trade.sell(policies[site], vault.url, vault.kept, datetime.now(UTC))
    tell("letting two weeks of visitors come by")
    for site in SITES:
        await crowd.come(policies[site], home / site, time())


def _is_new(home: Path) -> bool:
    """Whether there is nothing yet. Raises `CallError` for a folder of something else, or of half a demo."""
    mark = home / _MARK
    if not mark.exists():
        if home.exists() and (not home.is_dir() or any(home.iterdir())):
            raise CallError(f"`{home}` is not empty and was not made by the demo; name a new folder")
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        mark.write_text(json.dumps({"finished": False}))
        return True
    if not json.loads(mark.read_text()).get("finished"):
        raise CallError(f"the demo in `{home}` was stopped before it was ready; remove the folder, or name another")
    return False


def _finished(home: Path) -> None:
    (home / _MARK).write_text(json.dumps({"finished": True}))


async def _vaults(
    stack: AsyncExitStack, vaults: Mapping[str, Vault], home: Path
) -> tuple[dict[str, Client], dict[str, OperatorClient], list[Child]]:
    """All of them at once; each answers before this returns."""
    children = []
    for site, vault in vaults.items():
        vault.run.mkdir(mode=0o700)
        children.append(
            await stack.enter_async_context(
                started(
                    f"vault of {site}",
                    command(vault),
                    home / "logs" / f"{site}.log",
                    surroundings={"SSL_CERT_FILE": str(vault.authority)},
                )
            )
        )
    desks, operators = {}, {}
    for site, vault in vaults.items():
        desks[site] = await stack.enter_async_context(Client(str(vault.desk)))
        operators[site] = await stack.enter_async_context(OperatorClient(str(vault.operator)))
    await asyncio.gather(*(until(child, desk.about) for child, desk in zip(children, desks.values(), strict=True)))
    return desks, operators, children


async def _senders(policies: Mapping[str, Policy], operators: Mapping[str, OperatorClient]) -> dict[str, str]:
    """Each shop's password at the mail gateway; new with every start."""
    return {site: await people.sender(policies[site], operators[site]) for site in SITES}


async def _settle(policy: Policy, desk: Client, operator: OperatorClient, home: Path) -> None:
    try:
        await people.employ(policy, desk, operator)
        await people.ask(policy, desk)
        await trade.declare(policy, operator)
        await people.file_recipients(policy, operator, home)
        await people.demand(policy, desk)
    except AvowError as error:
        raise OperatorError(f"the demo could not put people into {policy.site}: {error}") from error


async def _serving_process(stack: AsyncExitStack, name: str, told: Told) -> Child:
    """It loads while other things are done; see `_answers`."""
    log = Path(told.folder) / "logs" / f"{name}.log"
    return await stack.enter_async_context(
        started(name, ["-m", f"avow.demo.{name}"], log, told=told.line(), hands=[told.door])
    )


async def _pass_on(web: Child, ahead: list[int], by: int) -> None:
    """Tell the web process how far ahead the clocks are, after another move."""
    ahead[0] += by
    if web.process.stdin is not None:
        web.process.stdin.write(moved(ahead[0]))
        await web.process.stdin.drain()


async def _answers(asking: httpx.AsyncClient, origin: str) -> None:
    try:
        await asking.get(origin + "/")
    except httpx.HTTPError as error:
        raise OSError(type(error).__name__) from error


class _Quiet(uvicorn.Server):
    """Signals are the demo's business."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


@asynccontextmanager
async def _serving(guide: Guide, door: socket.socket) -> AsyncIterator[None]:
    config = uvicorn.Config(
        guide.app(), log_level="warning", access_log=False, lifespan="off", server_header=False,
        timeout_graceful_shutdown=2,
    )  # fmt: skip
    server = _Quiet(config)
    task = asyncio.create_task(server.serve(sockets=[door]))
    try:
        yield
    finally:
        server.should_exit = True
        with suppress(asyncio.CancelledError):
            await task
