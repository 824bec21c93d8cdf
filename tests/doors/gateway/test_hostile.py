"""Hostile messages, few of them; and that the harness sees a gateway that does what it must not."""

import re
from collections.abc import Callable

import pytest

from avow.cards import Suspicion
from avow.doors.gateway import relay, server
from avow.doors.gateway.replies import Reply
from avow.mail import message
from tests.doors.gateway.hostile import run
from tests.doors.gateway.stations import Station


async def test_nobody_gets_what_they_may_not_and_everybody_what_is_meant_for_them() -> None:
    """AIT-6, TOC-14."""
    told = await run(150, 3)
    assert told["ok"], told["seen"]


def without_cards(patch: pytest.MonkeyPatch) -> Callable[[Station], None]:
    return lambda _: patch.setattr(relay, "suspicion", lambda _: Suspicion.NONE)


def with_other_recipients(patch: pytest.MonkeyPatch) -> Callable[[Station], None]:
    kept = message._GONE.pattern.replace(b"|cc|", b"|")
    return lambda _: patch.setattr(message, "_GONE", re.compile(kept))


def with_bare_ends(patch: pytest.MonkeyPatch) -> Callable[[Station], None]:
    """As servers read that take a bare LF for a line's end."""
    real = server._Connection._content

    async def content(self: server._Connection) -> bytes | Reply:
        told = await real(self)
        if isinstance(told, bytes) and b"MAIL FROM" in told:
            first, _, second = told.partition(b"MAIL FROM")
            to = second.partition(b"<")[2].partition(b"RCPT TO:<")[2].partition(b">")[0].decode()
            who, rest = getattr(self.session, "auth_data", None), second.partition(b"From:")[2]
            assert isinstance(who, relay.Application)
            await self._gateway.relay.hand_in(who, b"From:" + rest.replace(b"\n.", b""), [to])
            return first.replace(b"\n.\n", b"")
        return told

    return lambda _: patch.setattr(server._Connection, "_content", content)


@pytest.mark.parametrize("defect", [without_cards, with_other_recipients, with_bare_ends])
async def test_a_planted_defect_is_seen(
    monkeypatch: pytest.MonkeyPatch, defect: Callable[[pytest.MonkeyPatch], Callable[[Station], None]]
) -> None:
    told = await run(100, 3, plant=defect(monkeypatch))
    assert told["unauthorised"] > 0, told


async def test_a_gateway_that_loses_mail_is_seen() -> None:
    def plant(at: Station) -> None:
        real = at.gateway.relay.hand_in

        async def hand_in(who: relay.Application, content: bytes, recipients: list[str]) -> Reply:
            return await real(who, content, recipients[:1])

        at.gateway.relay.hand_in = hand_in  # type: ignore[method-assign, assignment]

    assert (await run(60, 3, plant=plant))["lost"] > 0
