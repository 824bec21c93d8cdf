"""What `avow demo --check` would say of a demo that does not work; the same house, with one thing wrong at a time."""

from typing import Any

import pytest

from avow.demo import buying, check
from avow.demo.mailbox import Mailbox
from tests.journeys.running import Running

pytestmark = pytest.mark.xdist_group("journeys")


def wrong(demo: Running) -> list[str]:
    """What the check finds wrong, a line for each site."""
    seen = demo.ask(check.look_around(demo.house, lambda _: None))
    return [" / ".join(one.wrong) for one in seen]


def test_a_demo_that_works_has_nothing_wrong(demo: Running) -> None:
    assert wrong(demo) == [""] * 5


def test_a_payment_that_is_declined_is_noticed(demo: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(buying.CARD, "card", "4000 0000 0000 0002")
    found = wrong(demo)
    assert all("the payment company did not take the payment" in one for one in found)


def test_mail_that_does_not_come_and_staff_who_cannot_get_in_are_noticed(
    demo: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(*_: Any, **__: Any) -> None:
        """Taken, and lost."""

    monkeypatch.setattr(Mailbox, "_keep", lost)
    monkeypatch.setattr(check, "_PATIENCE", 0.1)
    monkeypatch.setattr("avow.demo.people.PASSWORD", "not the one it was set to")
    found = wrong(demo)
    assert all("privacy centre: TimeoutError" in one and "console: no form goes to `/task`" in one for one in found)
