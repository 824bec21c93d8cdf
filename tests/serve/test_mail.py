"""The site's own mails: finished as every mail is, in the controller's name, by the smarthost or not at all."""

from dataclasses import replace
from pathlib import Path

import pytest

from avow.errors import BadValue, CallError
from avow.mail import notices
from avow.mail.smarthost import Server
from avow.policy.parse import read
from avow.serve.mail import houses, outlets
from avow.serve.port import Names, Port
from tests.desk.beds import POLICIES
from tests.mail.offices import post_office

POLICY = read(POLICIES / "daminion.yaml")
ADA = "ada@quill.example"
PORT = Port.of("127.0.0.1:8080", None, None, proxy=True)
CODE = notices.code(POLICY, "12345678")
DRAFT = notices.draft(POLICY, CODE.subject, CODE.text)


async def test_a_notice_goes_out_with_a_way_out_in_it_and_in_its_headers() -> None:
    """TOC-14: every mail, the site's own too."""
    async with post_office() as (inbox, port):
        server = Server.of(f"smtp://127.0.0.1:{port}")
        async with outlets(server, houses(Names(centre="privacy.shop.example")), PORT)(POLICY) as outlet:
            assert (await outlet.send(ADA, DRAFT, "OUT", "BACK", automatic=True)).outcome == "sent"
    (message,) = inbox.messages()
    assert (message["To"], message["Subject"]) == (ADA, "Your code for Daminion Software")
    assert message["From"] == "Daminion Software <privacy@daminion.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert "<https://privacy.shop.example/out/OUT>" in message["List-Unsubscribe"]
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "12345678" in message.get_content()
    assert "https://privacy.shop.example/out/OUT" in message.get_content()
    assert "BACK" in inbox.taken[0][0]


@pytest.mark.parametrize("address", ["ada@x.example\r\nBcc: eve@x.example", "\nx", "x"])
async def test_what_is_no_address_is_written_to_by_nobody(address: str) -> None:
    async with post_office() as (inbox, port):
        server = Server.of(f"smtp://127.0.0.1:{port}")
        async with outlets(server, houses(Names()), PORT)(POLICY) as outlet:
            with pytest.raises(BadValue):
                await outlet.send(address, DRAFT, "OUT", "BACK")
    assert inbox.taken == []


def test_a_mail_without_a_page_to_stop_it_or_a_sender_is_not_begun(tmp_path: Path) -> None:
    with pytest.raises(CallError, match="centre-host"):
        houses(Names(centre=""))(POLICY, PORT)
    nobody = replace(POLICY, controller=replace(POLICY.controller, contact={}))
    with pytest.raises(CallError, match="write from"):
        houses(Names())(nobody, PORT)
    with pytest.raises(CallError, match="dkim"):
        houses(Names(), tmp_path / "key")


def test_the_centres_own_address_stands_in_links_where_it_has_one() -> None:
    assert houses(Names())(POLICY, PORT).centre == "https://privacy.daminion.localhost"
    own = houses(Names(centre_url="https://privacy.{site}.example:8443"))(POLICY, PORT)
    assert own.centre == "https://privacy.daminion.example:8443"
