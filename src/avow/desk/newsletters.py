"""Newsletters under way: read page by page, decided one by one, handed to the smarthost as fast as it takes them.

What has gone out is remembered with each person, on disk before the smarthost has the end of it. So a newsletter that was
cut off goes on where it was when it is begun again: nobody gets it twice, and nobody is left out (docs/decisions/0081).
"""

import asyncio
import logging
from base64 import b64decode
from binascii import Error
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from hashlib import sha256
from typing import Final

from avow.desk.interface.newsletters import LONGEST, Newsletter
from avow.desk.links import Links
from avow.desk.room import Outlet, Room, text
from avow.errors import AvowError, BadValue, CallError, Denied, Refused
from avow.mail.message import Draft
from avow.mail.notices import in_the_name_of
from avow.practices.collecting import check_value
from avow.practices.messages import Begun, Outcome

PAGE: Final = 256  # people decided in one transaction
TRIES: Final = 3  # of one message, before it waits for the others
ROUNDS: Final = 6  # over those that the smarthost did not take yet
SLOWEST: Final = 60.0  # seconds between tries while the smarthost takes nothing
SENDER: Final = "newsletter"

log = logging.getLogger("avow.desk")


class _Run:
    """One that is under way."""

    def __init__(self, name: str, draft: Draft, purpose: str, interest: tuple[str, str] | None) -> None:
        self.draft = draft
        self.purpose = purpose
        self.interest = interest  # category, and what it has to say
        self.left: list[bytes] = []  # whom the smarthost did not take yet
        self.refusals = 0  # in a row, by the smarthost
        self.stopped = False
        self.told: Newsletter = {
            "id": name, "purpose": purpose, "interest": interest[1] if interest else "", "state": "sending", "looked": 0,
            "sent": 0, "before": 0, "unknown": 0, "refused": 0, "elsewhere": 0, "never": 0, "later": 0, "reason": "",
        }  # fmt: skip


class Newsletters:
    """For one site. `pause`: seconds before the first try after a smarthost took nothing."""

    def __init__(self, room: Room, links: Links, outlet: Outlet | None, *, pause: float = 0.5) -> None:
        self._room = room
        self._shop = room.shop
        self._links = links
        self._outlet = outlet
        self._pause = pause
        self._runs: dict[str, _Run] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def begin(self, content: str, purpose: str, interest: str | None) -> Newsletter:
        """Begin, or go on with, the newsletter that these bytes are; it goes out by itself from then on."""
        if self._outlet is None:
            raise CallError("this site sends no mail; start its vault with --smarthost")
        purpose = text(purpose, "a purpose")
        interest = None if interest is None else text(interest, "an interest").strip()
        category = self._shop.mailings.interest_of(purpose, interest)
        raw = _bytes(content)
        draft = Draft.read(in_the_name_of(self._room.policy, raw))
        for each in draft.texts():
            check_value("newsletter", each, confirmed=True)
        name = sha256(b"\0".join((purpose.encode(), (interest or "").encode(), raw))).hexdigest()[:32]
        if name in self._tasks and not self._tasks[name].done():
            return self._runs[name].told
        await self._shop.mailings.begin(name)
        if not draft.id:
            draft.id = f"<{name}@{self._room.policy.controller.contact['email'].rpartition('@')[2]}>"
        wanted = None if category is None or interest is None else (category, interest)
        run = self._runs[name] = _Run(name, draft, purpose, wanted)
        self._tasks[name] = asyncio.create_task(self._run(run))
        return run.told

    def state(self, name: str) -> Newsletter:
        """How far it is. Raises `CallError` for one that is not known to this process."""
        if name not in self._runs:
            raise CallError("no such newsletter is under way; begin it again, and it goes on where it was")
        return self._runs[name].told

    async def stop(self) -> None:
        """Let what is being handed over end, and begin nothing more."""
        for run in self._runs.values():
            run.stopped = True
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    # -- under way ----------------------------------------------------------------------------------------------------

    async def _run(self, run: _Run) -> None:
        try:
            after = b""
            while not run.stopped and (page := await self._shop.reaching.consenting(run.purpose, after, PAGE)):
                after = page[-1]
                await self._page(run, page)
                run.told["looked"] += len(page)
            for number in range(ROUNDS):
                if run.stopped or not run.left:
                    break
                await self._wait(run, 2**number)
                waiting, run.left = run.left, []
                for first in range(0, len(waiting), PAGE):
                    await self._page(run, waiting[first : first + PAGE], again=True)
            run.told["later"] = len(run.left)
            if run.stopped or run.left:
                run.told |= {"state": "stopped", "reason": run.told["reason"] or "it was stopped; begin it again"}
                return
            await self._shop.mailings.done(run.told["id"])
            run.told |= {"state": "sent", "reason": ""}
        except AvowError as error:
            run.told |= {"state": "stopped", "reason": str(error)}
            log.warning("a newsletter was stopped: %s", type(error).__name__)

    async def _page(self, run: _Run, people: Sequence[bytes], *, again: bool = False) -> None:
        """Decide these, and send to those who may be written to."""
        wanting = list(people)
        if run.interest is not None and not again:
            wanting = await self._shop.mailings.wanting(people, run.purpose, *run.interest)
            run.told["elsewhere"] += len(people) - len(wanting)
        begun = await self._shop.mailings.begin_each(run.purpose, SENDER, run.told["id"], wanting)
        going: dict[bytes, tuple[bytes, Begun]] = {}
        for subject, one in zip(wanting, begun, strict=True):
            if isinstance(one, Refused):
                run.told["refused"] += 1
            elif one.permit is None:
                run.told["unknown" if one.state == "unknown" else "before"] += 1
            elif one.permit.message in going:  # held twice under one address
                run.told["before"] += 1
            else:
                going[one.permit.message] = subject, one
        await asyncio.gather(*(self._send(run, subject, one) for subject, one in going.values()))

    async def _send(self, run: _Run, subject: bytes, begun: Begun) -> None:
        for _ in range(TRIES):
            if run.stopped:
                break
            if run.refusals:
                run.told["state"] = "waiting"
                await self._wait(run, 2 ** min(run.refusals // 8, 7))
            outcome = await self._once(run, begun)
            if outcome != "not-now":
                run.told["state"] = "sending"
                run.told[outcome] += 1  # type: ignore[literal-required]  # each outcome has its count
                return
        run.left.append(subject)

    async def _once(self, run: _Run, begun: Begun) -> str:
        """One try; what came of it."""
        permit, reaching = begun.permit, self._shop.reaching
        if permit is None or self._outlet is None:
            return "refused"
        ways = self._links.out(begun), self._links.back(permit.message)
        hand_over: Callable[[], Awaitable[None]] = partial(reaching.hand_over, permit)
        try:
            answer = await self._outlet.send(begun.address, run.draft, *ways, before_end=hand_over)
        except BadValue:  # no address: nobody can be written to there
            return "never"
        except (Refused, Denied):  # withdrawn since it was begun
            return "refused"
        if answer.outcome == "unknown":
            return "unknown"
        ended: Outcome = answer.outcome
        await reaching.ended(permit, ended)
        run.refusals = run.refusals + 1 if ended == "not-now" else 0
        run.told["reason"] = answer.reason if ended == "not-now" else ""
        return ended

    async def _wait(self, run: _Run, times: int) -> None:
        left = min(SLOWEST, self._pause * times)
        while left > 0 and not run.stopped:
            await asyncio.sleep(min(left, 0.25))
            left -= 0.25


def _bytes(content: str) -> bytes:
    try:
        raw = b64decode(content, validate=True)
    except (Error, ValueError):
        raw = b""
    if not raw or len(raw) > LONGEST:
        raise BadValue(f"a newsletter is a message of at most {LONGEST // 1024} KiB; link to what is larger")
    return raw
