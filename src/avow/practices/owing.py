"""Notices owed: messages that a promise or a person's own request itself requires. No caller's word makes one owed.

Each is of a fixed kind, goes once for each cause, and passes an opt-out only where the policy says so. Where it may not
go, whoever owes it leaves the act undone that it is a condition of.
"""

from datetime import timedelta
from enum import StrEnum
from typing import Final

from avow.decide.facts import Circumstances
from avow.decide.request import Allow, Request
from avow.errors import Refused
from avow.gate import Act, Actor, Gate
from avow.policy.model import RIGHTS_PURPOSE, SITE, Change, Channel, Contact
from avow.practices.deadlines import RIGHTS_REQUEST
from avow.practices.messages import Begun, Errand
from avow.practices.reaching import Reaching
from avow.vault.lookup import same_mailbox

_SITE: Final = Actor(SITE, "site", standing=True)


class NoticeKind(StrEnum):
    """What may be owed. The words of each stand in `avow.mail.notices`; none of them advertises."""

    CODE = "code"  # by which somebody shows that an address is theirs
    CONFIRM = "confirm"  # what somebody agreed to
    CONTACT_CHANGED = "contact-changed"
    ERASURE_PLANNED = "erasure-planned"
    DISCLOSED = "disclosed"
    NEW_USE = "new-use"


def cause(version: bytes, subject: bytes) -> str:
    """What the notice of a version (16 bytes of its digest, or more) to somebody is owed for, so that it goes once."""
    return f"{version[:16].hex()} {subject.hex()}"


class Owing:
    """For one site."""

    def __init__(self, gate: Gate, reaching: Reaching) -> None:
        self._gate = gate
        self._policy = gate.policy
        self._reaching = reaching

    async def contacts(self, subject: bytes) -> list[str]:
        """Every mail address that is held on a person, one that was replaced and is on hold among them; each mailbox once.
        For notices that go to all of them, and recorded as the warning that it is.
        """
        categories = tuple(name for name, one in self._policy.categories.items() if one.channel == "mail")

        async def apply(act: Act) -> list[str]:
            held = [act.open(one) for one in await act.tx.held(subject) if one.category in categories]
            return [
                one for number, one in enumerate(held) if not any(same_mailbox(one, other) for other in held[:number])
            ]

        ask = Request("use", SITE, RIGHTS_PURPOSE, categories)
        here = Circumstances(standing=True, notice_owed=True)
        return await self._gate.change(subject, ask, _SITE, here, apply, rule=Allow(()), kind="warn")

    async def owe(
        self, subject: bytes, kind: NoticeKind, cause: str, *, channel: Channel = "mail", to: str | None = None
    ) -> Begun:
        """May this notice go now? `cause` names what it is owed for: the second time for one cause the state is `sent`
        or `unknown`, and nothing goes. Recorded. Raises `Refused`. To the newest address, or to the one of theirs that
        is passed.
        """
        refused = Refused((), "no promise of the policy lets such a notice be sent")
        for number, purpose in enumerate(self._purposes(channel)):
            errand = Errand(channel, purpose, _SITE, kind.value, owed=True)
            try:
                name = self.name(kind, cause if to is None else f"{cause} {to}")
                return await self._reaching.begin_named(errand, name, subject, to)
            except Refused as error:
                refused = refused if number else error
        raise refused

    async def state(self, subject: bytes, kind: NoticeKind, cause: str, to: str) -> str:
        """What is remembered of the notice for a cause to this address of theirs, "" if nothing."""
        async with self._gate.store.transaction() as tx:
            known = await tx.message(subject, self.name(kind, f"{cause} {to}"))
        return known.state if known else ""

    async def delivered(self, subject: bytes, kind: NoticeKind, cause: str) -> bool:
        """Whether it was sent and did not come back within the time that the policy gives it for that (`bounce`)."""
        async with self._gate.store.transaction() as tx:
            known = await tx.message(subject, self.name(kind, cause))
        if known is None or known.state != "sent":
            return False
        return known.at + self._bounce() // timedelta(milliseconds=1) <= self._gate.now()

    def name(self, kind: NoticeKind, cause: str) -> bytes:
        """What the notice for a cause is remembered by."""
        return self._reaching.hidden("notice", kind.value, cause)

    def _purposes(self, channel: Channel) -> list[str]:
        """What it may go for: first what the policy says of notices owed, then what a request about one's own data serves."""
        reaching = [one for _, one in self._policy.clauses(Contact) if channel in one.channels and SITE in one.by]
        asked = self._policy.requests.get(RIGHTS_REQUEST)
        serves = asked.serves if asked else ()
        owed = [p for one in reaching if one.despite_opt_out or "notice-owed" in one.needs for p in one.purposes]
        return list(dict.fromkeys(owed + [p for p in serves if any(p in one.purposes for one in reaching)]))

    def _bounce(self) -> timedelta:
        return max((one.bounce for _, one in self._policy.clauses(Change) if one.bounce), default=timedelta(0))
