"""Processors at their door, and who is on file to get anything at all."""

import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from avow.desk.interface.outside import AT_ONCE, Fetched, Instruction, Recipient
from avow.desk.room import Room, row, text
from avow.desk.sealing import NONCE, Seal
from avow.desk.sessions import Processor, as_kept
from avow.errors import BadValue, CallError, Denied, KeyGone, Refused, Tampered, Unavailable
from avow.gate import Actor
from avow.policy.model import SITE
from avow.practices.agreeing import recipient_of
from avow.practices.disclosing import Wish
from avow.practices.recipients import Known
from avow.vault.package import pair

LONGEST: Final = 8192  # characters of an instruction


class Processors:
    """For one site. Standing is looked up anew for each instruction: who is sent away gets nothing more of a batch."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._shop = room.shop
        self._seal = Seal(room.shop.keystore.site_key("instructions"), "instruction", room.policy.site)

    # -- who is on file -----------------------------------------------------------------------------------------------

    async def add(self, name: str, key: Mapping[str, Any] | None) -> Recipient:
        """Put on file; a processor gets a password for its door."""
        kind, _ = recipient_of(self._room.policy, text(name, "a recipient's name"))
        private, public = (None, dict(key)) if key is not None else pair()
        password = self._room.sessions.token() if kind == "processor" else ""
        await self._shop.recipients.add(name, public, as_kept(password) if password else "")
        return {"name": name, "password": password, "private": private}

    async def remove(self, name: str) -> None:
        """Off the list, at once."""
        if not await self._shop.recipients.remove(text(name, "a recipient's name")):
            raise CallError("there is no recipient of that name on file")

    # -- the shop -------------------------------------------------------------------------------------------------------

    async def instruct(
        self, receipt: str, recipient: str, categories: Sequence[str], purpose: str, until: int | None
    ) -> Instruction:
        """For the request of a submission."""
        shown = self._room.receipts.read(text(receipt, "a receipt"), self._room.now())
        if shown.request is None:
            raise CallError("what this receipt is for asked for nothing that a processor could work on")
        id_ = self._room.random(16)
        wish = Wish(row(shown.who), "share", tuple(categories), recipient, purpose, row(shown.request), until)
        ends = await self._shop.disclosing.instruct(wish, Actor(SITE, "site", standing=True))
        told = {
            "id": id_.hex(), "who": shown.who, "request": shown.request, "recipient": recipient, "purpose": purpose,
            "categories": list(categories), "until": ends,
        }  # fmt: skip
        return {"instruction": self._seal.make(json.dumps(told).encode(), self._room.random(NONCE)), "until": ends}

    async def revoke(self, instruction: str) -> None:
        """It ends."""
        wish = self._read(instruction)
        if wish.instruction and wish.until is not None and self._room.now() < wish.until:
            await self._shop.disclosing.revoke(wish.subject, wish.instruction, wish.until)

    # -- the processor ------------------------------------------------------------------------------------------------

    async def sign_in(self, name: str, password: str) -> str:
        """By 256 bits of chance: guesses are not counted, and keep nobody out."""
        known = await self._shop.recipients.known(text(name, "a name"))
        shown = as_kept(text(password, "a password"))
        if known is None or not known.password or not hmac.compare_digest(known.password, shown):
            raise Denied
        return self._room.sessions.processor(known.name, known.id, self._room.now())

    async def fetch(self, token: str, instructions: Sequence[str]) -> list[Fetched]:
        """One by one."""
        session = self._session(token)
        if not await self._on_file(session):
            self._room.sessions.end(token)
            raise Denied
        if len(instructions) > AT_ONCE:
            raise CallError(f"at most {AT_ONCE} instructions at once; send the rest in another call")
        return [await self._fetched(session, one) for one in instructions]

    async def _fetched(self, session: Processor, instruction: str) -> Fetched:
        try:
            wish = await self._wish(session, instruction)
            by = Actor(SITE, f"processor:{session.name}", standing=True)
            package = await self._shop.disclosing.disclose(wish, by)
        except Refused as refused:
            return _not(refused.promises, refused.reason)
        except (Denied, BadValue):
            return _not((), "this is no instruction of this site, or another processor's")
        except CallError as error:  # nothing held, words that the policy no longer has, or with nothing to seal it to
            return _not((), str(error))
        except (Tampered, KeyGone):  # of this person: the others of the batch are not held up by it
            return _not((), "the data of this instruction cannot be read")
        except Unavailable:  # what went out before it in this batch is not lost with it
            return _not((), "this cannot be done now; send the instruction again", over=False)
        return {"package": package.sealed, "promises": list(package.told.promises), "reason": "", "over": False}

    async def _wish(self, session: Processor, instruction: str) -> Wish:
        """What an instruction wishes for. Raises `Denied`, and `Refused` for one that is over."""
        if await self._on_file(session) is None:
            raise Refused((), "this processor is on file no more")
        wish = self._read(instruction)
        if wish.recipient != session.name:
            raise Denied
        if wish.until is None or self._room.now() >= wish.until:
            raise Refused((), "the time of this instruction is over")
        return wish

    def _session(self, token: str) -> Processor:
        return self._room.sessions.of_processor(text(token, "a session"), self._room.now())

    async def _on_file(self, session: Processor) -> Known | None:
        """The processor as it is on file, unless it was taken off since its session began."""
        known = await self._shop.recipients.known(session.name)
        return known if known is not None and known.id == session.filed and known.password else None

    def _read(self, instruction: str) -> Wish:
        """What an instruction says. Raises `Denied`, `BadValue`."""
        told = json.loads(self._seal.read(text(instruction, "an instruction", LONGEST)))
        return Wish(
            bytes.fromhex(told["who"]), "share", tuple(told["categories"]), told["recipient"], told["purpose"],
            bytes.fromhex(told["request"]), told["until"], instruction=bytes.fromhex(told["id"]),
        )  # fmt: skip


def _not(promises: Sequence[str], reason: str, *, over: bool = True) -> Fetched:
    return {"package": "", "promises": list(promises), "reason": reason, "over": over}
