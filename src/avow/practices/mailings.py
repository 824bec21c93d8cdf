"""A newsletter: one message to each who agreed to its purpose, once each, whatever dies in between.

Nobody is on a list of ours. Who agreed is read off the consents, page by page, and each is decided by themselves at the
moment at which it goes out.
"""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from avow.decide.facts import Circumstances
from avow.decide.request import Request
from avow.errors import AvowError, CallError, Refused
from avow.gate import Actor, Gate, Look
from avow.policy.model import SITE, Contact, Policy, Use
from avow.practices.messages import Begun
from avow.practices.reaching import REMEMBERED, Reaching
from avow.practices.words import unknown

_SITE: Final = Actor(SITE, "site", standing=True)
_CIRCUMSTANCES: Final = Circumstances(standing=True)
INTEREST: Final = "Interest"  # the DPV term of what somebody says that interests them
_PARTS: Final = re.compile(r"[,;/\n]|\band\b|&")


class Mailings:
    """For one site."""

    def __init__(self, gate: Gate, reaching: Reaching) -> None:
        self._gate = gate
        self._reaching = reaching

    def interest_of(self, purpose: str, interest: str | None) -> str | None:
        """The category that has to say `interest`, None where the purpose asks after none. Before anything is sent.

        Raises `UnknownWord`; `Refused` for a purpose that nobody agrees to being written to for, and where the policy
        has news about a stated interest only and none is named; `CallError` for an interest that nobody is asked for.
        """
        policy = self._gate.policy
        if purpose not in policy.purposes:
            raise unknown("purpose", purpose, policy.purposes)
        if not list_by(policy, purpose):
            promises = tuple(dict.fromkeys(name for name, one in policy.clauses(Contact) if _mails(one, purpose)))
            raise Refused(promises, "a newsletter goes to people who agreed to its purpose, and this one is for others")
        asked = [
            (promise, name) for promise, clause in policy.clauses(Use)
            if purpose in clause.purposes and "consent" in clause.needs
            for name in clause.categories if policy.categories[name].term == INTEREST
        ]  # fmt: skip
        if asked and not (interest or "").strip():
            raise Refused(
                (asked[0][0],), "this purpose is news about what somebody is interested in; name the interest"
            )
        if interest is not None and not asked:
            raise CallError(f"nobody is asked for an interest for `{purpose}`; leave `--interest` away")
        return asked[0][1] if asked else None

    async def begin(self, name: str) -> None:
        """It goes out from now on. Raises `CallError` for one that has gone out, or began too long ago to go on."""
        async with self._gate.store.transaction() as tx:
            known = json.loads(await tx.note(_note(name)) or "null")
            now = self._gate.now()
            if known is None:
                await tx.set_note(_note(name), json.dumps({"since": now, "done": None}))
            elif known["done"] is not None:
                raise CallError(
                    f"this very newsletter went out, on {_day(known['done'])}; change it if it shall go out once more"
                )
            elif now > known["since"] + REMEMBERED:
                raise CallError("it began more than 30 days ago, and who has it is not remembered; change it")

    async def done(self, name: str) -> None:
        """It has gone out to everybody."""
        async with self._gate.store.transaction() as tx:
            known = json.loads(await tx.note(_note(name)) or "{}")
            await tx.set_note(_note(name), json.dumps(known | {"done": self._gate.now()}))

    async def wanting(self, people: Sequence[bytes], purpose: str, category: str, interest: str) -> list[bytes]:
        """Those who state this interest among theirs, as far as they agreed that it is looked at, which is recorded."""
        ask = Request("use", SITE, purpose, (category,))
        found = await self._gate.read([Look(one, ask, _SITE, _CIRCUMSTANCES) for one in people])
        wanted = _plain(interest)
        return [
            one for one, values in zip(people, found, strict=True)
            if not isinstance(values, AvowError) and wanted in stated(values.get(category, ""))
        ]  # fmt: skip

    async def begin_each(
        self, purpose: str, sender: str, message: str, people: Sequence[bytes]
    ) -> list[Begun | Refused]:
        """May it go to each of these? As `Reaching.begin_once`, all in one transaction."""
        return await self._reaching.begin_once(self._reaching.errand(purpose, sender), message, people)


def list_by(policy: Policy, purpose: str) -> bool:
    """Whether people agree to being written to by mail for it, and nothing else permits it."""
    clauses = [one for _, one in policy.clauses(Contact) if _mails(one, purpose)]
    return bool(clauses) and all("consent" in one.needs for one in clauses)


def _mails(clause: Contact, purpose: str) -> bool:
    return "mail" in clause.channels and purpose in clause.purposes


def stated(value: str) -> frozenset[str]:
    """The interests that somebody named, each by itself."""
    return frozenset(filter(None, map(_plain, _PARTS.split(value.casefold()))))


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _day(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).date().isoformat()


def _note(name: str) -> str:
    return f"newsletter {name}"
