"""Signing in by a passkey: nobody takes it from a colleague, by asking, by wrong answers, by an answer overheard."""

from base64 import urlsafe_b64decode
from pathlib import Path

import pytest

from avow.desk.interface import CODE, TRIES
from avow.errors import Denied, TooMany
from tests.desk.authenticator import ORIGIN, Authenticator, text
from tests.desk.beds import PASSWORD, Bed, desk


async def _with_passkey(bed: Bed, name: str) -> Authenticator:
    """A colleague who has made one."""
    session, device = await bed.staff(name, "support"), Authenticator()
    await bed.desk.passkey_made(session, ORIGIN, device.make(await bed.desk.passkey_wanted(session, ORIGIN)))
    return device


async def test_who_asks_for_challenges_of_a_colleague_takes_none_away_from_them(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        device = await _with_passkey(bed, "kim")
        options = await bed.desk.passkey_asked("kim", ORIGIN)
        for _ in range(20):
            await bed.desk.passkey_asked(" KIM", ORIGIN)
        session = await bed.desk.passkey_sign_in("kim", ORIGIN, device.sign(options))
        assert (await bed.desk.colleague(session))["name"] == "kim"


async def test_wrong_answers_and_wrong_passwords_lock_nobodys_passkey(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        device, stranger = await _with_passkey(bed, "kim"), Authenticator()
        for _ in range(3 * TRIES):
            with pytest.raises(Denied):
                await bed.desk.passkey_sign_in(
                    "kim", ORIGIN, stranger.sign(await bed.desk.passkey_asked("kim", ORIGIN))
                )
            with pytest.raises((Denied, TooMany)):
                await bed.desk.staff_sign_in("kim", "a wrong one of a stranger")
        answer = device.sign(await bed.desk.passkey_asked("kim", ORIGIN))
        assert await bed.desk.passkey_sign_in("kim", ORIGIN, answer)


async def test_a_challenge_is_good_once_for_ten_minutes_and_for_one_colleague(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        kim, lee = await _with_passkey(bed, "kim"), await _with_passkey(bed, "lee")
        answer = kim.sign(await bed.desk.passkey_asked("kim", ORIGIN))
        await bed.desk.passkey_sign_in("kim", ORIGIN, answer)
        late = kim.sign(await bed.desk.passkey_asked("kim", ORIGIN))
        for name, wrong in (
            ("kim", answer),  # once more
            ("lee", lee.sign(await bed.desk.passkey_asked("kim", ORIGIN))),  # another's
            ("kim", kim.sign({"challenge": text(bytes(56))})),  # made up
            ("kim", kim.sign({"challenge": _longer((await bed.desk.passkey_asked("kim", ORIGIN))["challenge"])})),
        ):
            with pytest.raises(Denied):
                await bed.desk.passkey_sign_in(name, ORIGIN, wrong)
        bed.clock.forward(milliseconds=CODE + 1)
        with pytest.raises(Denied):
            await bed.desk.passkey_sign_in("kim", ORIGIN, late)


def _longer(challenge: str) -> str:
    """The same one, good for longer than it was made for."""
    data = bytearray(urlsafe_b64decode(challenge + "=="))
    data[17] += 1
    return text(bytes(data))


async def test_a_new_passkey_ends_the_other_sessions_and_wants_one_that_began_just_now(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        left = await bed.staff("kim", "support")
        session = await bed.desk.staff_sign_in("kim", PASSWORD)
        device = Authenticator()
        await bed.desk.passkey_made(session, ORIGIN, device.make(await bed.desk.passkey_wanted(session, ORIGIN)))
        assert (await bed.desk.colleague(session))["passkeys"] == 1
        with pytest.raises(Denied):
            await bed.desk.colleague(left)
        options = await bed.desk.passkey_wanted(session, ORIGIN)
        bed.clock.forward(minutes=11)
        session = await bed.desk.renew(session)
        with pytest.raises(Denied):
            await bed.desk.passkey_wanted(session, ORIGIN)
        with pytest.raises(Denied):
            await bed.desk.passkey_made(session, ORIGIN, device.make(options))
        assert (await bed.desk.colleague(session))["passkeys"] == 1
