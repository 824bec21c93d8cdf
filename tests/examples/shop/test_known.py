"""Pages that are fitted to a customer: signed in alone, by what they told before, where a promise says so, and shown."""

import json
import os
from pathlib import Path

import pytest

from avow.decide.request import Facts, Request
from avow.errors import Denied, Refused
from avow.policy.customising import customising
from avow.policy.parse import read
from tests.desk.beds import POLICIES, SITES, desk
from tests.examples.shop.beds import ADA, Bed, form, shop
from tests.examples.shop.test_coming_back import signed_in

FIRST = "Fitted to you"


async def ordered(bed: Bed) -> str:
    """The name of what Ada ordered."""
    assert (await bed.order(await bed.checkout())).status_code == 303
    return next(iter(bed.site.products.values())).name


async def home(bed: Bed) -> str:
    """The shop's first page as Ada sees it, signed in."""
    return (await bed.send(form(await signed_in(bed, ""), "/"))).text


def test_aitocs_promise_alone_lets_something_shape_pages() -> None:
    """TOC-8."""
    found = {site: customising(read(POLICIES / f"{site}.yaml")) for site in SITES}
    assert [site for site, one in found.items() if one] == ["aitoc"]
    told = found["aitoc"]
    assert told is not None
    assert (told.purpose, told.categories, told.promises) == ("customise", ("name", "items"), ("TOC-8",))


async def test_who_is_signed_in_sees_what_shapes_the_page_by_which_promise_and_finds_it_in_the_privacy_centre(
    tmp_path: Path,
) -> None:
    """TOC-8."""
    async with shop(tmp_path, "aitoc", over_a_socket=True) as bed:
        name = await ordered(bed)
        page = await home(bed)
        assert FIRST in page
        assert f"Welcome back, {ADA['name']}" in page
        assert f"You ordered {name} before" in page
        assert 'href="/promises#TOC-8"' in page
        assert page.index("What you do not have yet") < page.index("What you ordered before")
        (who,) = await bed.desk.shop.find("email", ADA["email"])
        looks = [one for one in await bed.desk.shop.seen(who) if one["purpose"] == "customise"]
        assert [(one["role"], one["outcome"], one["promises"]) for one in looks] == [("person", "done", ("TOC-8",))]
        assert set(looks[0]["categories"]) == {"name", "items"}


async def test_signed_out_nothing_is_fitted_whatever_the_browser_sends(tmp_path: Path) -> None:
    """TOC-8: the visit's cookie, an old session, a receipt, another's session made up."""
    async with shop(tmp_path, "aitoc") as bed:
        await bed.browser.get("/")
        assert bed.browser.cookies
        await ordered(bed)
        plain = (await bed.browser.get("/")).text
        assert FIRST not in plain
        assert ADA["name"] not in plain
        account = await signed_in(bed, "")
        old = form(account, "/").fields["session"]
        out = await bed.send(form(account, "/account/sign-out"))
        receipt = bed.orders._db.execute("SELECT receipt FROM orders").fetchone()[0]
        for token in (old, receipt, os.urandom(32).hex(), ""):
            page = (await bed.browser.post("/", data={"session": token})).text
            assert FIRST not in page
            assert ADA["name"] not in page
        assert FIRST not in (await bed.browser.get("/")).text
        assert out.status_code == 200
        (who,) = await bed.desk.shop.find("email", ADA["email"])
        assert not [one for one in await bed.desk.shop.seen(who) if one["purpose"] == "customise"]


@pytest.mark.parametrize("site", sorted({*SITES} - {"aitoc", "aimini"}))
async def test_where_no_promise_says_so_no_page_is_fitted(tmp_path: Path, site: str) -> None:
    """TOC-8 is aitoc's alone."""
    async with shop(tmp_path, site) as bed:
        await ordered(bed)
        page = await home(bed)
        assert FIRST not in page
        (who,) = await bed.desk.shop.find("email", ADA["email"])
        assert not [one for one in await bed.desk.shop.seen(who) if one["purpose"] in {"customise", "tailoring"}]


async def test_nobody_but_the_person_has_anything_for_fitting_pages_and_no_visit_is_tied_to_them(
    tmp_path: Path,
) -> None:
    """TOC-8: not the site by itself, not staff, not a stranger; and the tracker's categories never come with a person."""
    async with desk(tmp_path, "aitoc") as bed:
        given = {
            "name": ADA["name"],
            "email": ADA["email"],
            "postal-address": ADA["postal-address"],
            "items": "1 × Fit",
        }
        taken = await bed.desk.collect("order", given)
        (who,) = await bed.shop.find("email", ADA["email"])
        other = await bed.shop.collect("newsletter", {"email": "bea@marrow.example"})
        await bed.desk.set_agreement("quiet")
        for role in bed.policy.roles:
            await bed.shop.staff_roll.join("kim", role, signs="quiet")
            with pytest.raises(Refused):
                await bed.shop.use(who, "name", purpose="customise", by=bed.shop.staff("kim", role))
        for by in (None, bed.shop.person(other)):
            with pytest.raises(Refused) as refused:
                await bed.shop.use(who, "items", purpose="customise", by=by)
            assert "TOC-8" in refused.value.promises
        for category in ("browser-type", "operating-system", "page-use"):
            assert not bed.policy.categories[category].with_person
            with pytest.raises(Refused):
                await bed.shop.collect("order", given | {category: "Firefox"})
            with pytest.raises(Refused):
                await bed.shop.use(who, category, purpose="customise", by=bed.shop.person(who))
            for held in (("standing", "in-time"), ("standing", "in-time", "identified", "consent", "request")):
                tied = bed.shop.explain(Request("link", "site", "customise", (category,)), Facts.of(*held))
                assert not tied["allowed"]
            assert (
                "TOC-8" in bed.shop.explain(Request("link", "site", "customise", (category,)), Facts.of())["promises"]
            )
        with pytest.raises(Denied):
            await bed.desk.shaping(taken["receipt"])
        session = await bed.desk.enter("email", ADA["email"], await bed.code(ADA["email"]))
        told = await bed.desk.shaping(session)
        assert told is not None
        assert told["known"] == [{"name": ADA["name"], "items": "1 × Fit"}]
        assert "bea" not in json.dumps(told)
