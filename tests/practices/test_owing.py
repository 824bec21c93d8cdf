"""A notice owed goes once for each cause, past an opt-out only where the policy says so, and is delivered in time or not."""

from pathlib import Path

import pytest

from avow.app import Avow
from avow.errors import Refused
from avow.mail.notices import KINDS
from avow.policy.model import Policy
from avow.policy.parse import parse
from avow.practices.messages import Permit
from avow.practices.owing import NoticeKind
from tests.shops import ADA, POLICY, Clock, opened

OWED = """
- id: C-8
  says: Of a new use we tell you, even if you stopped our mail, and wait a week.
  source: {section: Changes, sentence: 1}
  change: {must: [contact-affected], bounce: "7 days"}
  contact: {through: [mail], for: [notices], by: [site], needs: [notice-owed], despite-opt-out: true}
"""
PURPOSE = "purposes:\n  notices: {is: OrganisationComplianceManagement, says: to send you a notice that we owe you}\n"


def owing() -> Policy:
    return parse(POLICY.replace("purposes:\n", PURPOSE) + OWED.lstrip("\n"), "corner")


def test_the_kinds_are_those_that_there_are_words_for() -> None:
    assert sorted(kind.value for kind in NoticeKind) == sorted(KINDS)


async def sent(shop: Avow, subject: bytes, cause: str) -> Permit:
    begun = await shop.owing.owe(subject, NoticeKind.NEW_USE, cause)
    assert begun.permit is not None
    await shop.reaching.hand_over(begun.permit)
    await shop.reaching.ended(begun.permit, "sent")
    return begun.permit


async def test_it_goes_once_for_each_cause_also_after_a_restart(tmp_path: Path) -> None:
    async with opened(tmp_path, policy=owing()) as shop:
        subject = bytes.fromhex(await shop.collect("order", ADA))
        await sent(shop, subject, "one")
        await sent(shop, subject, "another")
    async with opened(tmp_path, policy=owing()) as shop:
        again = await shop.owing.owe(subject, NoticeKind.NEW_USE, "one")
        assert (again.state, again.permit, again.address) == ("sent", None, "")
        assert (await shop.owing.owe(subject, NoticeKind.DISCLOSED, "one")).state == "go"
        assert [one.sender for one in await shop.reaching.messages(9)] == ["new-use", "new-use"]


async def test_it_passes_an_opt_out_only_where_the_policy_says_so(tmp_path: Path) -> None:
    async with opened(tmp_path / "says so", policy=owing()) as shop:
        who = await shop.collect("order", ADA)
        await shop.opt_out(who, "mail")
        begun = await shop.owing.owe(bytes.fromhex(who), NoticeKind.NEW_USE, "one")
        assert (begun.state, begun.address) == ("go", ADA["email"])
        with pytest.raises(Refused):
            await shop.reach(who, "mail", purpose="notices")  # nobody's word makes it owed
    async with opened(tmp_path / "says nothing") as shop:
        who = await shop.collect("order", ADA)
        with pytest.raises(Refused):
            await shop.owing.owe(bytes.fromhex(who), NoticeKind.NEW_USE, "one")


async def test_it_is_delivered_when_the_time_to_come_back_has_gone_by_and_it_has_not(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock, policy=owing()) as shop:
        subject = bytes.fromhex(await shop.collect("order", ADA))
        await sent(shop, subject, "arrives")
        permit = await sent(shop, subject, "comes back")
        assert not await shop.owing.delivered(subject, NoticeKind.NEW_USE, "arrives")
        await shop.reaching.bounced(permit.message)
        clock.forward(days=7)
        assert await shop.owing.delivered(subject, NoticeKind.NEW_USE, "arrives")
        assert not await shop.owing.delivered(subject, NoticeKind.NEW_USE, "comes back")
        assert not await shop.owing.delivered(subject, NoticeKind.NEW_USE, "never sent")


async def test_nobody_erased_is_owed_anything(tmp_path: Path) -> None:
    async with opened(tmp_path, policy=owing()) as shop:
        who = await shop.collect("order", ADA)
        await shop.erase(who)
        with pytest.raises(Refused):
            await shop.owing.owe(bytes.fromhex(who), NoticeKind.NEW_USE, "one")
