"""Mail programs that others wrote: smtplib, swaks, and Exim as an application's mail server and as the smarthost."""

import asyncio
import smtplib
import subprocess
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from time import monotonic, sleep
from typing import NamedTuple

import pytest

from avow.wire import Client, OperatorClient
from tests.desk.beds import PASSWORD
from tests.doors.gateway.town import Town, message
from tests.journeys.exim import SENDER, SMARTHOST, Exim, exim
from tests.mail.offices import certificate

ADA, GONE, EVE = "ada@quill.example", "gone@quill.example", "eve@x.example"


class Post(NamedTuple):
    """A site behind its gateway, between two mail servers. `app` is the application's, `out` the smarthost."""

    town: Town
    app: Exim
    out: Exim


@pytest.fixture(scope="module")
def post(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Post]:
    base = tmp_path_factory.mktemp("post")
    with_smarthost = Town(base, 0)
    with exim("out.test", SMARTHOST, with_smarthost.file, gateway=with_smarthost.port) as out:
        with_smarthost.smarthost = out.port
        with_smarthost.start()
        try:
            with_smarthost.wait()
            asyncio.run(with_smarthost.settle([ADA, GONE]))
            more = {"gateway": with_smarthost.port, "password": with_smarthost.password}
            with exim("app.test", SENDER, with_smarthost.file, **more) as app:
                yield Post(with_smarthost, app, out)
        finally:
            with_smarthost.stop()


def handed_to_exim(at: Exim, content: bytes, *to: str) -> None:
    with smtplib.SMTP("127.0.0.1", at.port, "desk.test", timeout=20) as smtp:
        smtp.sendmail("shop@daminion.example", to, content)


def states(town: Town, name: str) -> list[str]:
    async def ask() -> list[str]:
        async with (
            OperatorClient(str(town.folder / "op.sock")) as operator,
            Client(str(town.folder / "desk.sock")) as desk,
        ):
            session = await desk.accept(await operator.invite_first(name, "support"), PASSWORD)
            return [one["state"] for one in await desk.messages(session)]

    return asyncio.run(ask())


def test_pythons_own_mail_program_hands_a_mail_in(post: Post) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Shop <shop@daminion.example>", ADA, "Your question"
    mail["Message-ID"] = "<smtplib@daminion.example>"
    mail.set_content("Yes, from smtplib.")
    with smtplib.SMTP("127.0.0.1", post.town.port, timeout=20) as smtp:
        smtp.starttls(context=post.town.tls)
        smtp.login("shop@daminion", post.town.password)
        assert smtp.send_message(mail) == {}
        mail.replace_header("To", EVE)
        with pytest.raises(smtplib.SMTPDataError) as refused:
            smtp.send_message(mail)
    assert refused.value.smtp_code == 550
    assert "DAM-" in str(refused.value.smtp_error)
    post.out.until("Yes, from smtplib.", of="inbox")
    assert "List-Unsubscribe-Post: List-Unsubscribe=One-Click" in post.out.inbox()


def test_swaks_hands_a_mail_in_and_is_told_why_another_is_refused(post: Post) -> None:
    """AIT-6."""

    def swaks(to: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["swaks", "--server", f"127.0.0.1:{post.town.port}", "--tls", "--auth", "LOGIN", "--auth-user", "shop",
             "--auth-password", post.town.password, "--from", "shop@daminion.example", "--to", to, "--body", "From swaks."],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip

    good, bad = swaks(ADA), swaks(EVE)
    assert good.returncode == 0, good.stdout + good.stderr
    post.out.until("From swaks.", of="inbox")
    assert bad.returncode != 0
    assert "550 5.7.1 refused by DAM-" in bad.stdout


def test_a_mail_server_relays_each_recipient_and_bounces_who_is_refused(post: Post) -> None:
    handed_to_exim(post.app, message("exim-1@daminion.example", ADA), ADA, EVE)
    post.app.until(f"=> {ADA}")
    post.app.until(f"** {EVE}")
    (line,) = [one for one in post.app.log().splitlines() if f"** {EVE}" in one]
    assert "550 5.7.1" in line
    assert "DAM-" in line
    post.out.until("exim-1@daminion.example", of="inbox")


def test_a_mail_server_keeps_what_cannot_go_yet_and_it_arrives_once(post: Post) -> None:
    for which in ("vault", "doors"):
        ident = f"waits-{which}@daminion.example"
        post.town.kill(which)
        handed_to_exim(post.app, message(ident, ADA), ADA)
        sleep(1.5)
        assert ident not in post.out.inbox()
        post.town.start(which)
        post.out.until(ident, of="inbox", patience=120)
        sleep(1)
        assert post.out.inbox().count(f"Message-ID: <{ident}>") == 1


def test_a_mail_that_comes_back_from_the_smarthost_is_marked(post: Post) -> None:
    handed_to_exim(post.app, message("bounce@daminion.example", GONE), GONE)
    post.app.until(f"=> {GONE}")
    post.out.until(f"** {GONE}")
    until = monotonic() + 60
    number = 0
    while "bounced" not in states(post.town, f"sam{(number := number + 1)}"):
        assert monotonic() < until, post.out.log()
        sleep(0.5)


def test_a_smarthost_with_a_certificate_that_does_not_hold_gets_nothing(post: Post, tmp_path: Path) -> None:
    """AUD-15."""
    other = certificate(tmp_path)
    with exim("bad.test", SMARTHOST, other, gateway=post.town.port) as bad:
        post.town.kill("doors")
        good, post.town.smarthost = post.town.smarthost, bad.port
        try:
            post.town.start("doors")
            post.town.wait()
            with post.town.sender() as smtp, pytest.raises(smtplib.SMTPDataError) as waits:
                smtp.sendmail("shop@daminion.example", ADA, message("tls@daminion.example", ADA))
            assert waits.value.smtp_code == 451
            assert "certificate" in str(waits.value.smtp_error)
            assert bad.inbox() == ""
        finally:
            post.town.kill("doors")
            post.town.smarthost = good
            post.town.start("doors")
            post.town.wait()
