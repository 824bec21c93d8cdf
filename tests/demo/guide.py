"""A guide over what a test says: real policies, certificates and a mailbox, and sites that only count."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from avow.demo.authority import certificates
from avow.demo.clocks import Clocks
from avow.demo.guide import Guide, OnFile, Shown, SignIn
from avow.demo.mailbox import Mailbox
from avow.demo.places import SITES, Addresses, names
from avow.demo.terminal import shipped
from avow.policy.parse import read

POLICIES = {path.stem: read(path) for path in shipped()}
STAFF = (
    SignIn("kim-support", "support", True),
    SignIn("lee-support", "support", False),
    SignIn("pat-admin", "admin", True, cases=True),
)
PASSWORD = "lantern river paper boats"


@dataclass
class Site:
    """A clock that goes, and what a sweep finds."""

    now: int = 1_700_000_000_000
    due: list[int] = field(default_factory=list)

    async def about(self) -> dict[str, Any]:
        return {"now": self.now}

    async def move_clock(self, milliseconds: int) -> None:
        self.now += milliseconds

    async def sweep(self) -> dict[str, int]:
        gone = [at for at in self.due if at <= self.now]
        self.due = [at for at in self.due if at > self.now]
        return {"data": len(gone), "keys": len(gone), "purged": 0}


@dataclass
class Opened:
    sites: dict[str, Site]
    mailbox: Mailbox
    shown: Shown
    client: httpx.AsyncClient


async def heard(_: int) -> None:
    """As a web process would."""


def opened(folder: Path) -> Opened:
    sites = {site: Site() for site in SITES}
    mailbox = Mailbox(lambda: 0.0)
    shown = Shown(
        Addresses(8443, 8444, 8080, 2525, 2526), POLICIES, certificates(folder, names()), mailbox, Clocks(sites, sites, heard),
        dict.fromkeys(SITES, STAFF), PASSWORD, dict.fromkeys(SITES, ("ada@quill.example",)),
        {"aitoc": [OnFile("agency", "a government agency", folder / "aitoc-agency.jwk")]},
    )  # fmt: skip
    client = httpx.AsyncClient(transport=httpx.ASGITransport(Guide(shown).app()), base_url="http://localhost:8080")
    return Opened(sites, mailbox, shown, client)


def tls_of(folder: Path) -> ssl.SSLContext:
    files = certificates(folder, names())
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(files.chain, files.key)
    return tls
