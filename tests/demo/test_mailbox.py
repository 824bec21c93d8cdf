"""What the sites send lands in the mailbox, whole, and nowhere else."""

import asyncio
import smtplib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path

from avow.demo.authority import certificates
from avow.demo.mailbox import KEPT, Mailbox
from avow.demo.places import listen, port_of


@asynccontextmanager
async def receiving(folder: Path) -> AsyncIterator[tuple[Mailbox, int, Path]]:
    files = certificates(folder, ["localhost"])
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(files.chain, files.key)
    box, door = Mailbox(lambda: 7.0), listen(0)
    async with box.listening(door, tls):
        yield box, port_of(door), files.authority


def send(port: int, to: str, trust: Path | None = None, times: int = 1) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Aimini <shop@aimini.example>", to, "Your code – Łódź"
    mail.set_content("Your code is 1234 5678.")
    with smtplib.SMTP("localhost", port, timeout=10) as client:
        if trust:
            client.starttls(context=ssl.create_default_context(cafile=str(trust)))
        for _ in range(times):
            client.send_message(mail)


async def test_a_mail_is_caught_with_subject_text_and_how_it_came(tmp_path: Path) -> None:
    async with receiving(tmp_path) as (box, port, trust):
        await asyncio.to_thread(send, port, "ada@quill.example")
        await asyncio.to_thread(send, port, "bea@quill.example", trust)
        ada, bea = await box.after(0, "ada@quill.example"), await box.after(0, "bea@quill.example")
    assert (ada.number, ada.subject, ada.text, ada.at) == (1, "Your code – Łódź", "Your code is 1234 5678.", 7.0)
    assert ada.sender == "Aimini <shop@aimini.example>"
    assert (ada.encrypted, bea.encrypted) == (False, True)
    assert box.newest_first() == [bea, ada]


async def test_whoever_waits_for_a_letter_gets_the_next_one_to_that_address_only(tmp_path: Path) -> None:
    async with receiving(tmp_path) as (box, port, _):
        await asyncio.to_thread(send, port, "ada@quill.example")
        waiting = asyncio.ensure_future(box.after(1, "ada@quill.example"))
        await asyncio.to_thread(send, port, "bea@quill.example")
        assert not waiting.done()
        await asyncio.to_thread(send, port, "ada@quill.example")
        assert (await waiting).number == 3


async def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    async with receiving(tmp_path) as (box, port, _):
        await asyncio.to_thread(send, port, "ada@quill.example", None, KEPT + 3)
        kept = box.newest_first()
    assert (len(kept), kept[0].number, kept[-1].number) == (KEPT, KEPT + 3, 4)
