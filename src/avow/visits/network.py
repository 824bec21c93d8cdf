"""The domain of the network that a visit came from: of `p5b2a1.dip0.t-ipconnect.de`, `t-ipconnect.de`.

Looked up beside the requests, and only the domain that somebody registered is taken over: never a host's name, and
nothing below a domain under which people name hosts of their own. Addresses and answers are in memory alone.
"""

import asyncio
import re
import socket
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import Final

from tldextract import TLDExtract

from avow.visits.merging import OTHER

REMEMBERED: Final = 20_000  # addresses
FRESH: Final = 3_600_000  # ms that an answer is good
AT_ONCE: Final = 4
WAITING: Final = 1_000  # look-ups that may wait; beyond that a visit's domain is not known
PATIENCE: Final = 5.0  # s
_DOMAIN: Final = re.compile(r"(?=.{4,64}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+")
_HOST: Final = re.compile(r"[a-z0-9._-]{1,253}")
_NOBODY: Final = frozenset({"arpa", "local", "localhost", "internal", "lan", "home"})


class Domains:
    """The Public Suffix List that came with tldextract; nothing is fetched. Its private part is not used: under
    `dyndns.org` it would tell one household from another.
    """

    def __init__(self) -> None:
        self._extract: Final = TLDExtract(cache_dir=None, suffix_list_urls=(), include_psl_private_domains=False)

    def of(self, host: str) -> str:
        """The registered domain of a host; `OTHER` where there is none, or where it is no ordinary name."""
        name = host.rstrip(".").lower()
        if not _HOST.fullmatch(name):
            return OTHER
        domain = self._extract(name).top_domain_under_public_suffix
        return domain if _DOMAIN.fullmatch(domain) and domain.rpartition(".")[2] not in _NOBODY else OTHER


class Answer:
    """Where a domain will stand, once it is known."""

    __slots__ = ("domain", "until")

    def __init__(self, until: int) -> None:
        self.domain = OTHER
        self.until = until


Resolve = Callable[[str], Awaitable[str]]


class Reverse:
    """Asks the operator's own resolver, in threads of its own: a slow one keeps nobody else waiting."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(AT_ONCE, "reverse")

    async def __call__(self, address: str) -> str:
        """The name of a host. Raises `OSError`."""
        asked = asyncio.get_running_loop().run_in_executor(
            self._threads, socket.getnameinfo, (address, 0), socket.NI_NAMEREQD
        )
        return (await asked)[0]


def _is_address(text: str) -> bool:
    """What a proxy hands on may be any words; they are nobody's to ask for."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


class Names:
    """Asks for each address once an hour at most."""

    def __init__(self, domains: Domains, resolve: Resolve | None = None) -> None:
        self._domains = domains
        self._resolve = resolve or Reverse()
        self._known: OrderedDict[str, Answer] = OrderedDict()
        self._under_way: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Semaphore(AT_ONCE)

    def ask(self, address: str, now: int) -> Answer:
        """The answer, filled in once it is there. Waits for nothing."""
        known = self._known.get(address)
        if known is None or known.until < now:
            known = self._known[address] = Answer(now + FRESH)
            self._known.move_to_end(address)
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
            if len(self._under_way) < WAITING and _is_address(address):
                task = asyncio.get_running_loop().create_task(self._look_up(address, known))
                self._under_way.add(task)
                task.add_done_callback(self._under_way.discard)
        return known

    async def _look_up(self, address: str, into: Answer) -> None:
        async with self._turn:
            try:
                async with asyncio.timeout(PATIENCE):
                    into.domain = self._domains.of(await self._resolve(address))
            except (OSError, UnicodeError, TimeoutError):
                into.domain = OTHER

    def forget(self) -> None:
        """Keep nobody's address any longer."""
        self._known.clear()

    async def settled(self) -> None:
        """Wait for what is under way."""
        await asyncio.gather(*self._under_way)
