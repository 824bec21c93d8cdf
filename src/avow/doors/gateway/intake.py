"""Mail that comes in from anybody: questions and wishes to the contact address, stops, and mails that came back."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from hashlib import sha256
from typing import Final

from avow.cards import Suspicion, suspicion
from avow.doors.gateway import replies
from avow.doors.gateway.replies import Reply
from avow.doors.gateway.sites import STOP, Served, Target
from avow.errors import AvowError, Denied
from avow.mail.reading import Came, read

MOST: Final = 10  # recipients of ours that one mail has
STOPS: Final = ("opt-out", "withdraw")  # kinds of links that are followed by mail
_LONGEST_TOKEN: Final = 512


async def take(content: bytes, sender: str, targets: Sequence[Target]) -> Reply:
    """Take a mail in for each of these. `sender` as the envelope has it."""
    came, card = await asyncio.to_thread(_read, content, sender)  # it may take its time, and nobody else waits for it
    if card and any(target.kind == "contact" for target in targets):
        return replies.CARD
    name = came.id or f"<{sha256(content).hexdigest()}@no-id>"
    return replies.worst([await _taken(came, name, target) for target in targets])


def _read(content: bytes, sender: str) -> tuple[Came, bool]:
    """The mail, and whether there may be a card's number in its words."""
    came = read(content, sender)
    return came, any(suspicion(text) is not Suspicion.NONE for text in (came.subject, came.words))


async def _taken(came: Came, name: str, target: Target) -> Reply:
    if target.kind == "contact":
        (site,) = target.sites
        return await _asked(lambda: site.mailroom.received(name, came.sender, came.subject, came.words))
    if target.kind == STOP:
        token = "".join(came.subject.split()[-1:])  # behind what a mail program may put before it
        return await _first(target.sites, lambda site: _stopped(site, token), token)
    permanent = came.returned
    if permanent is None:  # an absence, or an answer that was sent there by mistake
        return replies.TAKEN
    return await _first(
        target.sites, lambda site: site.mailroom.returned(target.token, permanent=permanent), target.token
    )


async def _stopped(site: Served, token: str) -> None:
    """Raises `Denied` for a link of another kind: what it says yes to, or takes back, hangs on a page's button."""
    if (await site.mailroom.link(token))["kind"] not in STOPS:
        raise Denied
    await site.mailroom.follow(token)


async def _first(sites: Sequence[Served], ask: Callable[[Served], Awaitable[object]], token: str) -> Reply:
    """Of the sites that share the address's host, the one whose token it is."""
    if not token or len(token) > _LONGEST_TOKEN:
        return replies.NOBODY
    reply = replies.NOBODY
    for site in sites:
        reply = await _asked(lambda site=site: ask(site))  # type: ignore[misc]
        if reply is not replies.NOBODY:
            break
    return reply


async def _asked(ask: Callable[[], Awaitable[object]]) -> Reply:
    try:
        await ask()
    except Denied:
        return replies.NOBODY
    except AvowError as error:
        return replies.of(error)
    return replies.TAKEN
