"""Messages go out over verified TLS or wait; what became of each is known, or said to be unknown. Real servers."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from avow.errors import CallError
from avow.mail import smarthost
from avow.mail.smarthost import Server, Smarthost
from tests.mail.offices import certificate as made
from tests.mail.offices import post_office, scripted, speaking, trusting

ADA, BACK = "ada@quill.example", "back+abc@corner.example"
MAIL = b"From: shop@corner.example\r\nSubject: Your order\r\n\r\nIt is on its way.\r\n.\r\n..\r\nEnd\r\n"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("tls"))


@asynccontextmanager
async def to(
    port: int, scheme: str = "smtp", file: Path | None = None, connections: int = 8
) -> AsyncIterator[Smarthost]:
    tls = trusting(file) if file else None
    async with Smarthost(Server.of(f"{scheme}://127.0.0.1:{port}"), tls=tls, connections=connections) as host:
        yield host


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the server were another machine."""
    monkeypatch.setattr(smarthost, "is_here", lambda _: False)


# -- TLS ----------------------------------------------------------------------------------------------------------------


async def test_a_server_of_this_machine_gets_it_byte_by_byte_without_tls() -> None:
    async with post_office() as (inbox, port), to(port) as host:
        answer = await host.send(BACK, ADA, MAIL)
    assert (answer.outcome, answer.status) == ("sent", "2.0.0")
    assert inbox.taken == [(BACK, [ADA], MAIL, False)]


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_a_certificate_that_nobody_vouches_for_gets_nothing_and_it_waits(certificate: Path, scheme: str) -> None:
    """AUD-15."""
    async with post_office(speaking(certificate), at_once=scheme == "smtps") as (inbox, port), to(port, scheme) as host:
        answer = await host.send(BACK, ADA, MAIL)
    assert (answer.outcome, answer.status) == ("not-now", "4.7.5")
    assert "certificate" in answer.reason
    assert inbox.taken == []


async def test_a_certificate_for_another_name_gets_nothing(tmp_path: Path) -> None:
    """AUD-15."""
    file = made(tmp_path, host="mail.other.example")
    async with post_office(speaking(file)) as (inbox, port), to(port, file=file) as host:
        assert (await host.send(BACK, ADA, MAIL)).outcome == "not-now"
    assert inbox.taken == []


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_over_verified_tls_it_goes(certificate: Path, scheme: str) -> None:
    """AUD-15."""
    tls, at_once = speaking(certificate), scheme == "smtps"
    async with post_office(tls, at_once=at_once) as (inbox, port), to(port, scheme, certificate) as host:
        assert (await host.send(BACK, ADA, MAIL)).outcome == "sent"
    assert [one[3] for one in inbox.taken] == [not at_once]  # TLS from the start is below what the session knows


@pytest.mark.usefixtures("elsewhere")
async def test_another_machine_that_offers_no_tls_gets_nothing_and_it_waits() -> None:
    """AUD-15."""
    async with post_office() as (inbox, port), to(port) as host:
        answer = await host.send(BACK, ADA, MAIL)
    assert (answer.outcome, answer.status, inbox.taken) == ("not-now", "4.7.10", [])


@pytest.mark.usefixtures("elsewhere")
async def test_a_stripped_starttls_gets_nothing() -> None:
    """AUD-15."""
    says = {b"ehlo": b"250-hi\r\n250 STARTTLS\r\n", b"STARTTLS": b"454 no\r\n"}
    async with scripted(lambda line: says.get(line.split()[0], b"250 ok\r\n")) as port, to(port) as host:
        assert (await host.send(BACK, ADA, MAIL)).status == "4.7.10"


# -- what became of it --------------------------------------------------------------------------------------------------

USUAL = {b"EHLO": b"250 hi\r\n", b"DATA": b"354 go\r\n"}


def steps(other: dict[bytes, bytes | None]) -> Callable[[bytes], bytes | None]:
    """What a server says to each command; `other` than usual."""
    return lambda line: (USUAL | other).get(line.split(b" ")[0].upper(), b"250 ok\r\n")


@pytest.mark.parametrize(
    ("step", "says", "outcome", "status"),
    [
        (b"MAIL", b"451 4.3.0 later\r\n", "not-now", "4.3.0"),
        (b"MAIL", b"550 5.1.8 no\r\n", "never", "5.1.8"),
        (b"MAIL", b"530 5.7.0 sign in\r\n", "not-now", "4.0.0"),  # our own lack: no message is lost by it
        (b"RCPT", b"550 5.1.1 nobody <ada@quill.example>\r\n", "never", "5.1.1"),
        (b"RCPT", b"450 grey\r\n", "not-now", "4.0.0"),
        (b"RCPT", None, "not-now", "4.4.1"),
        (b"DATA", b"503 5.5.1 no\r\n", "never", "5.5.1"),
        (b"DATA", None, "not-now", "4.4.1"),
        (b".", b"554 5.7.1 spam\r\n", "never", "5.7.1"),
        (b".", b"451 4.7.1 again\r\n", "not-now", "4.7.1"),
        (b".", b"421 4.3.2 closing\r\n", "not-now", "4.3.2"),
        (b".", b"what?\r\n", "unknown", "5.4.0"),
        (b".", None, "unknown", "5.4.0"),
    ],
)
async def test_each_answer_comes_to_an_outcome_that_names_nobody(
    step: bytes, says: bytes | None, outcome: str, status: str
) -> None:
    async with scripted(steps({step: says})) as port, to(port) as host:
        answer = await host.send(BACK, ADA, MAIL)
    assert (answer.outcome, answer.status) == (outcome, status)
    assert ADA not in answer.reason


async def test_a_server_that_is_away_is_waited_for() -> None:
    async with post_office() as (_, port):
        pass
    async with to(port) as host:
        answer = await host.send(BACK, ADA, MAIL)
    assert (answer.outcome, answer.status) == ("not-now", "4.4.1")


async def test_silence_after_the_end_is_unknown_once_patience_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smarthost, "LAST_PATIENCE", 0.2)
    async with scripted(steps({b".": b""})) as port, to(port) as host:
        assert (await host.send(BACK, ADA, MAIL)).outcome == "unknown"


async def test_a_wrong_password_is_no_fault_of_the_message(certificate: Path) -> None:
    async with (
        post_office(speaking(certificate)) as (inbox, port),
        Smarthost(Server.of(f"smtp://kim@127.0.0.1:{port}", "wrong"), tls=trusting(certificate)) as host,
    ):
        answer = await host.send(BACK, ADA, MAIL)
    assert (answer.outcome, answer.status, inbox.taken) == ("not-now", "4.7.8", [])


# -- before the end -------------------------------------------------------------------------------------------------


async def test_the_hook_comes_after_the_servers_leave_and_all_of_the_content_and_before_its_end() -> None:
    seen: list[bytes] = []

    def say(line: bytes) -> bytes | None:
        seen.append(line.split(b" ")[0].upper())
        return steps({})(line)

    async def hook() -> None:
        await asyncio.sleep(0.1)
        seen.append(b"hook")

    async with scripted(say) as port, to(port) as host:
        await host.send(BACK, ADA, MAIL, before_end=hook)
    assert seen[-4:] == [b"DATA", b"hook", b".", b"QUIT"]


async def test_nothing_has_gone_out_when_the_hook_raises() -> None:
    async def hook() -> None:
        raise LookupError

    async with post_office() as (inbox, port), to(port) as host:
        with pytest.raises(LookupError):
            await host.send(BACK, ADA, MAIL, before_end=hook)
        assert (await host.send(BACK, ADA, MAIL)).outcome == "sent"  # and the next one is whole
        await asyncio.sleep(0.1)
    assert [one[2] for one in inbox.taken] == [MAIL]


# -- connections ----------------------------------------------------------------------------------------------------


async def test_one_connection_serves_many_messages_and_there_are_never_more_than_agreed() -> None:
    async with post_office() as (inbox, port), to(port, connections=3) as host:
        for _ in range(5):
            await host.send(BACK, ADA, MAIL)
        assert inbox.connections == 1
        answers = await asyncio.gather(*(host.send(BACK, ADA, MAIL) for _ in range(20)))
        assert {one.outcome for one in answers} == {"sent"}
        assert inbox.connections == 3
    assert len(inbox.taken) == 25


async def test_a_connection_that_the_server_ended_meanwhile_loses_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    async with to(port) as host:
        for _ in range(3):  # the server starts anew each time
            async with post_office(port=port) as (inbox, _):
                assert (await host.send(BACK, ADA, MAIL)).outcome == "sent"
                assert len(inbox.taken) == 1
                for line in host._idle:
                    line.smtp.sock.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]


async def test_a_caller_that_goes_away_takes_its_connection_along() -> None:
    held = asyncio.Event()

    async def hook() -> None:
        held.set()
        await asyncio.sleep(60)

    async with post_office() as (inbox, port), to(port, connections=1) as host:
        sending = asyncio.create_task(host.send(BACK, ADA, MAIL, before_end=hook))
        await held.wait()
        sending.cancel()
        await asyncio.wait([sending])
        assert (await host.send(BACK, ADA, MAIL)).outcome == "sent"
    assert len(inbox.taken) == 1


# -- what is not plain ASCII -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("utf8", "outcome"), [(True, "sent"), (False, "never")])
async def test_addresses_in_utf8_go_only_where_they_are_taken(utf8: bool, outcome: str) -> None:
    async with post_office(utf8=utf8) as (inbox, port), to(port) as host:
        answer = await host.send(BACK, "ада@квилл.example", MAIL)
    assert answer.outcome == outcome
    assert len(inbox.taken) == utf8


async def test_eight_bit_content_goes_only_where_it_is_taken() -> None:
    eight = MAIL + "Grüße\r\n".encode()
    async with post_office() as (inbox, port), to(port) as host:
        assert (await host.send(BACK, ADA, eight)).outcome == "sent"
    async with scripted(steps({})) as port, to(port) as host:
        assert (await host.send(BACK, ADA, eight)).status == "5.6.3"
    assert inbox.taken[0][2] == eight


# -- where it goes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["", "mail.example", "http://mail.example", "smtp://", "smtp://h:x", "smtp://h/a?b=c"])
def test_what_names_no_mail_server_is_said(url: str) -> None:
    with pytest.raises(CallError, match="--smarthost"):
        Server.of(url)


def test_a_password_on_the_command_line_is_refused_and_not_repeated() -> None:
    with pytest.raises(CallError, match="AVOW_SMARTHOST_PASSWORD") as refused:
        Server.of("smtps://kim:opensesame@mail.example")
    assert "opensesame" not in str(refused.value)
    assert "opensesame" not in repr(Server.of("smtps://kim@mail.example", "opensesame"))
    assert Server.of("smtps://kim@mail.example").port == 465
