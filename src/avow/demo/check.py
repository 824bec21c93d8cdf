"""Does the demo work? One purchase in each shop, a look into its privacy centre, and a look over its staff's shoulders.

All of it by the public doors, over real HTTPS, as a visitor without JavaScript.
"""

import asyncio
import re
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Final

from avow.demo import people
from avow.demo.buying import BUYER, buy
from avow.demo.house import House, Tell
from avow.demo.loopback import client
from avow.demo.visitor import Lost, Visitor
from avow.errors import AvowError
from avow.policy.model import Cookies

_CODE: Final = re.compile(r"(?<!\d)\d{8}(?!\d)")
_PATIENCE: Final = 15.0  # seconds for a letter


@dataclass(slots=True)
class Seen:
    """What was seen of one site. `wrong` lists what was not as it should be; empty is good."""

    site: str
    bought: str = "-"
    cookies: str = "-"
    centre: str = "-"
    console: str = "-"
    wrong: list[str] = field(default_factory=list)


async def look_around(house: House, tell: Tell) -> list[Seen]:
    """Every site, one after the other."""
    found = []
    for site in house.policies:
        tell(f"buying from {site}, and looking into its privacy centre and its console")
        seen = Seen(site)
        await _step(seen, "purchase", _purchase(house, seen))
        await _step(seen, "privacy centre", _centre(house, seen))
        await _step(seen, "console", _console(house, seen))
        found.append(seen)
    return found


async def _step(seen: Seen, what: str, doing: Awaitable[None]) -> None:
    """Do it. What goes wrong is written down, and the next step goes on."""
    try:
        await doing
    except (AvowError, Lost, OSError, TimeoutError) as error:
        seen.wrong.append(f"{what}: {str(error) or type(error).__name__}")


async def _purchase(house: House, seen: Seen) -> None:
    async with client(house.certificates.authority) as asking:
        visitor, newest = Visitor(asking), _newest(house)
        seen.bought = await buy(visitor, house.addresses, seen.site)
        own = sorted({one.name for one in asking.cookies.jar if (one.domain or "").endswith(f"{seen.site}.localhost")})
    seen.cookies = ", ".join(own) or "none"
    declared = {
        clause.name
        for promise in house.policies[seen.site].promises
        for clause in promise.clauses
        if isinstance(clause, Cookies) and clause.name and not clause.at
    }
    for name in own:
        if name.removeprefix("__Host-").removeprefix("__Secure-") not in declared:
            seen.wrong.append(f"the shop set the cookie `{name}`, which its policy does not declare")
    await _confirmed(house, seen.site, newest)


async def _confirmed(house: House, site: str, newest: int) -> None:
    """The shop confirms the order by mail, through the gateway; where it takes none itself, somebody else does."""
    form = house.policies[site].forms.get("order")
    if form is None or form.at is not None:
        return
    async with asyncio.timeout(_PATIENCE):
        while (letter := await house.mailbox.after(newest, BUYER.email)).subject != "Your order":
            newest = letter.number
    if "List-Unsubscribe" not in dict(letter.headers):
        raise Lost("the confirmation of the order does not say how mails are stopped")


def _newest(house: House) -> int:
    """The number of the newest letter."""
    return house.mailbox.newest_first()[0].number if len(house.mailbox) else 0


async def _centre(house: House, seen: Seen) -> None:
    """Somebody whom the shop had already gets a code by mail, and sees what is held."""
    person, policy = people.KNOWN[0], house.policies[seen.site]
    newest = _newest(house)
    async with client(house.certificates.authority) as asking:
        visitor = Visitor(asking)
        await visitor.go(house.addresses.centre(seen.site) + "/")
        await visitor.send("/code", {"contact": person.email})
        letter = await asyncio.wait_for(house.mailbox.after(newest, person.email), _PATIENCE)
        code = _CODE.search(letter.text)
        if code is None:
            raise Lost("the letter has no code in it")
        await visitor.send("/enter", {"code": code[0]})
        await visitor.send("/held")
        if person.email not in visitor.says:
            raise Lost(f"what is held does not show the address of {policy.controller.name}'s own customer")
        if list(asking.cookies.jar):
            raise Lost("the privacy centre set a cookie")
    seen.centre = "code, data"


async def _console(house: House, seen: Seen) -> None:
    """Somebody in support takes a request up, asks for more than the task needs, and is refused by name of promise."""
    (kim,) = [one for one in people.staff(house.policies[seen.site]) if one.role == "support" and one.signed]
    async with client(house.certificates.authority) as asking:
        visitor = Visitor(asking)
        await visitor.go(house.addresses.console(seen.site) + "/")
        await visitor.send("/", {"name": kim.name, "password": people.PASSWORD})
        await visitor.send("/task")
        await visitor.send("/look", button="Ask, and be told why not")
        promises = (promise.id for promise in house.policies[seen.site].promises)
        ids = [one for one in promises if re.search(rf"\b{one}\b", visitor.says)]
        if visitor.status != 403 or "Refused" not in visitor.says:
            raise Lost("what the task does not need was not refused")
    seen.console = f"refused by {ids[0]}" if ids else "refused"
