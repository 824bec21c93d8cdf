"""The guide leads everywhere, shows the mail, moves the clock, and answers to nobody from elsewhere."""

import re
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest
from aiosmtpd.smtp import Envelope

from avow.demo.guide import CARDS
from avow.demo.places import SITES
from tests.demo.guide import PASSWORD, STAFF, Opened, opened

DAY = 86_400_000


class Unencrypted:
    ssl = None


@pytest.fixture
def guide(tmp_path: Path) -> Opened:
    return opened(tmp_path)


async def deliver(guide: Opened, subject: str, text: str) -> None:
    mail, envelope = EmailMessage(), Envelope()
    mail["From"], mail["To"], mail["Subject"] = "shop@aimini.example", "ada@quill.example", subject
    mail.set_content(text)
    envelope.content, envelope.mail_from, envelope.rcpt_tos = mail.as_bytes(), "shop@aimini.example", [mail["To"]]
    await guide.mailbox.handle_DATA(None, Unencrypted(), envelope)  # type: ignore[arg-type]  # only `ssl` is looked at


async def test_the_start_leads_to_every_shop_centre_and_console_and_to_the_outside_companies(guide: Opened) -> None:
    text = (await guide.client.get("/")).text
    at = guide.shown.addresses
    wanted = [to(site) for site in SITES for to in (at.shop, at.centre, at.console)] + [at.pay, at.keyhouse]
    assert [one for one in wanted if f'href="{one}/"' not in text] == []
    assert [number for number, _ in CARDS if number not in text] == []


async def test_every_link_of_the_guides_own_leads_to_a_page(guide: Opened) -> None:
    await deliver(guide, "Hello", "Nothing much.")
    seen, todo = set[str](), ["/"]
    while todo:
        path = todo.pop()
        seen.add(path)
        answer = await guide.client.get(path)
        assert answer.status_code == 200, path
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        todo += set(re.findall(r'href="(/[^"#]*)', answer.text)) - seen - set(todo)
    assert {"/", "/people", "/mail", "/mail/1", "/clock", "/https", "/authority.pem", "/guide.css"} <= seen


async def test_sign_ins_are_shown_with_who_has_not_signed_and_the_customers_there_are(guide: Opened) -> None:
    text = (await guide.client.get("/people")).text
    assert text.count(PASSWORD) == 1
    assert text.count(STAFF[0].name) == len(SITES)
    assert text.count("not signed</span>") == len(SITES)
    assert text.count("ada@quill.example") == len(SITES)


async def test_who_may_put_cases_forward_is_shown_and_how_a_package_is_opened(guide: Opened) -> None:
    text = (await guide.client.get("/people")).text
    assert text.count("may put a case forward") == len(SITES)
    (key,) = [one.key for one in guide.shown.recipients["aitoc"]]
    assert f"avow open package.jose --key {key} --site-key package-key.json --as agency" in text
    assert f'href="{guide.shown.addresses.centre("aitoc")}/package-key.json"' in text


async def test_a_code_is_lifted_out_of_its_mail_and_other_numbers_are_not(guide: Opened) -> None:
    await deliver(guide, "Your code", "Your code is 12345678.")
    await deliver(guide, "Your order", "Order 1234567890123 is on its way.")
    text = (await guide.client.get("/mail")).text
    assert re.findall(r'class="code">(\d+)<', text) == ["12345678"]


async def test_a_letter_is_shown_whole_its_demo_links_lead_on_and_markup_in_it_is_only_text(guide: Opened) -> None:
    address = "https://aitoc.localhost:8443/newsletter/confirm"
    await deliver(guide, "News <b>now</b>", f"Confirm: {address}\n<script>alert(1)</script> https://evil.example/x")
    text = (await guide.client.get("/mail/1")).text
    assert f'<a href="{address}">' in text
    assert "evil.example" in text
    assert 'href="https://evil' not in text
    assert "<script" not in text
    assert "<b>now" not in text
    assert (await guide.client.get("/mail/2")).status_code == 404


async def move(guide: Opened, days: str) -> httpx.Response:
    """By the page's own form."""
    found = re.search(r'name="token" value="([^"]+)"', (await guide.client.get("/clock")).text)
    assert found is not None
    return await guide.client.post("/clock", data={"days": days, "token": found[1]}, follow_redirects=True)


async def test_the_clock_goes_forward_in_every_shop_and_tells_what_vanished(guide: Opened) -> None:
    site = guide.sites["aitpro"]
    site.due = [site.now + 30 * DAY, site.now + 31 * DAY]
    answer = await move(guide, "30")
    assert {one.now for one in guide.sites.values()} == {1_700_000_000_000 + 30 * DAY}
    assert "14 December 2023" in answer.text
    assert re.search(r'AITpro Website Design</td><td data-head="Data past their term">1<', answer.text)
    assert re.search(r'Aimini</td><td data-head="Data past their term">0<', answer.text)


@pytest.mark.parametrize("days", ["0", "-1", "401", "1.5", "", "many", "٣"])
async def test_a_number_of_days_that_is_none_moves_nothing_and_says_what_to_give(guide: Opened, days: str) -> None:
    answer = await move(guide, days)
    assert answer.status_code == 400
    assert "whole number of days from 1 to 400" in answer.text
    assert {one.now for one in guide.sites.values()} == {1_700_000_000_000}


@pytest.mark.parametrize("token", [{}, {"token": ""}, {"token": "guessed"}, {"token": "gu\u00e9ss"}])
async def test_another_sites_page_moves_no_clock_as_it_cannot_read_the_forms(
    guide: Opened, token: dict[str, str]
) -> None:
    assert (await guide.client.post("/clock", data={"days": "30"} | token)).status_code == 400
    assert {one.now for one in guide.sites.values()} == {1_700_000_000_000}


@pytest.mark.parametrize("host", ["evil.example:8080", "aimini.localhost:8080", ""])
async def test_under_another_name_it_shows_nothing(guide: Opened, host: str) -> None:
    answer = await guide.client.get("/people", headers={"Host": host})
    assert answer.status_code == 421
    assert PASSWORD not in answer.text
