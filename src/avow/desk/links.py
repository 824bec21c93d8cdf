"""The links in mails, and the address that undelivered ones come back to: sealed, for one person and one thing each.

Formats: docs/formats.md, 5.
"""

import hmac
from base64 import b32decode, b32encode
from contextlib import suppress
from typing import Final, NamedTuple

from avow.decide.facts import consent
from avow.desk.interface.mail import Link
from avow.desk.room import Room
from avow.desk.sealing import NONCE, Seal
from avow.errors import CallError, Denied, Refused
from avow.practices.collecting import Entry

_OPT_OUT, _WITHDRAW, _CONFIRM = b"o", b"w", b"c"
_PROOF: Final = 12  # bytes behind a message's name in a return address


class _Said(NamedTuple):
    """What a link's token says. `entry`: how the do-not-contact list has the address."""

    kind: str
    who: str
    purpose: str = ""
    entry: Entry = ("", b"")
    consent: str = ""


class Links:
    """For one site."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._shop = room.shop
        self._seal = Seal(self._shop.keystore.site_key("links"), "link", room.policy.site)
        self._back = self._shop.keystore.site_key("return-addresses")

    # -- made -------------------------------------------------------------------------------------------------------

    def opt_out(self, subject: bytes, entry: Entry) -> str:
        """No more by this channel: of the person, and of the address, whoever is held with it."""
        return self._make(_OPT_OUT + subject + entry[1] + entry[0].encode())

    def withdraw(self, subject: bytes, purpose: str) -> str:
        """The agreement to one purpose ends."""
        return self._make(_WITHDRAW + subject + purpose.encode())

    def confirm(self, subject: bytes, agreed: bytes, purpose: str) -> str:
        """What somebody agreed to, by this consent, for this purpose, counts from now on."""
        return self._make(_CONFIRM + subject + agreed + purpose.encode())

    def _make(self, plain: bytes) -> str:
        return self._seal.make(plain, self._room.random(NONCE))

    def back(self, message: bytes) -> str:
        """The part of a return address that names a message: 45 letters and digits; case does not count."""
        return b32encode(message + self._proof(message)).decode().rstrip("=").lower()

    # -- read -------------------------------------------------------------------------------------------------------

    def returned(self, token: str) -> bytes:
        """The message that came back. Raises `Denied`."""
        try:
            data = b32decode(token.upper() + "=" * (-len(token) % 8))
        except ValueError:
            data = b""
        if not hmac.compare_digest(data[16:], self._proof(data[:16])):
            raise Denied
        return data[:16]

    def _proof(self, message: bytes) -> bytes:
        return hmac.digest(self._back, message, "sha256")[:_PROOF]

    def _read(self, token: str) -> _Said:
        plain = self._seal.read(token)
        kind, who, rest = plain[:1], plain[1:17].hex(), plain[17:]
        if kind == _OPT_OUT:
            return _Said("opt-out", who, entry=(rest[32:].decode(), rest[:32]))
        if kind == _WITHDRAW:
            return _Said("withdraw", who, rest.decode())
        return _Said("confirm", who, rest[16:].decode(), consent=rest[:16].hex())

    async def link(self, token: str) -> Link:
        """What it would do; changes nothing, and is on no record."""
        said = self._read(token)
        standing, _ = await self._shop.standing(said.who)
        if said.kind == "opt-out":
            done = self._shop.reaching.listed(said.entry)
        else:
            done = (consent(said.purpose) in standing) == (said.kind == "confirm")
        return {"kind": said.kind, "purpose": said.purpose, "done": done}

    async def follow(self, token: str) -> Link:
        """Do it."""
        said = self._read(token)
        if said.kind == "opt-out":
            await self._opt_out(said)
        elif said.kind == "withdraw":
            with suppress(Refused):  # nobody is held any more: nothing is agreed to either
                await self._shop.withdraw(said.who, said.purpose)
        else:
            try:
                await self._shop.confirm(said.who, said.consent)
            except (CallError, Refused):
                raise Denied from None
        return await self.link(token)

    async def _opt_out(self, said: _Said) -> None:
        """The address goes on the list first: that holds also when nobody is held any more."""
        channel = said.entry[0]
        await self._shop.reaching.stop(said.entry)
        standing, _ = await self._shop.standing(said.who)
        if standing and f"opt-out/{channel}" not in standing:
            with suppress(Refused):
                await self._shop.opt_out(said.who, channel, by=self._shop.person(said.who))
