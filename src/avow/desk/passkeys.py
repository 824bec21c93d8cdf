"""Passkeys of colleagues (WebAuthn Level 3), by the library `webauthn`. Challenges live in memory and are used once."""

import json
from base64 import urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import webauthn
from webauthn.helpers.exceptions import InvalidAuthenticationResponse, InvalidRegistrationResponse, WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from avow.desk.interface import CODE, TRIES
from avow.desk.room import Room, told
from avow.desk.staff import PASSKEY, Colleagues
from avow.errors import CallError, Denied

ASKED: Final = 10_000  # challenges that wait at once
VERIFIED: Final = UserVerificationRequirement.REQUIRED


class Passkeys:
    """For one site."""

    def __init__(self, room: Room, colleagues: Colleagues) -> None:
        self._room = room
        self._colleagues = colleagues
        self._asked: OrderedDict[bytes, tuple[bytes, int]] = OrderedDict()  # owner -> challenge, until

    async def wanted(self, token: str, origin: str) -> dict[str, Any]:
        """Options for making one."""
        session = self._colleagues.session(token)
        owner = self._colleagues.owner(session.member)
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
        session = self._colleagues.session(token)
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
        await self._room.shop.accounts.give_staff(
            self._colleagues.owner(session.member), PASSKEY, told(kept), row=self._room.random(16)
        )

    async def asked(self, name: str, origin: str) -> dict[str, Any]:
        """Options for signing in. They name no passkey, so that they are alike for everybody."""
        owner = self._colleagues.owner(name[:100])
        challenge = self._room.random(32)
        self._asked[owner] = challenge, self._room.now() + CODE
        while len(self._asked) > ASKED:
            self._asked.popitem(last=False)
        options = webauthn.generate_authentication_options(
            rp_id=_host(origin), challenge=challenge, user_verification=VERIFIED
        )
        return dict(json.loads(webauthn.options_to_json(options)))

    async def sign_in(self, name: str, origin: str, answer: Mapping[str, Any]) -> str:
        """A session for who has answered."""
        owner = self._colleagues.owner(name[:100])
        self._room.limits.spend("passkey", owner, TRIES, CODE, self._room.now())
        challenge, until = self._asked.pop(owner, (b"", 0))
        colleague = await self._colleagues.kept(name)
        if not challenge or self._room.now() > until or colleague is None:
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
            await self._room.shop.accounts.give_staff(
                owner, PASSKEY, told(said | {"count": found.new_sign_count}), row=kept.row
            )
            self._room.limits.give_back("passkey", owner)
            if not self._room.shop.staff_roll.active(colleague["name"]):
                break
            return self._room.sessions.staff(colleague["name"], colleague["role"], self._room.now())
        raise Denied


def _host(origin: str) -> str:
    host = urlsplit(origin).hostname
    if host is None:
        raise CallError("the origin names no host; pass it as https://host")
    return host


def _id(kept: bytes) -> bytes:
    return bytes.fromhex(json.loads(kept)["id"])
