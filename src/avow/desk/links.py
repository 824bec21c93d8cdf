"""The links in mails, and the address that undelivered ones come back to: sealed, for one person and one thing each.

Formats: docs/formats.md, 5.
"""

import hmac
from base64 import b32decode, b32encode
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, NamedTuple

from avow.decide.facts import consent
from avow.desk.interface.mail import Link
from avow.desk.room import PASSWORD, Room, row
from avow.desk.sealing import NONCE, Seal
from avow.errors import CallError, Denied, Refused
from avow.policy.notice import words
from avow.practices.collecting import Entry, index
from avow.practices.holding import WORD
from avow.practices.messages import Begun

_OPT_OUT, _WITHDRAW, _CONFIRM, _CALL_OFF, _STAY = b"o", b"w", b"c", b"a", b"s"
_UNDO: Final = {_CALL_OFF: "call-off", _STAY: "stay"}
_PROOF: Final = 12  # bytes behind a message's name in a return address


class _Said(NamedTuple):
    """What a link's token says. `entry`: how the do-not-contact list has the address; `found`: how people are found by
    it, by which category; empty where they are not.
    """

    kind: str
    who: str
    purpose: str = ""
    entry: Entry = ("", b"")
    consent: str = ""
    found: tuple[str, bytes] = ("", b"")
    several: tuple[
        tuple[str, int], ...
    ] = ()  # of the undoing kinds: whose, and when the hold ends or the erasure is due


class Links:
    """For one site."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._shop = room.shop
        self._seal = Seal(self._shop.keystore.site_key("links"), "link", room.policy.site)
        self._back = self._shop.keystore.site_key("return-addresses")

    # -- made -------------------------------------------------------------------------------------------------------

    def out(self, begun: Begun) -> str:
        """The way out of what is about to be sent: of what somebody agreed to, where it is that; else of all of it."""
        permit = begun.given()
        purpose = permit.errand.purpose
        if not any(purpose in one.purposes and one.recipient is None for one in self._room.choices.values()):
            return self.opt_out(permit.subject, permit.entry)
        known = self._room.policy.categories[permit.category]
        hidden = index(self._shop.keystore, known.term, known.name, begun.address) if known.look_up else bytes(32)
        return self.withdraw(permit.subject, purpose, permit.entry, (known.name, hidden))

    def opt_out(self, subject: bytes, entry: Entry) -> str:
        """No more by this channel: of the person, and of the address, whoever is held with it."""
        return self._make(_OPT_OUT + subject + entry[1] + entry[0].encode())

    def withdraw(self, subject: bytes, purpose: str, entry: Entry, found: tuple[str, bytes]) -> str:
        """The agreement to one purpose ends, of whoever is held under the address; or all by this channel, see `follow`."""
        named = " ".join((entry[0], found[0], purpose))
        return self._make(_WITHDRAW + subject + entry[1] + found[1] + named.encode())

    def confirm(self, subject: bytes, agreed: bytes, purpose: str) -> str:
        """What somebody agreed to, by this consent, for this purpose, counts from now on."""
        return self._make(_CONFIRM + subject + agreed + purpose.encode())

    def call_off(self, changes: Sequence[tuple[bytes, int]]) -> str:
        """Changes of contact, by whose it is and when its hold ends, are undone."""
        return self._make(_CALL_OFF + b"".join(who + until.to_bytes(8, "big") for who, until in changes))

    def stay(self, wishes: Sequence[tuple[bytes, int]]) -> str:
        """Wishes to be erased, by whose it is and when it is due, are taken back."""
        return self._make(_STAY + b"".join(who + due.to_bytes(8, "big") for who, due in wishes))

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
            channel, category, purpose = rest[64:].decode().split(" ")
            return _Said("withdraw", who, purpose, (channel, rest[:32]), found=(category, rest[32:64]))
        if kind in _UNDO:
            parts = [plain[at : at + 24] for at in range(1, len(plain), 24)]
            several = tuple((one[:16].hex(), int.from_bytes(one[16:], "big")) for one in parts)
            return _Said(_UNDO[kind], who, several=several)
        return _Said("confirm", who, rest[16:].decode(), consent=rest[:16].hex())

    async def link(self, token: str) -> Link:
        """What it would do; changes nothing, and is on no record."""
        said = self._read(token)
        standing, _ = await self._shop.standing(said.who)
        if said.kind in _UNDO.values():
            return {"kind": said.kind, "purpose": "", "done": not await self._standing(said)}
        listed = self._shop.reaching.listed(said.entry)
        agreed = consent(said.purpose) in standing
        done = agreed if said.kind == "confirm" else listed or (said.kind == "withdraw" and not agreed)
        told = words.purpose(self._room.policy, said.purpose) if said.purpose else ""
        return {"kind": said.kind, "purpose": told, "done": done}

    async def follow(self, token: str, *, everything: bool = False) -> Link:
        """Do it. `everything`: by a link out of one purpose, out of all by its channel."""
        said = self._read(token)
        if said.kind in _UNDO.values():
            for who in await self._standing(said):
                await self._undo(said.kind, who)
        elif said.kind == "opt-out" or (everything and said.kind == "withdraw"):
            await self._opt_out(said)
        elif said.kind == "withdraw":
            twins = [one.hex() for one in await self._shop.finding.behind(*said.found)]
            for who in dict.fromkeys((said.who, *twins)):
                with suppress(Refused):  # nobody is held any more: nothing is agreed to either
                    await self._shop.withdraw(who, said.purpose)
        else:
            try:
                await self._shop.confirm(said.who, said.consent)
            except (CallError, Refused):
                raise Denied from None
        return await self.link(token)

    async def _standing(self, said: _Said) -> list[str]:
        """Of whom there is still what this link undoes: a change that came since is another, with links of its own."""
        found = []
        for who, at in said.several:
            tokens, _ = await self._shop.standing(who)
            mine = [f"{WORD}/{one}@{at}" for one in self._room.policy.categories]
            if not tokens.isdisjoint(mine if said.kind == "call-off" else [f"leaving/{at}"]):
                found.append(who)
        return found

    async def _undo(self, kind: str, who: str) -> None:
        """What whoever had got in could use to come back goes with it: sessions and the password."""
        if kind == "stay":
            await self._shop.stay(who)
            return
        self._room.sessions.end_others(who, "")
        await self._shop.call_off(who)
        await self._shop.accounts.drop(row(who), PASSWORD)

    async def _opt_out(self, said: _Said) -> None:
        """The address goes on the list first: that holds also when nobody is held any more."""
        channel = said.entry[0]
        await self._shop.reaching.stop(said.entry)
        standing, _ = await self._shop.standing(said.who)
        if standing and f"opt-out/{channel}" not in standing:
            with suppress(Refused):
                await self._shop.opt_out(said.who, channel, by=self._shop.person(said.who))
