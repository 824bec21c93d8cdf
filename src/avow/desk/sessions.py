"""Sessions: who was verified, and until when. Kept in memory alone, under the hash of their token.

A restart ends all of them. No clock and no dice of its own.
"""

import hashlib
from base64 import urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from avow.desk.interface import IDLE, LOOKS, SESSION
from avow.errors import Denied, TooMany

MOST: Final = 100_000
HOUR: Final = 3_600_000  # ms


@dataclass(slots=True)
class Looks:
    """Readings of personal data since the first of this hour. Kept here and not among `Limits`: who tries a hundred
    thousand other things makes nobody forget them.
    """

    made: int = 0
    until: int = 0

    def spend(self, now: int) -> None:
        """Count one. Raises `TooMany`."""
        if now >= self.until:
            self.made, self.until = 0, now + HOUR
        if self.made >= LOOKS:
            raise TooMany("so much was read within the hour that it has to wait for the next one")
        self.made += 1


@dataclass(slots=True, eq=False)
class Person:
    """A customer's session. `people`: the ids that it stands for, the account's own first. A password opens one; a code
    sent to an address opens all who are held under it, and proves the address of that channel.
    """

    people: tuple[str, ...]
    began: int
    used: int
    looks: Looks  # stays when the token is renewed
    proved: str | None = None


@dataclass(slots=True, eq=False)
class Staff:
    """A colleague's session."""

    member: str
    role: str
    began: int
    used: int
    looks: Looks  # of all sessions of this colleague
    tasks: dict[bytes, Any] = field(default_factory=dict)  # by the hash of the task's token
    challenge: bytes = b""  # that a new passkey must answer


class Sessions:
    """All that are open. `random` gives bytes of chance."""

    def __init__(self, random: Callable[[int], bytes]) -> None:
        self._random = random
        self._looked: dict[str, Looks] = {}  # by colleague: signing in again gives nobody more of them
        self._open: OrderedDict[bytes, Person | Staff] = OrderedDict()

    def person(self, people: tuple[str, ...], now: int, proved: str | None = None) -> str:
        """A new session of a customer; its token."""
        return self._begin(Person(people, now, now, Looks(), proved))

    def staff(self, member: str, role: str, now: int) -> str:
        """A new session of a colleague; its token."""
        return self._begin(Staff(member, role, now, now, self._looked.setdefault(member, Looks())))

    def _begin(self, session: Person | Staff) -> str:
        token = self.token()
        self._open[hashed(token)] = session
        while len(self._open) > MOST:
            self._open.popitem(last=False)
        return token

    def token(self) -> str:
        """A new token: 256 bits of chance."""
        return urlsafe_b64encode(self._random(32)).rstrip(b"=").decode()

    def any(self, token: str, now: int) -> Person | Staff:
        """Whose session it is. Raises `Denied`."""
        key = hashed(token)
        session = self._open.get(key)
        if session is None:
            raise Denied
        if now - session.used > IDLE or now - session.began > SESSION:
            del self._open[key]
            raise Denied
        session.used = now
        self._open.move_to_end(key)
        return session

    def customer(self, token: str, now: int, *, looks: bool = False) -> Person:
        """A customer's session; `looks` counts a reading of personal data. Raises `Denied`, `TooMany`."""
        session = self.any(token, now)
        if not isinstance(session, Person):
            raise Denied
        if looks:
            session.looks.spend(now)
        return session

    def colleague(self, token: str, now: int, *, looks: bool = False) -> Staff:
        """A colleague's session, as above."""
        session = self.any(token, now)
        if not isinstance(session, Staff):
            raise Denied
        if looks:
            session.looks.spend(now)
        return session

    def renew(self, token: str, now: int) -> str:
        """A new token for the same session; the old one is void."""
        session = self.any(token, now)
        del self._open[hashed(token)]
        return self._begin(session)

    def end(self, token: str) -> None:
        """The session is over, if it was not yet."""
        self._open.pop(hashed(token), None)

    def end_of(self, member: str) -> None:
        """Every session of this colleague is over."""
        for key, session in list(self._open.items()):
            if isinstance(session, Staff) and session.member == member:
                del self._open[key]

    def without(self, who: str) -> None:
        """Somebody is erased: no session stands for them any more, and one that stood for nobody else is over."""
        for key, session in list(self._open.items()):
            if isinstance(session, Person) and who in session.people:
                session.people = tuple(one for one in session.people if one != who)
                if not session.people:
                    del self._open[key]


def hashed(token: str) -> bytes:
    """How a token is kept: who reads this process's memory dump finds no token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
