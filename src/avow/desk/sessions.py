"""Sessions: who was verified, and until when. Kept in memory alone, under the hash of their token.

A restart ends all of them. No clock and no dice of its own.
"""

import hashlib
from base64 import urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from avow.desk.interface import FRESH, IDLE, LOOKS, SESSION
from avow.errors import Denied, TooMany

MOST: Final = 100_000
HOUR: Final = 3_600_000  # ms
AGAIN: Final = "this needs a sign-in of the last ten minutes; sign in again and go on from there"


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
    contact: bytes = b""  # what the proved address is counted under


@dataclass(slots=True, eq=False)
class Staff:
    """A colleague's session."""

    member: str
    owner: bytes  # the same however the name was typed
    role: str
    began: int
    used: int
    looks: Looks  # of all sessions of this colleague
    tasks: dict[bytes, Any] = field(default_factory=dict)  # by the hash of the task's token
    challenge: bytes = b""  # that a new passkey must answer


@dataclass(slots=True, eq=False)
class Sender:
    """The session of an application that hands mail in. `colleague` and `role`: in whose name, or empty for the site's."""

    name: str
    purposes: tuple[str, ...]
    colleague: str
    role: str
    began: int
    used: int


@dataclass(slots=True, eq=False)
class Processor:
    """The session of a processor. `filed`: its id on the list; taken off and put on anew it is another one."""

    name: str
    filed: str
    began: int
    used: int


Session = Person | Staff | Sender | Processor


class Sessions:
    """All that are open. `random` gives bytes of chance."""

    def __init__(self, random: Callable[[int], bytes]) -> None:
        self._random = random
        self._looked: dict[bytes, Looks] = {}  # by colleague: signing in again gives nobody more of them
        self._open: OrderedDict[bytes, Session] = OrderedDict()

    def person(self, people: tuple[str, ...], now: int, proved: str | None = None, contact: bytes = b"") -> str:
        """A new session of a customer; its token."""
        return self._begin(Person(people, now, now, Looks(), proved, contact))

    def staff(self, member: str, owner: bytes, role: str, now: int) -> str:
        """A new session of a colleague; its token."""
        return self._begin(Staff(member, owner, role, now, now, self._looked.setdefault(owner, Looks())))

    def _begin(self, session: Session) -> str:
        token = self.token()
        self._open[hashed(token)] = session
        while len(self._open) > MOST:
            self._open.popitem(last=False)
        return token

    def token(self) -> str:
        """A new token: 256 bits of chance."""
        return urlsafe_b64encode(self._random(32)).rstrip(b"=").decode()

    def any(self, token: str, now: int) -> Session:
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

    def customer(self, token: str, now: int, *, looks: bool = False, fresh: bool = False) -> Person:
        """A customer's session; `looks` counts a reading of personal data, `fresh` wants it begun within `FRESH`.
        Raises `Denied`, `TooMany`.
        """
        session = self.any(token, now)
        if not isinstance(session, Person):
            raise Denied
        if fresh and not is_fresh(session, now):
            raise Denied(AGAIN)
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

    def sender(self, token: str, now: int) -> Sender:
        """An application's session."""
        session = self.any(token, now)
        if not isinstance(session, Sender):
            raise Denied
        return session

    def application(self, name: str, purposes: tuple[str, ...], colleague: str, role: str, now: int) -> str:
        """Begin a session of an application; its token."""
        return self._begin(Sender(name, purposes, colleague, role, now, now))

    def processor(self, name: str, filed: str, now: int) -> str:
        """Begin a session of a processor; its token."""
        return self._begin(Processor(name, filed, now, now))

    def of_processor(self, token: str, now: int) -> Processor:
        """A processor's session. Raises `Denied`."""
        session = self.any(token, now)
        if not isinstance(session, Processor):
            raise Denied
        return session

    def end_of_sender(self, name: str) -> None:
        """Every session of this application is over."""
        for key, session in list(self._open.items()):
            if isinstance(session, Sender) and session.name == name:
                del self._open[key]

    def renew(self, token: str, now: int) -> str:
        """A new token for the same session; the old one is void."""
        session = self.any(token, now)
        del self._open[hashed(token)]
        return self._begin(session)

    def end(self, token: str) -> None:
        """The session is over, if it was not yet."""
        self._open.pop(hashed(token), None)

    def end_of(self, owner: bytes, but: str = "") -> None:
        """Every session of this colleague is over, but that of one token."""
        for key, session in list(self._open.items()):
            if isinstance(session, Staff) and session.owner == owner and key != hashed(but):
                del self._open[key]

    def end_others(self, who: str, but: str) -> None:
        """Every session that stands for this person is over, but that of one token."""
        for key, session in list(self._open.items()):
            if isinstance(session, Person) and who in session.people and key != hashed(but):
                del self._open[key]

    def without(self, who: str) -> None:
        """Somebody is erased: no session stands for them any more, and one that stood for nobody else is over."""
        for key, session in list(self._open.items()):
            if isinstance(session, Person) and who in session.people:
                session.people = tuple(one for one in session.people if one != who)
                if not session.people:
                    del self._open[key]


def is_fresh(session: Person | Staff, now: int) -> bool:
    """Whether somebody showed just now who they are. A renewed token makes no session younger."""
    return now - session.began <= FRESH


def hashed(token: str) -> bytes:
    """How a token is kept: who reads this process's memory dump finds no token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def as_kept(password: str) -> str:
    """What is kept of a password that is 256 bits of chance: no slow hash makes it any harder to find."""
    return hashed(password).hex()
