"""What the desk's parts share: the site, who is verified, how often things were tried, and dice."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol

from avow.app import Avow
from avow.desk.choices import choices
from avow.desk.interface import CODE, TRIES
from avow.desk.limits import Limit, Limits
from avow.desk.passwords import Passwords
from avow.desk.receipts import Receipts
from avow.desk.sessions import Sessions
from avow.desk.tasks import Tasks
from avow.errors import BadValue, CallError
from avow.mail.message import Draft
from avow.mail.smarthost import Answer
from avow.policy.model import Protect

LONGEST_TOKEN: Final = 512
PASSWORD: Final = "password"  # noqa: S105 - the kind of a credential, no password
SIGN_IN: Final = Limit("sign-in", TRIES, CODE)
STAFF: Final = Limit("staff", TRIES, CODE)
SENT: Final = Limit("code", TRIES, CODE)
ENTER: Final = Limit("enter", TRIES, CODE)


class Outlet(Protocol):
    """Where the site's own mails go out. What is sent is finished as every mail is (docs/decisions/0071)."""

    @property
    def centre(self) -> str:
        """The origin of the privacy centre, for links."""

    async def send(
        self, to: str, draft: Draft, out: str, back: str, *, automatic: bool = False,
        before_end: Callable[[], Awaitable[None]] | None = None,
    ) -> Answer:  # fmt: skip
        """Finish the draft for this recipient, with the tokens of its link and return address, and hand it over.

        Raises what `before_end` raises, and `BadValue` for what is no address; then nothing has gone out.
        """


class Room:
    """Made by `avow.desk.desk.Desk`. `random` gives bytes of chance."""

    def __init__(self, shop: Avow, random: Callable[[int], bytes], passwords: Passwords) -> None:
        self.shop = shop
        self.policy = shop.policy
        self.random = random
        self.passwords = passwords
        self.limits = Limits(random(32))
        self.changing = asyncio.Lock()  # held while what proves somebody is changed: of two at once, one comes after
        self.sessions = Sessions(random)
        shop.rights.when_erased(self.sessions.without)
        self.receipts = Receipts(shop.keystore.site_key("receipts"), shop.policy.site)
        self.choices = {one.id: one for one in choices(shop.policy)}
        self.tasks = Tasks(shop.policy)
        self.signing = tuple(
            promise.id for promise in shop.policy.promises for clause in promise.clauses
            if isinstance(clause, Protect) and "confidentiality-agreement" in clause.measures
        )  # fmt: skip

    def now(self) -> int:
        """The moment, in ms."""
        return self.shop.now()


def text(value: object, what: str, longest: int = LONGEST_TOKEN) -> str:
    """A short text from outside. Raises `BadValue`."""
    if not isinstance(value, str) or len(value) > longest or "\0" in value or _half(value):
        raise BadValue(f"{what} is no text of at most {longest} characters")
    return value


def _half(value: str) -> bool:
    """Whether half a letter stands in it, which JSON can say and no file or database takes."""
    return any("\ud800" <= letter <= "\udfff" for letter in value)


def row(value: str) -> bytes:
    """An id. Raises `CallError`."""
    try:
        found = bytes.fromhex(text(value, "an id"))
    except ValueError:
        found = b""
    if len(found) != 16:
        raise CallError("an id is 32 hexadecimal digits")
    return found


def told(value: Mapping[str, Any]) -> bytes:
    """What a credential says, as bytes."""
    return json.dumps(value, sort_keys=True).encode()
