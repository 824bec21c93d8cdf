"""The gateway decides on every recipient, passes on what may go, and says of the rest why. Real desk, real servers."""

import asyncio
import smtplib
from base64 import b64encode
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from time import perf_counter

import pytest

from avow.desk.interface.mail import Mailroom
from avow.errors import Unavailable
from avow.mail.smarthost import Server
from tests.doors.gateway.stations import ADA, BOB, CONTACT, EVE, Station, mail, station
from tests.mail.offices import scripted


def header(message: EmailMessage, name: str) -> str:
    return str(message[name])


async def shown(at: Station) -> list[str]:
    """What the console shows became of each message, newest first."""
    return [one["state"] for one in await at.bed.desk.messages(await at.bed.staff("Sam", "support"))]


# -- going out ----------------------------------------------------------------------------------------------------------


async def test_an_answer_goes_to_who_asked_from_the_return_address_with_a_way_to_stop_it(tmp_path: Path) -> None:
    """AIT-5, AIT-6, TOC-14."""
    async with station(tmp_path) as at:
        await at.asked(ADA)
        code, said = await at.hand_in(mail(), ADA)
        assert (code, said) == (250, "2.0.0 the smarthost has it")
        ((sender, to, _, _),) = at.office.taken
        (message,) = at.office.messages()
        assert to == [ADA]
        assert sender.startswith("back+")
        assert sender.endswith("@daminion.example")
        assert header(message, "To") == ADA
        assert header(message, "List-Unsubscribe-Post") == "List-Unsubscribe=One-Click"
        assert "https://privacy.daminion.example/out/" in message.get_content()
        assert "Yes, we do." in message.get_content()
        assert await shown(at) == ["sent"]


async def test_who_asked_nothing_gets_nothing_and_the_sender_is_told_which_promise_refuses(tmp_path: Path) -> None:
    """AIT-6."""
    async with station(tmp_path) as at:
        code, said = await at.hand_in(mail(), EVE)
        assert code == 550
        assert said.startswith("5.7.1 refused by ")
        assert "DAM-" in said
        assert EVE not in said
        assert at.office.taken == []
        assert await shown(at) == ["refused"]


async def test_to_all_or_to_none_and_the_reply_says_for_whom_it_is_refused(tmp_path: Path) -> None:
    async with station(tmp_path) as at:
        await at.asked(ADA, BOB)
        code, said = await at.hand_in(mail(), ADA, EVE, BOB)
        assert code == 550
        assert "recipient 2 of 3" in said
        assert at.office.taken == []
        assert (await at.hand_in(mail(), ADA, BOB))[0] == 250
        assert sorted(to[0] for _, to, _, _ in at.office.taken) == [ADA, BOB]
        for message, other in zip(at.office.messages(), (BOB, ADA), strict=True):
            assert other not in message.as_string() or header(message, "To") == other


async def test_trying_again_sends_only_to_those_who_have_not_got_it(tmp_path: Path) -> None:
    async with station(tmp_path) as at:
        await at.asked(ADA, BOB)
        says = iter([None, "451 4.3.0 later"])
        at.office.says = lambda step: next(says, None) if step == "RCPT" else None
        code, said = await at.hand_in(mail(), ADA, BOB)
        assert code == 451
        assert "of 2" in said
        assert len(at.office.taken) == 1
        assert (await at.hand_in(mail(), ADA, BOB))[0] == 250
        assert sorted(to[0] for _, to, _, _ in at.office.taken) == [ADA, BOB]
        code, said = await at.hand_in(mail(), ADA, BOB)
        assert (code, said) == (250, "2.0.0 this message went out before; it is not sent again")
        assert len(at.office.taken) == 2


@pytest.mark.parametrize(("step", "states"), [("RCPT", []), ("DATA", ["never"])])
async def test_what_the_smarthost_refuses_its_sender_learns_with_its_code(
    tmp_path: Path, step: str, states: list[str]
) -> None:
    async with station(tmp_path) as at:
        await at.asked(ADA)
        at.office.says = lambda now: "550 5.1.1 no such user ada@quill.example" if now == step else None
        code, said = await at.hand_in(mail(), ADA)
        assert (code, said[:5]) == (554, "5.1.1")
        assert ADA not in said
        assert await shown(at) == states


async def test_without_a_smarthost_it_waits_at_the_senders_and_goes_when_there_is_one(tmp_path: Path) -> None:
    async with station(tmp_path, smarthost=lambda _: Server.of("smtp://127.0.0.1:1")) as at:
        await at.asked(ADA)
        code, said = await at.hand_in(mail(), ADA)
        assert (code, said) == (451, "4.4.1 the smarthost does not answer")
        at.gateway.relay._smarthost._server = Server.of(f"smtp://127.0.0.1:{at.office.port}")
        assert (await at.hand_in(mail(), ADA))[0] == 250
        assert len(at.office.taken) == 1


async def test_silence_after_the_end_is_never_sent_twice_and_the_sender_is_told(tmp_path: Path) -> None:
    silent = lambda line: {b"EHLO": b"250 hi\r\n", b"DATA": b"354 go\r\n", b".": None}.get(  # noqa: E731
        line.split(b" ")[0].upper(), b"250 ok\r\n"
    )
    async with (
        scripted(silent) as port,
        station(tmp_path, smarthost=lambda _: Server.of(f"smtp://127.0.0.1:{port}")) as at,
    ):
        await at.asked(ADA)
        for _ in range(2):
            code, said = await at.hand_in(mail(), ADA)
            assert (code, said[:5]) == (554, "5.4.0")
            assert "may have gone out" in said
        assert await shown(at) == ["handing"]


async def test_a_vault_that_does_not_answer_makes_the_sender_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with station(tmp_path) as at:
        await at.asked(ADA)
        desk: Mailroom = at.bed.desk

        async def gone(*_: object, **__: object) -> None:
            raise Unavailable("the vault process hung up")

        for step in ("begin", "hand_over"):
            with monkeypatch.context() as patch:
                patch.setattr(desk, step, gone)
                assert (await at.hand_in(mail(), ADA))[0] == 451
            await asyncio.sleep(0.05)
            assert at.office.taken == []
        with monkeypatch.context() as patch:
            patch.setattr(desk, "ended", gone)  # it went out, and that is what is said
            assert (await at.hand_in(mail(), ADA))[0] == 250
        assert len(at.office.taken) == 1


async def test_a_message_that_is_under_way_is_ended_though_its_sender_hangs_up(tmp_path: Path) -> None:
    async with station(tmp_path) as at:
        await at.asked(ADA)
        going = asyncio.Event()
        real = at.bed.desk.hand_over

        async def slow(session: str, permit: str) -> None:
            going.set()
            await asyncio.sleep(0.3)
            await real(session, permit)

        at.bed.desk.hand_over = slow  # type: ignore[method-assign]

        def work(smtp: smtplib.SMTP) -> None:
            smtp.ehlo_or_helo_if_needed()
            smtp.mail("x@x.example")
            smtp.rcpt(ADA)
            smtp.docmd("DATA")
            smtp.send(mail() + b".\r\n")
            asyncio.run_coroutine_threadsafe(going.wait(), loop).result(10)
            smtp.close()

        loop = asyncio.get_running_loop()
        await at.client(work)
        await asyncio.wait(at.gateway._working)
        assert len(at.office.taken) == 1
        assert await shown(at) == ["sent"]
        assert (await at.hand_in(mail(), ADA))[1].startswith("2.0.0 this message went out before")


async def test_that_one_is_unknown_keeps_nobody_else_from_getting_it(tmp_path: Path) -> None:
    async with station(tmp_path) as at:
        await at.asked(ADA, BOB)
        session = await at.bed.desk.sender("shop", at.passwords["shop"])
        begun = await at.bed.desk.begin(session, "<1@daminion.example>", ADA)
        await at.bed.desk.hand_over(session, begun["permit"])  # and then the gateway was killed
        code, said = await at.hand_in(mail(), ADA, BOB)
        assert (code, said[:5]) == (554, "5.4.0")
        assert "recipient 1 of 2" in said
        assert [to for _, to, _, _ in at.office.taken] == [[BOB]]


# -- purposes -----------------------------------------------------------------------------------------------------------


async def test_purpose_and_request_stand_in_the_message_where_the_sender_has_several(tmp_path: Path) -> None:
    async with station(tmp_path) as at:
        taken = await at.bed.desk.collect("contact", {"name": "Ada", "email": ADA, "message": "Hi"})
        await at.sender("many", "answer", "order-status")
        code, said = await at.hand_in(mail(), ADA, user="many")
        assert (code, said[:5]) == (554, "5.5.4")
        assert "Avow-Purpose" in said
        more = f"Avow-Purpose: answer\r\nAvow-Request: {taken['request']}\r\n"
        assert (await at.hand_in(mail(id="2", more=more), ADA, user="many@daminion"))[0] == 250
        assert (await at.hand_in(mail(id="3", more="Avow-Purpose: order-status\r\n"), ADA, user="many"))[0] == 550
        assert (await at.hand_in(mail(id="4", more="Avow-Purpose: favour\r\n"), ADA, user="many"))[0] == 554
        assert b"Avow-" not in at.office.taken[0][2]


# -- card numbers -------------------------------------------------------------------------------------------------------

CARD = "4111 1111 1111 1111"


@pytest.mark.parametrize(
    ("more", "content"),
    [
        ("X-Card: 4111 1111 1111 1111\r\n", "Hi"),
        (
            "Content-Type: multipart/mixed; boundary=b\r\n",
            "--b\r\n\r\nHi\r\n--b\r\nContent-Type: text/csv\r\nContent-Disposition: attachment\r\n"
            "Content-Transfer-Encoding: base64\r\n\r\n"
            + b64encode(f"card,{CARD}".encode("utf-16")).decode()
            + "\r\n--b--",
        ),
        (f"Subject: card {CARD}\r\n", ""),
        ("", f"Your card: {CARD}"),
        ("Content-Type: text/html\r\n", "<p>Your card <b>4111</b> 1111 1111 1111</p>"),
        ("Content-Transfer-Encoding: base64\r\n", "WW91ciBjYXJkOiA0MTExIDExMTEgMTExMSAxMTEx"),
        (
            "Content-Type: multipart/mixed; boundary=b\r\n",
            f"--b\r\n\r\nHi\r\n--b\r\nContent-Type: text/csv\r\nContent-Disposition: attachment\r\n\r\ncard,{CARD}\r\n--b--",
        ),
        (
            "Content-Type: multipart/mixed; boundary=b\r\n",
            f"--b\r\n\r\nHi\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\ncard {CARD}\r\n--b--",
        ),
    ],
)
async def test_no_mail_carries_a_card_number_wherever_it_stands(tmp_path: Path, more: str, content: str) -> None:
    async with station(tmp_path) as at:
        await at.asked(ADA)
        head = f"From: shop@daminion.example\r\n{more}Avow-No-Card: yes\r\n\r\n"
        code, said = await at.hand_in(f"{head}{content}\r\n".encode(), ADA)
        assert (code, said[:5]) == (550, "5.7.1")
        assert "card" in said
        assert "1111" not in said
        assert at.office.taken == []


async def test_what_may_be_a_card_number_goes_once_its_sender_says_that_it_is_none(tmp_path: Path) -> None:
    async with station(tmp_path) as at:
        await at.asked(ADA)
        text = mail() + b"Tracking 4111111111111111 it is.\r\n"
        code, said = await at.hand_in(text, ADA)
        assert code == 550
        assert "Avow-No-Card" in said
        assert (await at.hand_in(b"Avow-No-Card: yes\r\n" + text, ADA))[0] == 250


async def test_a_large_message_to_several_keeps_nobody_else_waiting(tmp_path: Path) -> None:
    async with station(tmp_path) as at:
        people = [f"ada{number}@quill.example" for number in range(4)]
        await at.asked(*people)
        page = b"Content-Type: text/html\r\n" + mail() + "<p>é word word word</p>\r\n".encode() * 40_000
        handing = asyncio.create_task(at.hand_in(page, *people))
        longest, last = 0.0, perf_counter()
        while not handing.done():
            await asyncio.sleep(0.005)
            longest, last = max(longest, perf_counter() - last), perf_counter()
        assert (await handing)[0] == 250
        assert sorted(to[0] for _, to, _, _ in at.office.taken) == people
        for one in at.office.messages():
            assert one.get_content().count("/out/") == 1
        assert longest < 1


# -- coming in ----------------------------------------------------------------------------------------------------------


async def test_a_question_to_the_contact_address_becomes_a_request(tmp_path: Path) -> None:
    async with station(tmp_path) as at:
        question = f"From: Bea <{BOB}>\r\nSubject: Hours\r\nMessage-ID: <q@x>\r\n\r\nWhen do you open?\r\n".encode()
        for _ in range(2):  # brought twice, it is taken in once
            assert await at.hand_in(question, CONTACT, user=None, sender=BOB) == (250, "2.0.0 taken in")
        assert len(await at.bed.desk.queue(await at.bed.staff("Sam", "support"))) == 1


@pytest.mark.parametrize("before", ["", "Re: ", "AW: unsubscribe "])
async def test_a_mail_to_the_address_in_list_unsubscribe_stops_all_mail(tmp_path: Path, before: str) -> None:
    async with station(tmp_path) as at:
        await at.asked(ADA)
        await at.hand_in(mail(), ADA)
        (message,) = at.office.messages()
        token = header(message, "List-Unsubscribe").partition("?subject=")[2].rstrip(">")
        stop = f"From: {ADA}\r\nSubject: {before}{token}\r\n\r\n\r\n".encode()
        assert (await at.hand_in(stop, "out@daminion.example", user=None, sender=ADA))[0] == 250
        code, said = await at.hand_in(mail(id="2"), ADA)
        assert code == 550
        assert "DAM-" in said


@pytest.mark.parametrize("to", ["back+nonsense@daminion.example", "out@daminion.example"])
async def test_a_token_that_is_none_does_nothing(tmp_path: Path, to: str) -> None:
    async with station(tmp_path) as at:
        bounce = BOUNCE.format(action="failed", status="5.1.1").encode()
        assert (await at.hand_in(bounce, to, user=None))[0] == 550


async def test_the_address_at_which_mails_are_stopped_follows_no_link_of_another_kind(tmp_path: Path) -> None:
    async with station(tmp_path) as at:
        shop = at.bed.shop
        who = await shop.collect("contact", {"name": "Ada", "email": ADA, "message": "Hello"})
        due = await shop.leave(who, after=timedelta(days=3), by=shop.person(who))
        stay = at.bed.desk.links.stay([(bytes.fromhex(who), round(due.timestamp() * 1000))])
        assert (await at.bed.desk.link(stay))["done"] is False
        other = f"From: {ADA}\r\nSubject: {stay}\r\n\r\n\r\n".encode()
        assert (await at.hand_in(other, "out@daminion.example", user=None, sender=ADA))[0] == 550
        assert await shop.leaving(who) == due


BOUNCE = (
    "From: MAILER-DAEMON@mx.example\r\nSubject: Undelivered\r\nAuto-Submitted: auto-replied\r\n"
    "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nSorry.\r\n"
    "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
    "Final-Recipient: rfc822; ada@quill.example\r\nAction: {action}\r\nStatus: {status}\r\n\r\n--b--\r\n"
)


@pytest.mark.parametrize(
    ("action", "status", "state"),
    [("failed", "5.1.1", "bounced"), ("delayed", "4.4.1", "sent"), ("failed", "4.4.7", "sent")],
)
async def test_a_mail_that_comes_back_for_good_is_marked(tmp_path: Path, action: str, status: str, state: str) -> None:
    async with station(tmp_path) as at:
        await at.asked(ADA)
        await at.hand_in(mail(), ADA)
        back = at.office.taken[0][0]
        bounce = BOUNCE.format(action=action, status=status).encode()
        assert (await at.hand_in(bounce, back, user=None, sender="<>"))[0] == 250
        assert await shown(at) == [state]


async def test_an_absence_note_changes_nothing(tmp_path: Path) -> None:
    async with station(tmp_path) as at:
        await at.asked(ADA)
        await at.hand_in(mail(), ADA)
        note = f"From: {ADA}\r\nSubject: I am away\r\nAuto-Submitted: auto-replied\r\n\r\nBack on Monday.\r\n".encode()
        assert (await at.hand_in(note, at.office.taken[0][0], user=None, sender="<>"))[0] == 250
        assert await shown(at) == ["sent"]
