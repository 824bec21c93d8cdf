"""A message to one recipient: decided, remembered before it goes, and never sent twice."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from avow.app import Avow
from avow.desk.interface import mail as contract
from avow.errors import BadValue, Denied, Refused, UnknownWord
from avow.gate import Actor
from avow.practices.messages import NOBODY, Begun, Errand, Outcome, Permit
from avow.practices.reaching import REMEMBERED
from tests.shops import ADA, BEA, Clock, elsewhere, opened

SITE = Actor("site", "sender:shop", standing=True)
ORDER = Errand("mail", "order", SITE, "shop")
NEWS = Errand("mail", "news", SITE, "shop")
ID = "<1@shop.example>"
OUTCOMES: tuple[Outcome, ...] = ("not-now", "never")


async def begin(shop: Avow, errand: Errand = ORDER, message: str = ID, to: str = ADA["email"]) -> Begun:
    return await shop.reaching.begin(errand, message, to)


async def permit(shop: Avow, errand: Errand = ORDER, message: str = ID, to: str = ADA["email"]) -> Permit:
    begun = await begin(shop, errand, message, to)
    assert (begun.state, begun.permit is None) == ("go", False)
    assert begun.permit is not None
    return begun.permit


async def request_of(shop: Avow, who: str) -> bytes:
    return bytes.fromhex((await shop.export(who))["requests"][0]["id"])


async def states(shop: Avow) -> list[str]:
    return [one.state for one in await shop.reaching.messages(9)]


def test_the_contract_says_how_long_a_message_is_remembered() -> None:
    assert contract.REMEMBERED == REMEMBERED


async def test_a_message_goes_once_and_is_remembered_with_what_came_of_it(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as shop:
        who = await shop.collect("order", ADA)
        known = await permit(shop)
        assert await states(shop) == []  # what was only begun has not gone anywhere
        await shop.reaching.hand_over(known)
        assert await states(shop) == ["handing"]
        assert (await begin(shop)).state == "unknown"
        await shop.reaching.ended(known, "sent")
        assert (await begin(shop)).state == "sent"
        assert (await begin(shop, to=f" {ADA['email'].upper()} ")).state == "sent"
        assert await states(shop) == ["sent"]
        assert [(one["action"], one["outcome"]) for one in await shop.seen(who)][-1] == ("mail", "done")
        clock.forward(days=30, hours=1)
        await shop.sweep()
        assert await states(shop) == []


async def test_what_the_other_side_did_not_take_may_begin_anew(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        await shop.collect("order", ADA)
        for outcome in OUTCOMES:
            known = await permit(shop)
            await shop.reaching.hand_over(known)
            await shop.reaching.ended(known, outcome)
            assert await states(shop) == [outcome]


async def test_after_a_crash_between_handing_over_and_the_answer_it_is_unknown_and_stays_so(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        await shop.collect("order", ADA)
        await shop.reaching.hand_over(await permit(shop))
    async with opened(tmp_path) as shop:
        assert (await begin(shop)).state == "unknown"
        assert await states(shop) == ["handing"]


def test_a_kill_after_handing_over_leaves_it_on_disk(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-m", "tests.practices.handing", str(tmp_path)], stdout=subprocess.PIPE, text=True) as child:  # fmt: skip
        assert child.stdout is not None
        assert child.stdout.readline() == "handed over\n"
        child.kill()

    async def after() -> None:
        async with opened(tmp_path, url=f"sqlite:///{tmp_path}/shop.db") as shop:
            assert (await begin(shop)).state == "unknown"

    asyncio.run(after())


async def test_of_two_who_begin_at_once_one_hands_over(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        await shop.collect("order", ADA)
        permits = await asyncio.gather(*(permit(shop) for _ in range(8)))
        done = await asyncio.gather(*map(shop.reaching.hand_over, permits), return_exceptions=True)
        assert sorted(type(one).__name__ for one in done) == ["Denied"] * 7 + ["NoneType"]


async def test_nobody_held_is_refused_by_the_promise_that_says_so_and_remembered_without_a_face(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        for errand, promise in ((ORDER, "C-1"), (NEWS, "C-2"), (Errand("mail", "marketing", SITE, "shop"), "C-7")):
            with pytest.raises(Refused) as refused:
                await begin(shop, errand)
            assert promise in refused.value.promises
        (one, *_) = await shop.reaching.messages(9)
        assert (one.subject, one.state, ADA["email"] in repr(one)) == (NOBODY, "refused", False)
        with pytest.raises(UnknownWord):
            await begin(shop, Errand("mail", "favour", SITE, "shop"))
        with pytest.raises(BadValue):
            await begin(shop, to=" ")


async def test_a_named_request_counts_alone_and_only_for_its_own_person_while_it_is_open(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        ada, bea = await shop.collect("order", ADA), await shop.collect("order", BEA)
        first, others = await request_of(shop, ada), await request_of(shop, bea)
        await shop.ask(ada, "order")
        known = await permit(shop, ORDER._replace(request=first))
        for other in (others, bytes(16)):
            with pytest.raises(Refused):
                await begin(shop, ORDER._replace(request=other))
        await shop.agree(ada, "news", words="Yes")
        assert (await begin(shop, NEWS._replace(request=first), "<2@shop>")).state == "go"
        await shop.close_request(ada, first.hex())
        with pytest.raises(Refused):  # another order is open, and this one is not
            await begin(shop, ORDER._replace(request=first), "<3@shop>")
        with pytest.raises(Refused):
            await shop.reaching.hand_over(known)
        assert "handing" not in await states(shop)
        assert (await begin(shop, message="<4@shop>")).state == "go"


async def test_one_message_goes_to_an_address_once_whosever_request_it_is_for(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        people = [await shop.collect("order", ADA) for _ in range(2)]
        errands = [ORDER._replace(request=await request_of(shop, who)) for who in people]
        permits = [await permit(shop, errand) for errand in errands]
        assert [one.subject.hex() for one in permits] == people
        await shop.reaching.hand_over(permits[1])
        with pytest.raises(Denied):
            await shop.reaching.hand_over(permits[0])


@pytest.mark.parametrize("ended", ["opt-out", "closed", "erased", "corrected", "another's opt-out"])
async def test_what_ends_the_permission_between_beginning_and_handing_over_stops_the_message(
    tmp_path: Path, ended: str
) -> None:
    """AIT-5: an answer goes while its request is open, and no moment longer."""
    async with opened(tmp_path) as shop:
        who = await shop.collect("order", ADA)
        known = await permit(shop)
        if ended == "opt-out":
            await shop.opt_out(who, "mail")
        elif ended == "closed":
            await shop.close_request(who, (await request_of(shop, who)).hex())
        elif ended == "erased":
            await shop.erase(who)
        elif ended == "corrected":
            await shop.correct(who, "email", "new@quillfeather.example")
        else:
            await shop.opt_out(await shop.collect("order", ADA | {"name": "A. Q."}), "mail")
        with pytest.raises((Refused, Denied)):
            await shop.reaching.hand_over(known)
        assert "handing" not in await states(shop)


VARIANTS = (
    "ADA@quillfeather.example", "ada+shop@quillfeather.example", "Ada+a+b@QuillFeather.Example", '"ada"@quillfeather.example',
    "ada@quillfeather.example.", "\uff41da@quillfeather.example", "ada\uff20quillfeather.example", "a\u00adda@quillfeather.example",
    "ada@quill\u200bfeather.example", "ada@quillfeather\u3002example", "ada@\uff51uillfeather.example", '"\\ada"@quillfeather.example',
)  # fmt: skip


@pytest.mark.parametrize("to", VARIANTS)
async def test_an_address_that_opted_out_is_not_reached_in_any_other_writing(tmp_path: Path, to: str) -> None:
    """AIT-6, TOC-14: whoever wants no more mail gets none in any writing of their address."""
    async with opened(tmp_path) as shop:
        gone = await shop.collect("order", ADA)
        await shop.opt_out(gone, "mail")
        await shop.erase(gone)
        again = await shop.collect("order", ADA | {"email": to})
        with pytest.raises(Refused):
            await begin(shop, to=to)
        with pytest.raises(Refused):
            await shop.reach(again, "mail", purpose="order")


@pytest.mark.parametrize("to", ["ad@quillfeather.example", "ada.b@quillfeather.example", "ada@quillfeather.test"])
async def test_another_address_is_no_other_writing(tmp_path: Path, to: str) -> None:
    async with opened(tmp_path) as shop:
        await shop.opt_out(await shop.collect("order", ADA), "mail")
        await shop.collect("order", ADA | {"email": to})
        assert (await begin(shop, to=to)).state == "go"


async def test_an_address_that_only_folds_to_one_held_is_another_mailbox(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        await shop.collect("order", ADA | {"email": "kate@quillfeather.example"})
        with pytest.raises(Refused):
            await begin(shop, to="\u212aate@quillfeather.example")  # KELVIN SIGN
        assert (await begin(shop, to="Kate@Quillfeather.Example")).state == "go"


async def test_a_message_to_a_mailbox_that_folds_to_anothers_is_not_taken_for_the_one_that_went_there(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as shop:
        for one in ("strasse@quillfeather.example", "stra\u00dfe@quillfeather.example"):
            await shop.collect("order", ADA | {"email": one})
            begun = await begin(shop, to=one)
            assert begun.state == "go"
            assert begun.permit is not None
            await shop.reaching.hand_over(begun.permit)
            await shop.reaching.ended(begun.permit, "sent")
            assert (await begin(shop, to=one)).state == "sent"


async def test_who_opted_out_refuses_for_everybody_under_the_address_and_without_that_any_may_be_reached(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as shop:
        one = await shop.collect("order", ADA)
        other = await shop.collect("contest", {"entry": "a poem", "email": ADA["email"]})
        await shop.close_request(one, (await request_of(shop, one)).hex())
        with pytest.raises(Refused):
            await begin(shop)
        await shop.ask(other, "order")
        assert (await permit(shop)).subject.hex() == other
        await shop.opt_out(one, "mail")
        with pytest.raises(Refused):
            await begin(shop)


async def test_an_older_address_of_theirs_is_theirs_too(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as shop:
        who = await shop.collect("order", ADA)
        clock.forward(minutes=1)
        await shop.collect("order", ADA | {"email": "new@quillfeather.example"}, who=who)
        known = await permit(shop)
        await shop.reaching.hand_over(known)
        begun = await shop.reaching.begin_with(ORDER, "<9@shop>", bytes.fromhex(who))
        assert (begun.state, begun.address) == ("go", "new@quillfeather.example")


async def test_erasure_takes_the_messages_along_and_what_ends_later_writes_nothing_of_the_person(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as shop:
        who = await shop.collect("order", ADA)
        known = await permit(shop)
        await shop.reaching.hand_over(known)
        await shop.erase(who)
        await shop.reaching.ended(known, "sent")
        assert await states(shop) == []


async def test_an_inspection_finds_nothing_wrong_with_who_was_written_to(tmp_path: Path) -> None:
    async with opened(tmp_path, sequence_every=Clock.NEVER) as shop:
        who = await shop.collect("order", ADA)
        known = await permit(shop)
        await shop.reaching.hand_over(known)
        await shop.reaching.ended(known, "sent")
        with pytest.raises(Refused):
            await begin(shop, NEWS, "<2@shop>")
        assert await shop.inspect(who) == []


async def test_those_who_agreed_are_found_page_by_page_and_each_is_decided_by_itself(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        people = [await shop.collect("order", ADA | {"email": f"a{n}@quill.example"}) for n in range(5)]
        for who in people[:4]:
            await shop.agree(who, "news", words="Yes")
        await shop.withdraw(people[0], "news")
        await shop.opt_out(people[1], "mail")
        first = await shop.reaching.consenting("news", b"", 2)
        found = first + await shop.reaching.consenting("news", first[-1], 9)
        assert sorted(one.hex() for one in found) == sorted(people[1:4])
        went = []
        for one in found:
            try:
                went.append((await shop.reaching.begin_with(NEWS, "<n@shop>", one)).address)
            except Refused:
                continue
        assert sorted(went) == ["a2@quill.example", "a3@quill.example"]


async def test_a_program_in_python_sends_its_own_mail_through_the_same_gate(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        who = await shop.collect("order", ADA)
        errand = shop.reaching.errand("order", "invoices", request=(await request_of(shop, who)).hex())
        begun = await shop.reaching.begin(errand, ID, ADA["email"])
        assert begun.permit is not None
        await shop.reaching.hand_over(begun.permit)
        await shop.reaching.ended(begun.permit, "sent")
        call = shop.reaching.errand("order", "invoices", channel="post")
        assert (await shop.reaching.begin_with(call, ID, bytes.fromhex(who))).address == ADA["postal-address"]
        assert [one.sender for one in await shop.reaching.messages(9)] == ["invoices"]


async def test_a_backup_put_back_knows_its_messages_and_an_opt_out_since_then_still_refuses(tmp_path: Path) -> None:
    async with opened(tmp_path, sequence_every=Clock.NEVER) as shop:
        who = await shop.collect("order", ADA)
        known = await permit(shop)
        await shop.reaching.hand_over(known)
        await shop.reaching.ended(known, "sent")
        await shop.backup(tmp_path / "backup")
        await shop.opt_out(who, "mail")
        policy = shop.policy
    await Avow.restore(policy, elsewhere(tmp_path), tmp_path / "backup", clock=Clock(), folder=tmp_path / "avow")
    async with opened(tmp_path) as shop:
        assert (await begin(shop)).state == "sent"
        with pytest.raises(Refused):
            await begin(shop, message="<2@shop>")
