"""The gateway is no open relay, is not talked into a second message, and stays small whoever calls."""

import asyncio
import logging
import smtplib
from base64 import b64encode
from pathlib import Path

import pytest

from avow.doors.gateway import Limits, replies
from avow.doors.gateway.replies import Reply, enhanced, worst
from avow.doors.gateway.server import _place
from avow.doors.gateway.sites import Served, Sites
from avow.errors import BadValue, CallError, Denied, OperatorError, Refused, TooMany, Unavailable
from avow.mail.message import House
from tests.doors.gateway.stations import ADA, BOB, CONTACT, EVE, mail, station


def house(contact: str, name: str = "Corner") -> House:
    return House(name, contact, f"https://{name}.example", "h.example")


# -- who may ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "to", [ADA, EVE, "privacy@other.example", "other@daminion.example", "a@b", f"{CONTACT}.evil.example"]
)
async def test_nothing_is_passed_on_for_strangers(tmp_path: Path, to: str) -> None:
    async with station(tmp_path) as at:
        await at.asked(ADA)
        code, said = await at.hand_in(mail(), to, user=None, sender=CONTACT)
        assert (code, said[:5]) == (550, "5.7.1")
        assert to not in said
        assert at.office.taken == []


async def test_passwords_are_asked_for_over_tls_alone(tmp_path: Path) -> None:
    async with station(tmp_path) as at:

        def plain() -> tuple[bool, int]:
            with smtplib.SMTP("127.0.0.1", at.port, "app.test", timeout=5) as smtp:
                smtp.ehlo()
                return smtp.has_extn("auth"), smtp.docmd("AUTH", "PLAIN AGEAYg==")[0]

        assert await asyncio.to_thread(plain) == (False, 538)
        offered = await at.client(lambda smtp: (smtp.ehlo(), smtp.esmtp_features)[1], user=None)
        assert offered["auth"].split() == ["LOGIN", "PLAIN"]
        assert "starttls" not in offered
        assert {"8bitmime", "smtputf8", "size", "enhancedstatuscodes"} <= set(offered)


@pytest.mark.parametrize("way", ["plain", "login", "first"])
async def test_both_ways_to_sign_in_work(tmp_path: Path, way: str) -> None:
    async with station(tmp_path) as at:
        user, password = b"shop@daminion", at.passwords["shop"].encode()

        def work(smtp: smtplib.SMTP) -> int:
            smtp.ehlo()
            if way == "plain":
                smtp.docmd("AUTH", "PLAIN")
                return smtp.docmd(b64encode(b"\0" + user + b"\0" + password).decode())[0]
            if way == "login":
                smtp.docmd("AUTH", "LOGIN")
                smtp.docmd(b64encode(user).decode())
            else:
                smtp.docmd("AUTH", f"LOGIN {b64encode(user).decode()}")
            return smtp.docmd(b64encode(password).decode())[0]

        assert await at.client(work, user=None) == 235


async def test_a_wrong_password_is_refused_and_the_third_ends_the_connection(tmp_path: Path) -> None:
    async with station(tmp_path) as at:

        def work(smtp: smtplib.SMTP) -> list[int]:
            smtp.ehlo()
            wrong = b64encode(b"\0shop\0wrong").decode()
            return [smtp.docmd("AUTH", f"PLAIN {wrong}")[0] for _ in range(3)]

        assert await at.client(work, user=None) == [535, 535, 421]


@pytest.mark.parametrize(
    "given", ["AUTH", "AUTH PLAIN !!", "AUTH PLAIN YWJj", "AUTH CRAM-MD5", "AUTH PLAIN a b c", "AUTH LOGIN !!"]
)
async def test_what_is_no_sign_in_is_an_error_and_no_way_in(tmp_path: Path, given: str) -> None:
    async with station(tmp_path) as at:
        said = await at.raw(f"{given}\r\nMAIL FROM:<x@x.example>\r\nRCPT TO:<{ADA}>\r\nQUIT\r\n".encode())
        codes = [line[:3] for line in said.split(b"\r\n") if line]
        assert codes[0][:1] == b"5"
        assert b"550" in codes
        assert b"354" not in codes


async def test_a_session_that_has_ended_is_said_and_the_connection_with_it(tmp_path: Path) -> None:
    async with station(tmp_path) as at:
        await at.asked(ADA)

        def work(smtp: smtplib.SMTP) -> tuple[int, bytes]:
            asyncio.run_coroutine_threadsafe(at.bed.desk.remove_sender("shop"), loop).result(10)
            smtp.ehlo_or_helo_if_needed()
            smtp.mail(EVE)
            smtp.rcpt(ADA)
            return smtp.data(mail())

        loop = asyncio.get_running_loop()
        code, said = await at.client(work)
        assert (code, said[:5]) == (421, b"4.7.0")
        assert at.office.taken == []


# -- one message is one message -----------------------------------------------------------------------------------------

SMUGGLED = f"MAIL FROM:<{CONTACT}>\r\nRCPT TO:<{EVE}>\r\nDATA\r\nFrom: {CONTACT}\r\n\r\nsmuggled\r\n.\r\n".encode()


@pytest.mark.parametrize(
    "end", [b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\n", b"\r\n.\r", b"\r.\r\n", b"\r\n\0.\r\n", b"\n.\r"]
)
async def test_no_end_but_the_right_one_ends_a_message(tmp_path: Path, end: bytes) -> None:
    async with station(tmp_path) as at:
        await at.asked(ADA, EVE)
        start = f"MAIL FROM:<a@b.example>\r\nRCPT TO:<{ADA}>\r\nDATA\r\n".encode()
        said = await at.raw(start + mail() + end + SMUGGLED + b"QUIT\r\n", signed_in=True)
        codes = [line[:3] for line in said.split(b"\r\n") if line]
        assert codes.count(b"354") == 1
        assert all(EVE not in to for _, to, _, _ in at.office.taken)
        assert not any(b"\nMAIL FROM" in raw.replace(b"\r\nMAIL FROM", b"") for _, _, raw, _ in at.office.taken)
        if b"\0" not in end:
            assert b"554 5.6.0" in said


async def test_what_comes_before_tls_is_forgotten_with_it(tmp_path: Path) -> None:
    async with station(tmp_path) as at:

        def run() -> bytes:
            with smtplib.SMTP("127.0.0.1", at.port, "app.test", timeout=2) as smtp:
                smtp.ehlo()
                assert smtp.sock is not None
                smtp.sock.sendall(f"STARTTLS\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<{CONTACT}>\r\n".encode())
                assert smtp.getreply()[0] == 220
                smtp.sock = at.tls.wrap_socket(smtp.sock, server_hostname="127.0.0.1")
                smtp.file = None
                smtp.sock.sendall(b"NOOP\r\nQUIT\r\n")
                out = b""
                while part := smtp.sock.recv(1000):
                    out += part
                smtp.close()
                return out

        assert [line[:3] for line in (await asyncio.to_thread(run)).split(b"\r\n") if line] == [b"250", b"221"]


@pytest.mark.parametrize(
    "to",
    ["", "a b@c.example", "a@b.example,c@d.example", "@x:a@b.example", "a@[127.0.0.1]", "a", "a@b\rc", '"a"b@c', "a..b@c.example",
     "<a@b.example", "a@b.example> <c@d.example", "x" * 65 + "@b.example", "a@" + "b" * 250 + ".example", "group:a@b.example;"],
)  # fmt: skip
async def test_what_is_no_one_mailbox_is_no_recipient(tmp_path: Path, to: str) -> None:
    """AIT-6."""
    async with station(tmp_path) as at:
        said = await at.raw(
            b"MAIL FROM:<a@b.example>\r\nRCPT TO:<" + to.encode() + b">\r\nDATA\r\nQUIT\r\n", signed_in=True
        )
        assert b"354" not in said
        assert b"5" in [line[:1] for line in said.split(b"\r\n")]


@pytest.mark.parametrize(
    "command",
    [f"VRFY {ADA}", f"EXPN {ADA}", f"HELP {ADA}", f"NONSENSE-{ADA} x", f"{ADA}", f"RCPT TO:{ADA}", f"MAIL FROM:{ADA}"],
)
async def test_no_reply_repeats_an_address(tmp_path: Path, command: str) -> None:
    async with station(tmp_path) as at:
        said = await at.raw(f"{command}\r\nQUIT\r\n".encode(), signed_in=True)
        assert b"quill" not in said.lower()
        for line in said.split(b"\r\n"):
            assert not line or line[4:9].replace(b".", b"").isdigit(), line


# -- how much -----------------------------------------------------------------------------------------------------------


async def test_a_message_that_is_too_large_is_refused_and_the_connection_goes_on(tmp_path: Path) -> None:
    async with station(tmp_path, limits=Limits(size=2000)) as at:
        await at.asked(ADA)

        def work(smtp: smtplib.SMTP) -> list[int]:
            smtp.ehlo_or_helo_if_needed()
            smtp.mail(EVE)
            smtp.rcpt(ADA)
            first = smtp.data(mail() + b"x" * 3000)[0]
            smtp.mail(EVE)
            smtp.rcpt(ADA)
            return [first, smtp.data(mail())[0], smtp.docmd("MAIL", "FROM:<a@b.example> SIZE=5000")[0]]

        assert await at.client(work) == [552, 250, 552]
        assert at.gateway.held == 0


@pytest.mark.parametrize("content", [b"x" * 31_000, b"\r\n" * 15_500, b".." * 15_500])
async def test_a_message_without_an_end_is_not_waited_for(tmp_path: Path, content: bytes) -> None:
    """No longer than it must be: its last TLS record (16 kB) goes over the limit, and not one is sent into a closed door."""
    async with station(tmp_path, limits=Limits(size=10_000)) as at:
        start = f"MAIL FROM:<a@b.example>\r\nRCPT TO:<{ADA}>\r\nDATA\r\n".encode()
        said = await at.raw(start + content, signed_in=True)
        assert said.rstrip().split(b"\r\n")[-1].startswith(b"421 4.3.4")
        assert at.gateway.held == 0


async def test_all_messages_together_take_no_more_memory_than_they_may(tmp_path: Path) -> None:
    async with station(tmp_path, limits=Limits(under_way=1000)) as at:
        await at.asked(ADA)
        code, said = await at.hand_in(mail() + b"x" * 2000, ADA)
        assert (code, said[:5]) == (452, "4.3.1")
        assert (await at.hand_in(mail(), ADA))[0] == 250


async def test_there_are_no_more_recipients_than_agreed_and_the_rest_may_come_again(tmp_path: Path) -> None:
    async with station(tmp_path, limits=Limits(recipients=3)) as at:

        def work(smtp: smtplib.SMTP) -> list[int]:
            smtp.ehlo_or_helo_if_needed()
            smtp.mail(EVE)
            return [smtp.rcpt(f"p{n}@x.example")[0] for n in range(1000)]

        codes = await at.client(work)
        assert codes[:3] == [250] * 3
        assert set(codes[3:]) == {452}


async def test_one_address_has_no_more_connections_than_agreed(tmp_path: Path) -> None:
    async with station(tmp_path, limits=Limits(each=3)) as at:
        open_ = [await asyncio.open_connection("127.0.0.1", at.port) for _ in range(4)]
        greetings = [await reader.readline() for reader, _ in open_]
        assert [line[:3] for line in greetings] == [b"220", b"220", b"220", b"421"]
        for _, writer in open_:
            writer.close()
            await writer.wait_closed()
        while at.gateway._peers:  # noqa: ASYNC110 - a test looks from outside
            await asyncio.sleep(0.01)
        reader, writer = await asyncio.open_connection("127.0.0.1", at.port)
        assert (await reader.readline())[:3] == b"220"
        writer.close()


async def test_strangers_on_every_place_keep_no_application_out(tmp_path: Path) -> None:
    async with station(tmp_path, limits=Limits(connections=3)) as at:
        await at.asked(ADA)
        strangers = [await asyncio.open_connection("127.0.0.1", at.port) for _ in range(3)]
        for reader, _ in strangers:
            assert (await reader.readline())[:3] == b"220"
        code, _ = await at.hand_in(mail(), ADA)
        assert code == 250
        assert await strangers[0][0].read() == b""  # who was there longest made room
        for _, writer in strangers:
            writer.close()


async def test_who_says_nothing_is_hung_up_on(tmp_path: Path) -> None:
    async with station(tmp_path, limits=Limits(patience=0.2)) as at:
        reader, writer = await asyncio.open_connection("127.0.0.1", at.port)
        await asyncio.wait_for(reader.read(), 5)
        writer.close()


async def test_a_letter_of_one_endless_line_comes_out_in_lines_that_any_server_takes(tmp_path: Path) -> None:
    async with station(tmp_path) as at:
        await at.asked(ADA)
        assert (await at.hand_in(mail() + b"x" * 50_000 + b"\r\n.dot\r\n", ADA))[0] == 250
        assert max(map(len, at.office.taken[0][2].split(b"\r\n"))) < 1000
        text = at.office.messages()[0].get_content()
        assert "x" * 50_000 in text
        assert "\n.dot" in text


async def test_the_same_recipient_twice_gets_one_message(tmp_path: Path) -> None:
    async with station(tmp_path) as at:
        await at.asked(ADA)
        assert (await at.hand_in(mail(), ADA, ADA))[0] == 250
        assert len(at.office.taken) == 1


async def test_no_log_holds_an_address(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with station(tmp_path) as at:
        await at.asked(ADA)
        await at.hand_in(mail(), ADA)
        await at.hand_in(mail(), EVE)
        await at.hand_in(mail(), BOB, user=None)
    assert not any(one in caplog.text for one in (ADA, EVE, BOB))


# -- sites --------------------------------------------------------------------------------------------------------------


def test_several_sites_behind_one_port_are_told_apart_by_user_and_address() -> None:
    one = Served("a", None, house("hi@shop.example"))  # type: ignore[arg-type]
    other = Served("b", None, house("privacy@shop.example"))  # type: ignore[arg-type]
    third = Served("c", None, house("privacy@third.example"))  # type: ignore[arg-type]
    sites = Sites([one, other, third])
    assert sites.signing_in("app@b") == (other, "app")
    assert sites.signing_in("app") == (None, "app")
    assert sites.signing_in("app@d") == (None, "app")
    assert Sites([one]).signing_in("app") == (one, "app")
    for address, kind, whose in (
        ("PRIVACY@shop.example", "contact", (other,)), ("out@shop.example", "out", (one, other)),
        ("back+x@third.example", "back", (third,)),
    ):  # fmt: skip
        found = sites.target(address)
        assert found is not None
        assert (found.kind, found.sites) == (kind, whose)
    assert all(sites.target(address) is None for address in ("out@x.example", "back@shop.example", "kim@shop.example"))


# -- replies ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (Refused(["A-1"], "no"), "550 5.7.1 refused by A-1: no"),
        (Refused([], "no"), "550 5.7.1 refused by default deny: no"),
        (Denied(), "421 4.7.0"),
        (TooMany(), "451 4.7.1"),
        (CallError("say which"), "554 5.5.4 say which"),
        (BadValue("too long"), "554 5.6.0 too long"),
        (Unavailable("gone"), "451 4.3.0"),
        (OperatorError("keys"), "451 4.3.0 something failed here"),
        (ZeroDivisionError(), "451 4.3.0"),
    ],
)
def test_each_error_has_its_reply(error: Exception, says: str) -> None:
    assert replies.of(error).line().startswith(says)


def test_a_reply_is_one_line_that_any_client_reads() -> None:
    line = Reply(550, "5.7.1", "a\r\n250 b\0ü" + "x" * 1000).line()
    assert line.isascii()
    assert line.isprintable()
    assert len(line) < 500


def test_of_several_replies_the_one_counts_after_which_nothing_is_lost() -> None:
    later, never, sent = Reply(451, "4.0.0", "later"), Reply(554, "5.0.0", "never"), replies.SENT
    assert worst([sent, sent]) == sent
    assert worst([sent, never, later]).text == "recipient 3 of 3: later"
    assert worst([never, sent, never]).text == "recipients 1, 3 of 3: never"
    assert worst([never]) == never


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('500 Error: command "X@Y" not recognized', "500 5.5.2 this command not recognized"),
        ("250 OK", "250 2.0.0 OK"),
        ("550 5.7.1 no", "550 5.7.1 no"),
        ("354 go on", "354 go on"),
        ("334 VXNlcg==", "334 VXNlcg=="),
    ],
)  # fmt: skip
def test_replies_of_the_library_get_an_enhanced_code_and_repeat_nothing(line: str, said: str) -> None:
    assert enhanced(line) == said


def test_who_has_many_addresses_of_one_network_is_one_caller() -> None:
    assert _place("2001:db8::1") == _place("2001:db8::ffff:1") != _place("2001:db8:0:1::1")
    assert _place("::ffff:192.0.2.1") != _place("::ffff:192.0.2.2")
    assert _place("fe80::1%eth0") == _place("fe80::2%eth1")
    assert _place("192.0.2.1") == "192.0.2.1"


async def test_what_is_worked_on_counts_as_held_though_its_sender_hangs_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with station(tmp_path) as at:
        received, held_up = at.bed.desk.received, asyncio.Event()

        async def slow(*given: str) -> object:
            await held_up.wait()
            return await received(*given)

        monkeypatch.setattr(at.bed.desk, "received", slow)
        content = f"From: {EVE}\r\n\r\n".encode() + b"words\r\n" * 100_000
        said = f"MAIL FROM:<{EVE}>\r\nRCPT TO:<{CONTACT}>\r\nDATA\r\n".encode()
        await at.raw(said + content + b".\r\n")  # and hangs up, for nothing is answered
        await asyncio.sleep(0.3)
        meanwhile = at.gateway.held
        held_up.set()
        await asyncio.sleep(1)
        assert (meanwhile, at.gateway.held) == (len(content), 0)
