"""What people and machines send that nobody meant: every answer is a page that says what to do, and none is a 5xx."""

import random
import re
from datetime import timedelta
from pathlib import Path

import pytest

from tests.desk.beds import SITES
from tests.examples.shop.beds import ADA, ANSWERING, CARD, form, on_disk, shop

CARDS = (
    "4242 4242 4242 4242",
    "4242424242424242",
    "5555-5555-5555-4444",
    "3782 822463 10005",
    "card: 4 2 4 2 4242 4242 4242",
)
HOSTILE = (
    "<script>alert(1)</script>", "{{ 7*7 }}", "' OR '1'='1", "\r\nBcc: all@example.com", "\u202egnp.exe", "a" * 9_000,
    "%00", "../../etc/passwd", "=cmd|' /C calc'!A0", "\ud83d".encode("utf-16", "surrogatepass").decode("utf-16", "replace"),
)  # fmt: skip


@pytest.mark.parametrize("card", CARDS)
async def test_a_card_number_in_any_field_is_refused_and_held_nowhere(tmp_path: Path, card: str) -> None:
    """AIM-9, AIT-20, DAM-17, DAM-24."""
    async with shop(tmp_path, "daminion") as bed:
        page = await bed.checkout()
        for name in bed.asked(page, "/checkout/order"):
            answer = await bed.order(page, **{name: f"{ADA[name]} {card}"})
            assert answer.status_code in (400, 422), name
            assert (
                "card number" in answer.text or "card's number" in answer.text or "card&#39;s number" in answer.text
            ), name
        page = (await bed.browser.get("/contact")).text
        for name in bed.asked(page, "/contact"):
            answer = await bed.send(
                form(page, "/contact"), **(bed.asked(page, "/contact") | {name: f"{ADA[name]} {card}"})
            )
            assert answer.status_code in (400, 422), name
        page = (await bed.browser.get("/order")).text
        assert (await bed.send(form(page, "/order"), reference=card)).status_code in (400, 422)
        page = (await bed.browser.get("/account")).text
        assert (await bed.send(form(page, "/account/sign-in"), contact=card, password="x")).status_code in (400, 422)
        assert (await bed.browser.get("/goods/4242424242424242")).status_code in (400, 404)
        await bed.desk.shop.sequence_all()
        kept = on_disk(tmp_path)
        assert card.encode() not in kept
        assert await bed.held() == {}


async def test_a_doubtful_number_is_asked_about_and_taken_in_once_it_is_said_to_be_none(tmp_path: Path) -> None:
    async with shop(tmp_path, "aimini") as bed:
        page = (await bed.browser.get("/contact")).text
        about = bed.asked(page, "/contact") | {"message": "The box says 6304000000000000 below."}
        asked = await bed.send(form(page, "/contact"), **about)
        assert (asked.status_code, "tick the box below if it is none" in asked.text) == (400, True)
        again = form(asked.text, "/contact")
        assert again.fields["message"] == "The box says 6304000000000000 below."
        assert "Thank you" in (await bed.send(again, no_card="yes")).text


@pytest.mark.parametrize("site", ANSWERING)
async def test_hostile_answers_come_back_as_they_are_or_are_kept_as_they_are(tmp_path: Path, site: str) -> None:
    async with shop(tmp_path, site) as bed:
        for evil in HOSTILE:
            page = await bed.checkout()
            answer = await bed.order(page, **dict.fromkeys(bed.asked(page, "/checkout/order"), evil))
            assert answer.status_code in (400, 422), evil
            assert "<script>alert" not in answer.text
            assert "49" not in re.findall(r'value="([^"]*)"', answer.text), evil
            assert "Please mend" in answer.text, evil


@pytest.mark.parametrize("site", SITES)
async def test_no_header_of_a_mail_is_smuggled_in_by_the_form_to_write_to_us(tmp_path: Path, site: str) -> None:
    """AIT-1: nor does it go without an address to answer to."""
    async with shop(tmp_path, site) as bed:
        for field, evil in (
            ("email", f"{ADA['email']}\r\nBcc: all@example.com"), ("email", f"{ADA['email']}, b@example.com"),
            ("email", "ada@\nquill.example"), ("email", ""), ("message", ""),
        ):  # fmt: skip
            page = (await bed.browser.get("/contact")).text
            asked = bed.asked(page, "/contact") | {field: evil}
            assert (await bed.send(form(page, "/contact"), **asked)).status_code == 400, evil
        assert await bed.held() == {}
        assert bed.desk.sent == []


async def test_an_error_keeps_every_answer_and_leads_to_the_field(tmp_path: Path) -> None:
    async with shop(tmp_path, "audiomidi") as bed:
        answer = await bed.order(await bed.checkout(), email="nowhere", interest="harps")
        assert answer.status_code == 400
        again = form(answer.text, "/checkout/order").fields
        assert again | {"email": ADA["email"]} == again | {
            "email": ADA["email"],
            **bed.asked(answer.text, "/checkout/order"),
        }
        assert again["interest"] == "harps"
        assert again["name"] == ADA["name"]
        assert '<a href="#email">Enter an e-mail address' in answer.text
        assert 'id="email"' in answer.text
        assert (await bed.send(form(answer.text, "/checkout/order"), email=ADA["email"])).status_code == 303


async def test_missing_doubled_and_strange_fields_give_the_form_back(tmp_path: Path) -> None:
    """AUD-1, AIT-1, TOC-5, DAM-2, DAM-3."""
    async with shop(tmp_path, "aitpro") as bed:
        page = (await bed.browser.get("/contact")).text
        one = form(page, "/contact")
        assert "Enter your e-mail address" in (await bed.send(one)).text
        body = "&".join(
            f"{name}={value}" for name, value in (*one.fields.items(), ("email", "b%40b.example"), ("message", "hi"))
        )
        doubled = await bed.browser.post(
            "/contact",
            content=body.replace("email=&", ""),
            headers={"content-type": "application/x-www-form-urlencoded"},
        )
        assert doubled.status_code == 400
        assert "A field came twice" in doubled.text
        strange = await bed.send(one, **bed.asked(page, "/contact"), admin="1")
        assert (strange.status_code, "does not ask for" in strange.text) == (400, True)
        assert await bed.held() == {}
        page = await bed.checkout()
        strange = await bed.order(page, company="Quill & Sons")
        assert (strange.status_code, "does not ask for" in strange.text) == (400, True)


async def test_a_form_is_good_once_for_two_hours_and_for_itself_alone(tmp_path: Path) -> None:
    async with shop(tmp_path, "aitoc") as bed:
        page = (await bed.browser.get("/contact")).text
        one, about = form(page, "/contact"), bed.asked(page, "/contact")
        for once in ("", "x", "é", form(await bed.checkout(), "/checkout/order").fields["once"]):
            forged = await bed.send(one, **about, once=once)
            assert (forged.status_code, "open too long" in forged.text) == (400, True)
            assert form(forged.text, "/contact").fields["message"] == about["message"]
        assert "Thank you" in (await bed.send(one, **about)).text
        assert "sent already" in (await bed.send(one, **about)).text
        page = (await bed.browser.get("/contact")).text
        bed.desk.clock.now += timedelta(hours=2, seconds=1)
        late = await bed.send(form(page, "/contact"), **about)
        assert "open too long" in late.text
        assert "Thank you" in (await bed.send(form(late.text, "/contact"))).text


async def test_other_bodies_hosts_methods_and_ways_are_refused_with_a_page(tmp_path: Path) -> None:
    async with shop(tmp_path, "audiomidi") as bed:
        web = bed.browser
        assert (await web.post("/contact", json={"email": "a@b.example"})).status_code == 415
        assert (await web.post("/contact", files={"email": b"x"})).status_code == 415
        assert (await web.post("/contact", data={"message": "a" * 70_000})).status_code == 413
        assert (await web.get("/", headers={"host": "evil.example"})).status_code == 400
        twice = await web.get("/", headers={"x-forwarded-host": "evil.example"})
        assert twice.status_code == 400 or "evil.example" not in twice.text
        for path in ("//evil.example", "/\\evil.example", "/cart/", "/goods/", "/privacy/../cart", "/.env"):
            answer = await web.get(path)
            assert answer.status_code in (200, 400, 404), path
            assert "evil" not in answer.headers.get("location", "")
        assert (await web.get("/checkout/order")).status_code == 405
        assert (await web.put("/cart")).status_code == 405


async def test_no_page_sends_anybody_where_a_parameter_says(tmp_path: Path) -> None:
    async with shop(tmp_path, "aimini") as bed:
        for path in ("/account", "/cart", "/leaving", "/order"):
            for name in ("next", "to", "url", "return_url"):
                answer = await bed.browser.get(path, params={name: "https://evil.example/"})
                assert "evil.example" not in answer.headers.get("location", ""), path
                assert 'href="https://evil.example' not in answer.text, path


@pytest.mark.parametrize("site", SITES)
async def test_noise_at_every_door_is_answered_and_never_by_a_fault(tmp_path: Path, site: str) -> None:
    dice = random.Random(20)
    async with shop(tmp_path, site) as bed:
        page = await bed.checkout()
        sealed = [
            value
            for one in ("cart", "once")
            for name, value in form(page, "/checkout/order").fields.items()
            if name == one
        ]
        doors = ["/", "/cart", "/checkout", "/checkout/order", "/order", "/account", "/account/sign-in", "/account/code",
                 "/account/enter", "/account/sign-out", "/contact", "/confirm", "/goods/x", "/privacy", "/payments/notice",
                 "/registration", "/newsletter", "/approval", "/sharing-choice", "/cookies", "/contest"]  # fmt: skip
        names = ("cart", "once", "session", "product", "count", "add", "email", "contact", "code", "code-contact", "about",
                 "password", "reference", "message", "no_card", "answer", "save", "withdraw", "signature", "name")  # fmt: skip
        values = (
            *HOSTILE,
            *sealed,
            "",
            "yes",
            "1",
            "ada@quill.example",
            "-9" * 40,
            "٣",
            "a@b",
            "x" * 600,
            CARD["card-expiry"],
        )
        for _ in range(150):
            told = {dice.choice(names): dice.choice(values) for _ in range(dice.randint(0, 6))}
            answer = await bed.browser.post(dice.choice(doors), data=told)
            assert answer.status_code < 500, (answer.url, told)
            assert "Traceback" not in answer.text
