"""The site's own mails, those of the desk and newsletters, go out through the smarthost in the name of the controller."""

import os
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Self

from avow.errors import CallError
from avow.mail.address import checked, is_address, parts
from avow.mail.message import Draft, House
from avow.mail.signing import Signer
from avow.mail.smarthost import AT_ONCE, Answer, Server, Smarthost
from avow.policy.model import Policy
from avow.serve.port import Names, Port
from avow.start import system_clock

Houses = Callable[[Policy, Port], House]  # the port as the doors have it


def houses(names: Names, dkim_key: Path | None = None, dkim_selector: str | None = None) -> Houses:
    """In whose name each site's mails go out. Raises `CallError`; what it gives raises `CallError`, `OperatorError`."""
    if (dkim_key is None) != (dkim_selector is None):
        raise CallError("a DKIM key and the name of its place in the DNS come together: --dkim-key, --dkim-selector")

    def of(policy: Policy, web: Port) -> House:
        name, contact = names.centre.format(site=policy.site), policy.controller.contact.get("email", "")
        if not name:
            raise CallError(
                "the link by which mails are stopped leads to the privacy centre; give --centre-host a name"
            )
        if not is_address(contact):
            raise CallError(f"the policy of `{policy.site}` names no e-mail address of the controller to write from")
        signer = None if dkim_key is None else Signer.of(dkim_key, parts(contact)[1], dkim_selector or "")
        centre = names.centre_url.format(site=policy.site) or web.origin(name)
        return House(policy.controller.name, contact, centre, name, signer)

    return of


def outlets(server: Server, of: Houses, web: Port) -> "Callable[[Policy], Outlet]":
    """What makes each site's."""
    return lambda policy: Outlet(server, of(policy, web))


class Outlet:
    """For one site and event loop: see `avow.desk.room.Outlet`."""

    def __init__(
        self, server: Server, house: House, *, connections: int = AT_ONCE, tls: ssl.SSLContext | None = None
    ) -> None:
        self._house = house
        self._smarthost = Smarthost(server, connections=connections, name=house.host, tls=tls)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._smarthost.close()

    @property
    def centre(self) -> str:
        """The origin of the privacy centre."""
        return self._house.centre

    async def send(
        self, to: str, draft: Draft, out: str, back: str, *, automatic: bool = False,
        before_end: Callable[[], Awaitable[None]] | None = None,
    ) -> Answer:  # fmt: skip
        """Finish it, and hand it over."""
        checked(to)
        ways = self._house.ways(out, back)
        content = draft.finished(to, self._house, ways, now=system_clock(), random=os.urandom, automatic=automatic)
        return await self._smarthost.send(ways.back, to, content, before_end=before_end)
