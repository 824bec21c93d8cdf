"""Accounts: registering, signing in, ordering again with a filled-in form; and what a person agrees to, box by box."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from avow.errors import Refused
from tests.desk.beds import PASSWORD, SITES
from tests.examples.shop.beds import ADA, ANSWERING, Bed, form, forms, shop
from tests.outside import gets

MAIL = ADA["email"]


async def signed_in(bed: Bed, page: str, at: str = "/account") -> str:
    """The page after signing in by a code."""
    if not any(one.action == f"{at}/code" for one in forms(page)):
        page = (await bed.browser.get("/account")).text
    page = (await bed.send(form(page, f"{at}/code"), **{"code-contact": MAIL})).text
    await bed.desk.desk.settle()
    code = re.search(r"\b\d{8}\b", bed.desk.sent[-1].text)
    assert code is not None
    return (await bed.send(form(page, f"{at}/enter"), code=code[0])).text


async def asked_a_question(bed: Bed) -> None:
    page = (await bed.browser.get("/contact")).text
    assert "Thank you" in (await bed.send(form(page, "/contact"), **bed.asked(page, "/contact"))).text


@pytest.mark.parametrize("site", ["audiomidi", "aitoc"])
async def test_who_chose_a_password_at_the_order_need_not_type_again(tmp_path: Path, site: str) -> None:
    """AUD-8: and nobody else sees it filled in."""
    async with shop(tmp_path, site, blocks_cookies=True) as bed:
        assert (await bed.order(await bed.checkout(), password=PASSWORD)).status_code == 303
        page = await bed.checkout()
        assert not any(value in page for value in ADA.values())
        wrong = await bed.send(form(page, "/checkout/sign-in"), contact=MAIL, password="not the right one")
        assert wrong.status_code == 400
        assert not any(value in wrong.text for value in set(ADA.values()) - {MAIL})
        back = await bed.send(form(page, "/checkout/sign-in"), contact=MAIL, password=PASSWORD)
        assert "Filled in with what you gave us before" in back.text
        one = form(back.text, "/checkout/order")
        filled = {name: value for name, value in one.fields.items() if name in ADA and value}
        assert filled == {name: ADA[name] for name in filled}
        assert len(filled) == {"audiomidi": 3, "aitoc": 1}[site]
        assert (await bed.order(back.text)).status_code == 303
        (who,) = await bed.desk.shop.find("email", MAIL)
        requests = (await bed.desk.shop.export(who))["requests"]
        assert [one["kind"] for one in requests] == ["order", "order"]


@pytest.mark.parametrize("password", ["short", "a" * 129, "aaaaaaaaaaaaaaaa"])
async def test_a_weak_password_gives_the_form_back_before_anything_is_ordered(tmp_path: Path, password: str) -> None:
    async with shop(tmp_path, "audiomidi") as bed:
        answer = await bed.order(await bed.checkout(), password=password)
        assert (answer.status_code, "Choose a password" in answer.text) == (400, True)
        assert password not in answer.text.replace(form(answer.text, "/checkout/order").fields["once"], "")
        assert await bed.held() == {}


async def test_who_registers_chooses_about_the_list_and_is_served_alike_without_it(tmp_path: Path) -> None:
    """DAM-2, DAM-14."""
    async with shop(tmp_path, "daminion") as bed:
        page = (await bed.browser.get("/registration")).text
        box = "DAM-14.mailing-list"
        assert f'id="{box}"' in page
        assert box not in form(page, "/registration").fields  # unticked
        plain = await bed.send(form(page, "/registration"), **bed.asked(page, "/registration"), password=PASSWORD)
        assert "You are registered" in plain.text
        (who,) = await bed.desk.shop.find("email", MAIL)
        with pytest.raises(Refused):
            await bed.desk.shop.reach(who, "mail", purpose="mailing-list")
        page = (await bed.browser.get("/registration")).text
        other = bed.asked(page, "/registration") | {"email": "bea@marrowstone.example", box: "yes"}
        ticked = await bed.send(form(page, "/registration"), **other, password=PASSWORD)
        assert {one.action for one in forms(ticked.text)} == {one.action for one in forms(plain.text)}
        (who,) = await bed.desk.shop.find("email", "bea@marrowstone.example")
        assert await bed.desk.shop.reach(who, "mail", purpose="mailing-list") == "bea@marrowstone.example"


@pytest.mark.parametrize("site", SITES)
async def test_a_code_signs_in_at_every_site_and_the_session_goes_along_and_ends(tmp_path: Path, site: str) -> None:
    async with shop(tmp_path, site) as bed:
        await asked_a_question(bed)
        page = await signed_in(bed, "")
        centre = form(page, f"https://privacy.{site}.localhost:8443/")
        assert set(centre.fields) == {"session"}  # handed over by post
        assert centre.fields["session"] not in "".join(re.findall(r'(?:href|action)="[^"]*"', page))
        home = (await bed.send(form(page, "/"))).text
        again = (await bed.send(form(home, "/account"))).text
        assert "Sign out" in again
        stale = (await bed.send(form(page, "/account"))).text  # a token that a later page has replaced
        assert "You are signed out" in stale
        out = (await bed.send(form(again, "/account/sign-out"))).text
        assert "You are signed out" in out
        assert not any("session" in one.fields for one in forms(out))


async def test_whether_an_address_is_held_cannot_be_told_from_any_answer(tmp_path: Path) -> None:
    async with shop(tmp_path, "aitoc") as bed:
        await asked_a_question(bed)
        page = (await bed.browser.get("/account")).text
        known, unknown = [
            (await bed.send(form(page, "/account/code"), **{"code-contact": one})).text.replace(one, "")
            for one in (MAIL, "nobody@quill.example")
        ]
        assert known == unknown
        known, unknown = [
            (await bed.send(form(page, "/account/sign-in"), contact=one, password=PASSWORD)).text.replace(one, "")
            for one in (MAIL, "nobody@quill.example")
        ]
        assert known == unknown


async def test_too_many_tries_are_told_to_wait(tmp_path: Path) -> None:
    async with shop(tmp_path, "aitpro") as bed:
        page = (await bed.browser.get("/account")).text
        one = form(page, "/account/sign-in")
        answers = [await bed.send(one, contact=MAIL, password=f"wrong number {n}") for n in range(7)]
        assert [answer.status_code for answer in answers][:5] == [400] * 5
        assert answers[-1].status_code == 429
        assert "Wait ten minutes" in answers[-1].text


async def test_news_come_only_to_who_ticked_the_box(tmp_path: Path) -> None:
    """TOC-6, AUD-11: at the order; left unticked nothing else changes."""
    for site, box, purpose in (
        ("aitoc", "TOC-6.newsletter", "newsletter"),
        ("audiomidi", "AUD-11.interest-news", "interest-news"),
    ):
        async with shop(tmp_path / site, site) as bed:
            assert (await bed.order(await bed.checkout())).status_code == 303
            (who,) = await bed.desk.shop.find("email", MAIL)
            with pytest.raises(Refused):
                await bed.desk.shop.reach(who, "mail", purpose=purpose)
            page = await bed.checkout()
            assert (await bed.order(page, email="bea@marrowstone.example", **{box: "yes"})).status_code == 303
            (who,) = await bed.desk.shop.find("email", "bea@marrowstone.example")
            assert await bed.desk.shop.reach(who, "mail", purpose=purpose) == "bea@marrowstone.example"


@pytest.mark.parametrize(
    ("site", "path", "purpose"), [("aitoc", "/newsletter", "newsletter"), ("aitpro", "/contact", "updates")]
)
async def test_a_choice_to_be_confirmed_holds_once_its_link_is_followed(
    tmp_path: Path, site: str, path: str, purpose: str
) -> None:
    """TOC-6, AIT-13: the box alone is no yes; who owns the address says it."""
    async with shop(tmp_path, site) as bed:
        page = (await bed.browser.get(path)).text
        box = next(name for name in re.findall(r'type="checkbox" id="([^"]+)"', page))
        asked = await bed.send(form(page, path), **bed.asked(page, path), **{box: "yes"})
        assert "One look into your mail" in asked.text
        (who,) = await bed.desk.shop.find("email", MAIL)
        with pytest.raises(Refused):
            await bed.desk.shop.reach(who, "mail", purpose=purpose)
        await bed.desk.desk.settle()
        (mail,) = bed.desk.sent
        (link,) = [line for line in mail.text.splitlines() if "/confirm/" in line]
        await bed.desk.desk.follow(link.rpartition("/")[2])
        assert await bed.desk.shop.reach(who, "mail", purpose=purpose) == MAIL


async def test_registering_offers_the_list_unticked_and_the_rest_is_the_same_either_way(tmp_path: Path) -> None:
    """DAM-14: not pre-ticked, not bundled, and nothing is refused without it."""
    box = "DAM-14.mailing-list"
    async with shop(tmp_path, "daminion") as bed:
        pages, ways = [], []
        for mail, ticked in (("ada@quill.example", {}), ("bea@quill.example", {box: "yes"})):
            page = (await bed.browser.get("/registration")).text
            (tick,) = re.findall(rf'<input type="checkbox" id="{box}"[^>]*>', page)
            assert "checked" not in tick
            assert "required" not in tick
            answer = await bed.send(form(page, "/registration"), name="Ada", email=mail, password=PASSWORD, **ticked)
            assert answer.status_code == 200
            assert "You are registered" in answer.text
            pages.append(re.sub(r'value="[^"]*"', "", answer.text))
            (who,) = await bed.desk.shop.find("email", mail)
            ways.append("consent/mailing-list" in (await bed.desk.shop.standing(who))[0])
        assert pages[0] == pages[1]
        assert ways == [False, True]


async def test_the_newsletter_takes_no_address_without_a_yes(tmp_path: Path) -> None:
    async with shop(tmp_path, "aitoc") as bed:
        page = (await bed.browser.get("/newsletter")).text
        answer = await bed.send(form(page, "/newsletter"), email=MAIL)
        assert (answer.status_code, "Tick the box if you want this" in answer.text) == (400, True)
        assert await bed.held() == {}


async def test_sharing_is_agreed_to_recipient_by_recipient_and_taken_back(tmp_path: Path) -> None:
    """AUD-9's page: nothing is ticked beforehand, and looking on agrees to nothing."""
    async with shop(tmp_path, "audiomidi") as bed:
        await asked_a_question(bed)
        assert "Sign in first" in (await bed.browser.get("/sharing-choice")).text
        page = (await bed.send(form(await signed_in(bed, ""), "/sharing-choice"))).text
        boxes = re.findall(r'type="checkbox" id="([^"]+)"', page)
        assert len(boxes) == 2
        one = next(each for each in forms(page) if "save" in each.fields)
        nothing = (await bed.send(one)).text
        assert "Nothing was ticked" in nothing
        one = next(each for each in forms(nothing) if "save" in each.fields)
        given = (await bed.send(one, **{boxes[0]: "yes"})).text
        assert given.count("You said yes") == 1
        (who,) = await bed.desk.shop.find("email", MAIL)
        assert await gets(bed.desk.shop, who, ["email"], "gear-makers", "partner-offers")
        back = (await bed.send(next(each for each in forms(given) if "withdraw" in each.fields))).text
        assert "Taken back" in back
        with pytest.raises(Refused):
            await gets(bed.desk.shop, who, ["email"], "gear-makers", "partner-offers")


async def test_a_written_approval_is_signed(tmp_path: Path) -> None:
    async with shop(tmp_path, "daminion") as bed:
        await asked_a_question(bed)
        page = (await bed.send(form(await signed_in(bed, ""), "/approval"))).text
        box = re.findall(r'type="checkbox" id="([^"]+)"', page)[0]
        one = next(each for each in forms(page) if "save" in each.fields)
        unsigned = await bed.send(one, **{box: "yes"})
        assert (unsigned.status_code, "Sign with your full name" in unsigned.text) == (400, True)
        one = next(each for each in forms(unsigned.text) if "save" in each.fields)
        assert "You said yes" in (await bed.send(one, **{box: "yes"}, signature=ADA["name"])).text


@pytest.mark.parametrize("site", ANSWERING)
async def test_a_session_that_ended_leaves_the_cart_and_shows_nobody(tmp_path: Path, site: str) -> None:
    """AUD-8."""
    async with shop(tmp_path, site, blocks_cookies=True) as bed:
        await asked_a_question(bed)
        page = await signed_in(bed, "")
        shelf = (await bed.send(form(page, "/"))).text
        slug = next(iter(bed.site.products))
        cart = (await bed.send(form(shelf, "/cart", product=slug))).text
        bed.desk.clock.now += timedelta(minutes=16)
        checkout = await bed.send(form(cart, "/checkout"))
        assert "You are signed out" in checkout.text
        assert "Cart (1)" in checkout.text
        assert not any(value in checkout.text for value in ADA.values())
