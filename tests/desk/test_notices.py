"""Notices owed, as they go out: once per cause, with a way out, past an opt-out only where the policy says so."""

from pathlib import Path
from typing import Any

import pytest

from avow.errors import Refused
from avow.policy.parse import parse
from avow.practices.agreeing import CONFIRM_WITHIN
from avow.practices.owing import NoticeKind
from tests.desk.beds import POLICIES, Bed, desk

MAIL = "ada@quill.example"
NEWS = {"TOC-6.newsletter": "Yes, the newsletter"}
UPDATES = {"AIT-13.updates": "Yes, the product news"}


async def agree(bed: Bed, site: str, mail: str = MAIL) -> None:
    """Say yes to what has to be confirmed there, in the shop."""
    if site == "aitoc":
        await bed.desk.collect("newsletter", {"email": mail}, agreed=NEWS)
    else:
        await bed.desk.collect("contact", {"email": mail, "message": "News?"}, agreed=UPDATES)
    await bed.desk.settle()


def token_in(text: str) -> str:
    """That of the page to confirm on."""
    (line,) = [one for one in text.splitlines() if "/confirm/" in one]
    return line.rpartition("/")[2]


@pytest.mark.parametrize("site", ["aitoc", "aitpro"])
async def test_a_yes_is_asked_for_once_by_mail_and_counts_when_its_link_is_followed(tmp_path: Path, site: str) -> None:
    """TOC-6, AIT-13: no yes without the owner of the address."""
    purpose = "newsletter" if site == "aitoc" else "updates"
    async with desk(tmp_path, site) as bed:
        await agree(bed, site)
        (message,) = bed.sent
        assert message.to == MAIL
        assert f"may use your data {bed.policy.purposes[purpose].says}" in " ".join(message.text.split())
        assert "/out/" in message.text
        assert bed.whole[0]["List-Unsubscribe"]
        assert bed.whole[0]["Auto-Submitted"] == "auto-generated"
        (who,) = await bed.shop.find("email", MAIL)
        with pytest.raises(Refused):
            await bed.shop.reach(who, "mail", purpose=purpose)
        assert (await bed.desk.follow(token_in(message.text)))["done"]
        assert await bed.shop.reach(who, "mail", purpose=purpose) == MAIL
        (consent,) = (await bed.shop.export(who))["consents"]
        begun = await bed.shop.owing.owe(bytes.fromhex(who), NoticeKind.CONFIRM, consent["id"])
        assert begun.state == "sent"


async def test_who_types_somebody_elses_address_again_and_again_sends_them_few_mails(tmp_path: Path) -> None:
    """AIT-6: no unsolicited mail; a form does not make one."""
    async with desk(tmp_path, "aitoc") as bed:
        for _ in range(8):
            await agree(bed, "aitoc")
        assert len(bed.sent) == 3
        await agree(bed, "aitoc", "bo@quill.example")
        assert len(bed.sent) == 4
        bed.clock.forward(milliseconds=CONFIRM_WITHIN)
        await agree(bed, "aitoc")
        assert len(bed.sent) == 5


async def test_what_is_confirmed_by_a_code_asks_for_nothing_more(tmp_path: Path) -> None:
    async with desk(tmp_path, "aitoc") as bed:
        await bed.desk.collect("contact", {"email": MAIL, "message": "Hello"})
        session = await bed.desk.enter("email", MAIL, await bed.code(MAIL))
        await bed.desk.agree(session, "TOC-6.newsletter", "Yes")
        await bed.desk.settle()
        assert len(bed.sent) == 1
        assert (await bed.desk.choices(session))[0]["given"]


async def test_an_order_with_a_ticked_box_counts_as_the_policy_puts_it_and_asks_nothing(tmp_path: Path) -> None:
    async with desk(tmp_path, "aitoc") as bed:
        order = {"name": "Ada", "email": MAIL, "postal-address": "1 Lane", "items": "1 mug"}
        await bed.desk.collect("order", order, agreed=NEWS)
        await bed.desk.settle()
        assert bed.sent == []
        (who,) = await bed.shop.find("email", MAIL)
        assert await bed.shop.reach(who, "mail", purpose="newsletter") == MAIL


async def test_where_the_policy_says_so_a_notice_passes_an_opt_out_and_nothing_else_does(tmp_path: Path) -> None:
    """AIT-11: mail is stopped; what a promise itself requires is still said, and nothing beside it."""
    async with desk(tmp_path, "aitpro") as bed:
        await bed.desk.collect("contact", {"email": MAIL, "message": "Hello"})
        (who,) = await bed.shop.find("email", MAIL)
        await bed.shop.opt_out(who, "mail", by=bed.shop.person(who))
        assert await bed.code(MAIL)
        assert bed.sent[-1].to == MAIL
        for purpose in ("answer", "updates", "marketing"):
            with pytest.raises(Refused):
                await bed.shop.reach(who, "mail", purpose=purpose)


async def test_where_it_may_not_pass_what_it_is_a_condition_of_stays_refused(tmp_path: Path) -> None:
    """TOC-14 without the exception: no notice goes, so nothing is confirmed by it and nobody enters by a code."""
    async with changed(tmp_path) as bed:
        await bed.desk.collect("contact", {"email": MAIL, "message": "Hello"})
        (who,) = await bed.shop.find("email", MAIL)
        await bed.shop.opt_out(who, "mail", by=bed.shop.person(who))
        await bed.desk.send_code("email", MAIL)
        await agree(bed, "aitoc")
        await bed.desk.settle()
        assert bed.sent == []
        for one in await bed.shop.find("email", MAIL):
            with pytest.raises(Refused, match="TOC"):
                await bed.shop.owing.owe(bytes.fromhex(one), NoticeKind.CONFIRM, "again")
            assert "consent/newsletter" not in (await bed.shop.standing(one))[0]


def changed(folder: Path) -> Any:
    """A desk of aitoc's whose policy makes no exception for notices owed."""
    text = (POLICIES / "aitoc.yaml").read_text()
    for before, after in (
        ("  contact: {through: [mail], for: [notices], by: [site], needs: [notice-owed], despite-opt-out: true}\n", ""),
        ("unless: [no-opt-out, notice-owed]", "unless: [no-opt-out]"),
        ("  notices: {is: OrganisationComplianceManagement, says: to send you a notice that we owe you}\n", ""),
        ("payment, answer, notices]", "payment, answer]"),
    ):
        assert before in text
        text = text.replace(before, after)
    return desk(folder, "aitoc", policy=parse(text))


async def test_a_notice_that_nobody_takes_is_not_counted_as_sent(tmp_path: Path) -> None:
    async with desk(tmp_path, "aitoc") as bed:
        bed.sent.down = True
        await agree(bed, "aitoc")
        (who,) = await bed.shop.find("email", MAIL)
        assert bed.sent == []
        assert [one.state for one in await bed.shop.reaching.messages(10)] == ["not-now"]
        assert "consent/newsletter" not in (await bed.shop.standing(who))[0]
