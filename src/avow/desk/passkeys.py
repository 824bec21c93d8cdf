"""Passkeys of colleagues (WebAuthn Level 3), by the library `webauthn`.

A challenge to sign in holds whose it is and until when, and a MAC by a key of this process: nothing is remembered of it
until it was answered rightly, and then that it was, until its time is over. So nobody takes a colleague's challenge away
by asking for others, and none is good twice, nor in another process. A passkey cannot be guessed, so wrong answers are
not counted, and lock nobody out.

Format of a challenge: chance (16) | until (ms, 8 bytes) | HMAC-SHA-256 of owner and both.
"""

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import webauthn
from webauthn.helpers import base64url_to_bytes
from webauthn.helpers.exceptions import InvalidAuthenticationResponse, InvalidRegistrationResponse, WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from avow.desk.interface import CODE
from avow.desk.room import Room, told
from avow.desk.staff import PASSKEY, Colleagues
from avow.errors import CallError, Denied

_PLAIN: Final = 24  # bytes of a challenge before its MAC
VERIFIED: Final = UserVerificationRequirement.REQUIRED


class Passkeys:
    """For one site."""

    def __init__(self, room: Room, colleagues: Colleagues) -> None:
        self._room = room
        self._colleagues = colleagues
        self._key = room.random(32)
        self._used: dict[bytes, int] = {}  # challenges answered rightly -> until when they would hold (ms)

    async def wanted(self, token: str, origin: str) -> dict[str, Any]:
        """Options for making one."""
        session = self._colleagues.session(token, fresh=True)
        owner = session.owner
        session.challenge = self._room.random(32)
        kept = await self._room.shop.accounts.of_staff(owner, PASSKEY)
        options = webauthn.generate_registration_options(
            rp_id=_host(origin), rp_name=self._room.policy.controller.name, user_name=session.member, user_id=owner,
            challenge=session.challenge,
            exclude_credentials=[PublicKeyCredentialDescriptor(id=_id(one.told)) for one in kept],
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.PREFERRED, user_verification=VERIFIED
            ),
        )  # fmt: skip
        return dict(json.loads(webauthn.options_to_json(options)))

    async def made(self, token: str, origin: str, answer: Mapping[str, Any]) -> None:
        """Keep what the browser made."""
        session = self._colleagues.session(token, fresh=True)
        challenge, session.challenge = session.challenge, b""
        if not challenge:
            raise Denied
        try:
            found = webauthn.verify_registration_response(
                credential=dict(answer), expected_challenge=challenge, expected_rp_id=_host(origin),
                expected_origin=origin, require_user_verification=True,
            )  # fmt: skip
        except (WebAuthnException, InvalidRegistrationResponse, ValueError, KeyError, TypeError):
            raise Denied from None
        kept = {
            "id": found.credential_id.hex(), "key": found.credential_public_key.hex(), "count": found.sign_count,
        }  # fmt: skip
        async with self._room.changing:  # whoever's session has ended meanwhile comes too late
            owner = self._colleagues.session(token, fresh=True).owner
            await self._room.shop.accounts.give_staff(owner, PASSKEY, told(kept), row=self._room.random(16))
            self._room.sessions.end_of(owner, but=token)

    async def asked(self, name: str, origin: str) -> dict[str, Any]:
        """Options for signing in. They name no passkey, so that they are alike for everybody."""
        plain = self._room.random(16) + (self._room.now() + CODE).to_bytes(8, "big")
        challenge = plain + self._mac(self._colleagues.owner(name[:100]), plain)
        options = webauthn.generate_authentication_options(
            rp_id=_host(origin), challenge=challenge, user_verification=VERIFIED
        )
        return dict(json.loads(webauthn.options_to_json(options)))

    async def sign_in(self, name: str, origin: str, answer: Mapping[str, Any]) -> str:
        """A session for who has answered."""
        owner = self._colleagues.owner(name[:100])
        challenge = self._ours(owner, answer)
        colleague = await self._colleagues.kept(name)
        if colleague is None:
            raise Denied
        for kept in await self._room.shop.accounts.of_staff(owner, PASSKEY):
            said = json.loads(kept.told)
            if answer.get("id") != urlsafe_b64encode(bytes.fromhex(said["id"])).rstrip(b"=").decode():
                continue
            try:
                found = webauthn.verify_authentication_response(
                    credential=dict(answer), expected_challenge=challenge, expected_rp_id=_host(origin),
                    expected_origin=origin, credential_public_key=bytes.fromhex(said["key"]),
                    credential_current_sign_count=said["count"], require_user_verification=True,
                )  # fmt: skip
            except (WebAuthnException, InvalidAuthenticationResponse, ValueError, KeyError, TypeError):
                raise Denied from None
            self._use(challenge)
            async with self._room.changing:  # whose passkey was taken meanwhile does not have it back
                there = kept.row in {one.row for one in await self._room.shop.accounts.of_staff(owner, PASSKEY)}
                if not there or not self._room.shop.staff_roll.active(colleague["name"], colleague["role"]):
                    break
                await self._room.shop.accounts.give_staff(
                    owner, PASSKEY, told(said | {"count": found.new_sign_count}), row=kept.row
                )
                return self._room.sessions.staff(colleague["name"], owner, colleague["role"], self._room.now())
        raise Denied

    def _ours(self, owner: bytes, answer: Mapping[str, Any]) -> bytes:
        """The challenge that an answer is to, if we made it for this colleague and its time is not over."""
        try:
            said = json.loads(base64url_to_bytes(answer["response"]["clientDataJSON"]))
            challenge = base64url_to_bytes(said["challenge"])
        except (KeyError, TypeError, AttributeError, ValueError, RecursionError):
            raise Denied from None
        plain = challenge[:_PLAIN]
        if not hmac.compare_digest(challenge[_PLAIN:], self._mac(owner, plain)):
            raise Denied
        if self._room.now() > int.from_bytes(plain[16:], "big"):
            raise Denied
        return challenge

    def _use(self, challenge: bytes) -> None:
        """It was answered rightly. Raises `Denied` where it had been before."""
        now = self._room.now()
        self._used = {one: until for one, until in self._used.items() if until >= now}
        if challenge in self._used:
            raise Denied
        self._used[challenge] = int.from_bytes(challenge[16:_PLAIN], "big")

    def _mac(self, owner: bytes, plain: bytes) -> bytes:
        return hmac.digest(self._key, owner + plain, "sha256")


def _host(origin: str) -> str:
    host = urlsplit(origin).hostname
    if host is None:
        raise CallError("the origin names no host; pass it as https://host")
    return host


def _id(kept: bytes) -> bytes:
    return bytes.fromhex(json.loads(kept)["id"])
