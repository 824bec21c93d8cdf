"""The mailroom: senders and their sessions, links that are sealed, mail that comes in."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from avow.desk.interface.mail import Sending
from avow.errors import BadValue, CallError, Denied, Refused, TooMany, UnknownWord
from avow.wire import Client, serving
from tests.desk.beds import Bed, desk

MAIL = "ada@quill.example"
ASKED = {"name": "Ada Quill", "email": MAIL, "message": "When do you open?"}
ID = "<1@shop.example>"


async def sender(bed: Bed, *purposes: str, name: str = "shop", colleague: str | None = None) -> str:
    password = await bed.desk.add_sender(name, purposes or ("answer",), colleague)
    return await bed.desk.sender(name, password)


async def sent(bed: Bed, session: str, message: str = ID, to: str = MAIL) -> Sending:
    begun = await bed.desk.begin(session, message, to)
    await bed.desk.hand_over(session, begun["permit"])
    await bed.desk.ended(session, begun["permit"], "sent")
    return begun


@pytest.mark.parametrize("outcome", ["not-now", "never"])
async def test_what_came_of_one_try_says_nothing_of_another_that_was_handed_over(tmp_path: Path, outcome: str) -> None:
    async with desk(tmp_path, "daminion") as bed:
        await bed.desk.collect("contact", ASKED)
        session = await sender(bed)
        one, other = [await bed.desk.begin(session, ID, MAIL) for _ in range(2)]
        await bed.desk.hand_over(session, one["permit"])
        await bed.desk.ended(session, other["permit"], outcome)  # its smarthost took no recipient at that moment
        assert (await bed.desk.begin(session, ID, MAIL))["state"] == "unknown"
        await bed.desk.ended(session, one["permit"], "sent")
        assert (await bed.desk.begin(session, ID, MAIL))["state"] == "sent"


async def test_an_application_hands_a_mail_in_and_the_console_shows_it_without_the_address(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        request = (await bed.desk.collect("contact", ASKED))["request"]
        session = await sender(bed)
        begun = await bed.desk.begin(session, ID, MAIL, request=request)
        assert begun["state"] == "go"
        await bed.desk.hand_over(session, begun["permit"])
        assert (await bed.desk.begin(session, ID, MAIL))["state"] == "unknown"
        await bed.desk.ended(session, begun["permit"], "sent")
        assert await bed.desk.begin(session, ID, MAIL) == {"state": "sent", "permit": "", "out": "", "back": ""}
        with pytest.raises(Refused):
            await bed.desk.begin(session, "<2@shop>", "bea@quill.example")
        staff = await bed.staff("Sam", "support")
        shown = await bed.desk.messages(staff)
        assert [(one["sender"], one["state"], one["purpose"]) for one in shown] == [
            ("shop", "refused", "answer"), ("shop", "sent", "answer"),
        ]  # fmt: skip
        assert "DAM-21" in shown[0]["promises"]
        assert "quill" not in repr(shown)
        with pytest.raises(Denied):
            await bed.desk.messages(session)


async def test_a_letter_is_its_senders_and_ends_once(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        await bed.desk.collect("contact", ASKED)
        session, other = await sender(bed), await sender(bed, name="other")
        permit = (await bed.desk.begin(session, ID, MAIL))["permit"]
        for stranger in (other, await bed.staff("Sam", "support"), "nonsense"):
            with pytest.raises(Denied):
                await bed.desk.hand_over(stranger, permit)
        await bed.desk.hand_over(session, permit)
        for again in (session, other):
            with pytest.raises(Denied):
                await bed.desk.hand_over(again, permit)
        with pytest.raises(CallError):
            await bed.desk.ended(session, permit, "perhaps")
        await bed.desk.ended(session, permit, "not-now")
        with pytest.raises(Denied):
            await bed.desk.ended(session, permit, "sent")
        assert (await bed.desk.begin(session, ID, MAIL))["state"] == "go"


async def test_a_sender_writes_for_its_own_purposes_alone(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        await bed.desk.collect("contact", ASKED)
        session = await sender(bed, "answer", "order-status")
        with pytest.raises(CallError, match="Avow-Purpose"):
            await bed.desk.begin(session, ID, MAIL)
        with pytest.raises(Refused, match="this sender"):
            await bed.desk.begin(session, ID, MAIL, purpose="mailing-list")
        with pytest.raises(UnknownWord):
            await bed.desk.begin(session, ID, MAIL, purpose="ada@quill.example")
        with pytest.raises(CallError, match="Message-ID"):
            await bed.desk.begin(session, " ", MAIL, purpose="answer")
        assert (await bed.desk.begin(session, ID, MAIL, purpose="answer"))["state"] == "go"


async def test_a_sender_is_added_by_the_operator_and_gone_when_removed(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        for name, purposes, wrong in (("shop", ["favour"], UnknownWord), ("shop", [], CallError), ("A B", ["answer"], CallError)):  # fmt: skip
            with pytest.raises(wrong):
                await bed.desk.add_sender(name, purposes)
        password = await bed.desk.add_sender("shop", ["answer"])
        with pytest.raises(CallError, match="remove it first"):
            await bed.desk.add_sender("shop", ["answer"])
        session = await bed.desk.sender("shop", password)
        assert await bed.desk.sender("shop", password) == session  # verified once
        for name, wrong_one in (("shop", password[1:]), ("nobody", password)):
            with pytest.raises(Denied):
                await bed.desk.sender(name, wrong_one)
        await bed.desk.remove_sender("shop")
        with pytest.raises(Denied):
            await bed.desk.begin(session, ID, MAIL)
        with pytest.raises(Denied):
            await bed.desk.sender("shop", password)
        with pytest.raises(CallError):
            await bed.desk.remove_sender("shop")


async def test_who_waits_for_the_answer_to_a_stop_learns_nothing_by_the_time_it_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(tmp_path, "daminion") as bed:
        who, session = await bed.shop.collect("contact", ASKED), await sender(bed)
        opt_out, held_up = bed.shop.opt_out, asyncio.Event()

        async def slow(*given: Any, **named: Any) -> None:
            await held_up.wait()
            await opt_out(*given, **named)

        monkeypatch.setattr(bed.shop, "opt_out", slow)
        async with asyncio.timeout(10):
            assert (await bed.desk.received(ID, MAIL, "unsubscribe", ""))["kind"] == "stop"
        with pytest.raises(Refused):  # and it holds at once
            await bed.desk.begin(session, ID, MAIL)
        held_up.set()
        await bed.desk.settle()
        assert "opt-out/mail" in (await bed.shop.standing(who))[0]


async def test_forged_mails_in_somebodys_name_do_not_keep_their_stop_out(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        forged = [bed.desk.received(f"<{number}@x>", MAIL, "When do you open?", "") for number in range(40)]
        assert any(isinstance(one, TooMany) for one in await asyncio.gather(*forged, return_exceptions=True))
        assert (await bed.desk.received("<stop@x>", MAIL, "unsubscribe", ""))["kind"] == "stop"


async def test_nobodys_guesses_keep_out_who_has_a_senders_password(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        password = await bed.desk.add_sender("shop", ["answer"])
        sessions = list[str]()
        for _ in range(2):  # before the first sign-in, and again once its session is over
            guesses = await asyncio.gather(
                *(bed.desk.sender("shop", f"wrong {n}") for n in range(40)), return_exceptions=True
            )
            assert all(isinstance(one, Denied) for one in guesses)
            sessions.append(await bed.desk.sender("shop", password))
            assert await bed.desk.sender("shop", password) == sessions[-1]
            bed.clock.forward(minutes=16)
        assert len(set(sessions)) == 2


async def test_a_colleagues_sender_has_the_standing_that_the_colleague_has(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        await bed.desk.collect("contact", ASKED)
        with pytest.raises(UnknownWord):
            await bed.desk.add_sender("sams", ["answer"], "Sam")
        await bed.staff("Sam", "support")
        await bed.staff("Max", "marketing")
        session = await sender(bed, name="sams", colleague="Sam")
        assert (await bed.desk.begin(session, ID, MAIL))["state"] == "go"
        with pytest.raises(Refused):
            await bed.desk.begin(await sender(bed, name="maxs", colleague="Max"), "<2@shop>", MAIL)
        await bed.desk.dismiss(await bed.staff("Ann", "admin"), "Sam")
        with pytest.raises(Denied):
            await bed.desk.begin(session, "<3@shop>", MAIL)


async def test_an_opt_out_link_stops_the_address_even_after_the_person_was_erased(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        await bed.desk.collect("contact", ASKED)
        session = await sender(bed)
        out = (await sent(bed, session))["out"]
        assert await bed.desk.link(out) == {"kind": "opt-out", "purpose": "", "done": False}
        assert await bed.desk.link(out) == {"kind": "opt-out", "purpose": "", "done": False}  # looking does nothing
        (who,) = await bed.shop.find("email", MAIL)
        await bed.shop.erase(who)
        assert await bed.desk.follow(out) == {"kind": "opt-out", "purpose": "", "done": True}
        await bed.desk.collect("contact", ASKED | {"email": "ADA+x@quill.example"})
        with pytest.raises(Refused):
            await bed.desk.begin(session, "<2@shop>", "ADA+x@quill.example")
        assert (await bed.desk.follow(out))["done"]


async def test_an_opt_out_link_stops_the_person_at_once(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        await bed.desk.collect("contact", ASKED)
        session = await sender(bed)
        first = await bed.desk.begin(session, ID, MAIL)
        waiting = await bed.desk.begin(session, "<2@shop>", MAIL)
        await bed.desk.follow(first["out"])
        with pytest.raises(Denied, match="permission has ended"):
            await bed.desk.hand_over(session, waiting["permit"])
        (who,) = await bed.shop.find("email", MAIL)
        assert "opt-out/mail" in (await bed.shop.standing(who))[0]


async def test_foreign_and_forged_tokens_do_nothing(tmp_path: Path) -> None:
    async with desk(tmp_path / "one", "daminion") as bed, desk(tmp_path / "two", "aitoc") as other:
        taken = await bed.desk.collect("contact", ASKED)
        begun = await sent(bed, await sender(bed))
        out, back = begun["out"], begun["back"]
        last = "A" if out[40] != "A" else "B"
        for forged in ("", "x", "\u00e9", out[:-4], out[:40] + last + out[41:], back, taken["receipt"], "A" * 500):
            for ask in (bed.desk.link, bed.desk.follow):
                with pytest.raises(Denied):
                    await ask(forged)
        for forged in ("", "x", "\u00e9", out, back[:-3], "a" * 45):
            with pytest.raises(Denied):
                await bed.desk.returned(forged, permanent=True)
        with pytest.raises(Denied):
            await other.desk.follow(out)
        with pytest.raises(Denied):
            await other.desk.returned(back, permanent=True)


async def test_a_withdrawal_by_link_ends_one_purpose_and_a_confirmation_makes_one_count(tmp_path: Path) -> None:
    async with desk(tmp_path, "aitoc") as bed:
        who = await bed.shop.collect("newsletter", {"email": MAIL})
        agreed = await bed.shop.agree(who, "newsletter", words="Yes, please", how="newsletter")
        subject = bytes.fromhex(who)
        confirm = bed.desk.links.confirm(subject, bytes.fromhex(agreed), "newsletter")
        assert await bed.desk.link(confirm) == {
            "kind": "confirm",
            "purpose": "to send you the newsletter",
            "done": False,
        }
        session = await sender(bed, "newsletter")
        with pytest.raises(Refused):
            await bed.desk.begin(session, ID, MAIL)
        assert (await bed.desk.follow(confirm))["done"]
        begun = await bed.desk.begin(session, ID, MAIL)
        assert begun["state"] == "go"
        withdraw = begun["out"]
        assert await bed.desk.link(withdraw) == {
            "kind": "withdraw",
            "purpose": "to send you the newsletter",
            "done": False,
        }
        assert (await bed.desk.follow(withdraw))["done"]
        assert (await bed.desk.follow(withdraw))["done"]
        with pytest.raises(Refused):
            await bed.desk.begin(session, "<2@shop>", MAIL)
        with pytest.raises(Denied):  # what was withdrawn is not confirmed by an old link
            await bed.desk.follow(confirm)
        again = await bed.shop.agree(who, "newsletter", words="Yes, please", how="newsletter")
        late = bed.desk.links.confirm(subject, bytes.fromhex(again), "newsletter")
        bed.clock.forward(days=8)
        with pytest.raises(Denied):
            await bed.desk.follow(late)


async def test_a_bounce_marks_its_message_and_case_does_not_count_in_a_return_address(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        await bed.desk.collect("contact", ASKED)
        back = (await sent(bed, await sender(bed)))["back"]
        assert len(back) <= 45
        assert (await bed.desk.returned(back, permanent=False))["kind"] == "nothing"
        staff = await bed.staff("Sam", "support")
        assert [one["state"] for one in await bed.desk.messages(staff)] == ["sent"]
        assert (await bed.desk.returned(back.upper(), permanent=True))["kind"] == "bounce"
        assert [one["state"] for one in await bed.desk.messages(staff)] == ["bounced"]


# -- mail that comes in ------------------------------------------------------------------------------------------------


async def test_a_question_by_mail_opens_a_request_once(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        first = await bed.desk.received("<q@home>", MAIL, "Opening hours", "When do you open?")
        assert (first["kind"], first["request"] is None) == ("question", False)
        assert (await bed.desk.received("<q@home>", MAIL, "Opening hours", "When do you open?"))["kind"] == "nothing"
        staff = await bed.staff("Sam", "support")
        assert [one["kind"] for one in await bed.desk.queue(staff)] == ["question"]
        for words, kind in (("One", "question"), ("Another", "question"), ("One", "nothing")):  # without a Message-ID
            assert (await bed.desk.received("", "bea@quill.example", "Hello", words))["kind"] == kind
        with pytest.raises(BadValue):
            await bed.desk.received("<c@home>", MAIL, "My order", "My card is 4111 1111 1111 1111, please charge it")
        assert (await bed.desk.received("<n@home>", "", "Undelivered", "It came back"))["kind"] == "nothing"


async def test_stop_by_mail_holds_for_who_is_held_and_for_who_is_not(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        await bed.desk.collect("contact", ASKED)
        session = await sender(bed)
        for n, who in enumerate((MAIL, "bea@quill.example")):
            assert await bed.desk.received(f"<{n}@home>", who, "Re: Offers", "STOP!\n\n> buy now") == {"kind": "stop", "request": None}  # fmt: skip
        await bed.desk.collect("contact", ASKED | {"email": "bea@quill.example"})
        for to in (MAIL, "bea@quill.example", "Bea+new@quill.example"):
            with pytest.raises(Refused):
                await bed.desk.begin(session, ID, to)


@pytest.mark.parametrize("kind", ["access", "erase", "correct"])
async def test_a_right_asked_for_by_mail_opens_a_request_and_sends_a_code_and_reads_nothing(tmp_path: Path, kind: str) -> None:  # fmt: skip
    words = {"access": "Please send me a copy of my data.", "erase": "Please delete my account.", "correct": "Please correct my address."}  # fmt: skip
    async with desk(tmp_path, "daminion") as bed:
        await bed.desk.collect("contact", ASKED)
        done = await bed.desk.received("<r@home>", MAIL.upper(), "My data", words[kind])
        await bed.desk.settle()
        assert done["kind"] == kind
        assert done["request"] is not None
        assert [one.to for one in bed.sent] == [MAIL]
        assert "Ada" not in bed.sent[0].text
        again = await bed.desk.received("<r2@home>", MAIL, "My data", words[kind])
        assert again["request"] == done["request"]
        nobody = await bed.desk.received("<r3@home>", "bea@quill.example", "My data", words[kind])
        await bed.desk.settle()
        assert nobody == {"kind": kind, "request": None}
        assert {one.to for one in bed.sent} == {MAIL}


async def test_many_mails_from_one_address_are_held_up(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        for n in range(20):
            await bed.desk.received(f"<{n}@home>", MAIL, "Hello", f"question {n}")
        with pytest.raises(TooMany):
            await bed.desk.received("<last@home>", MAIL, "Hello", "one more")


async def test_the_whole_way_of_a_mail_goes_over_the_wire(tmp_path: Path) -> None:
    address = str(tmp_path / "run/desk.sock")
    async with desk(tmp_path, "daminion") as bed, serving(bed.desk, address), Client(address) as client:
        password = await bed.desk.add_sender("shop", ["answer"])
        await client.collect("contact", ASKED)
        session = await client.sender("shop", password)
        begun = await client.begin(session, ID, MAIL)
        await client.hand_over(session, begun["permit"])
        await client.ended(session, begun["permit"], "sent")
        with pytest.raises(Refused) as refused:
            await client.begin(session, ID, "bea@quill.example")
        assert "DAM-21" in refused.value.promises
        assert (await client.returned(begun["back"], permanent=True))["kind"] == "bounce"
        assert (await client.follow(begun["out"]))["done"]
        with pytest.raises(Refused):
            await client.begin(session, "<2@shop>", MAIL)
        assert (await client.received("<q@home>", MAIL, "Hello", "When do you open?"))["kind"] == "question"
