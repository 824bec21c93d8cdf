"""Every page of every shop: who may see it, what stands on each, what no page does."""

import re
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from avow.doors.guard import Guard
from avow.policy.contests import contests
from avow.policy.model import Choose, Collect, Policy
from avow.policy.parse import parse, read
from examples.shop.fields import boxes, fields, groups
from examples.shop.pages.writing import written
from tests.desk.beds import POLICIES, SITES
from tests.examples.shop.beds import ADA, Bed, form, forms, shop
from tests.policy.five import next_of

LOADS = re.compile(r"<(?:script|img|iframe|object|embed|video|audio)\b|@import|url\(", re.IGNORECASE)


def pages(bed: Bed) -> list[str]:
    """The path of everything that may be opened by its address."""
    assert isinstance(bed.app, Guard)
    inside = bed.app._app
    assert isinstance(inside, Starlette)
    routes = [one for one in inside.routes if isinstance(one, Route) and "GET" in (one.methods or ())]
    slugs = list(bed.site.products)
    return [path for one in routes for path in ([one.path.replace("{slug}", slug) for slug in slugs])]


@pytest.mark.parametrize("site", SITES)
async def test_each_page_links_to_the_policy_with_its_version_and_loads_nothing_from_elsewhere(
    tmp_path: Path, site: str
) -> None:
    """AUD-12, TOC-1, AIT-16, DAM-14: on every page, refusals among them."""
    async with shop(tmp_path, site) as bed:
        seen = {path for path in pages(bed) if "{" not in path and not path.endswith(".css")}
        assert len(seen) > 10
        for path in sorted(seen | {"/no/such/page", "/goods/none"}):
            answer = await bed.browser.get(path)
            assert answer.status_code == (404 if path in ("/no/such/page", "/goods/none") else 200), path
            assert '<a href="/privacy">Privacy policy</a>' in answer.text, path
            assert bed.policy.version.isoformat() in answer.text, path
            assert not LOADS.search(answer.text), path
            assert " style=" not in answer.text, path
            assert " checked" not in answer.text, path
            assert "no-store" in answer.headers["cache-control"], path
            csp = answer.headers["content-security-policy"]
            assert "default-src 'none'" in csp, path
            assert "script-src" not in csp, path
            assert "frame-ancestors 'none'" in csp, path
        assert {one.kind for one in bed.reports} <= {"link"}


@pytest.mark.parametrize("site", SITES)
async def test_an_outbound_link_leads_over_the_notice_where_the_policy_promises_one(tmp_path: Path, site: str) -> None:
    """AIM-3, AIM-11, TOC-4, DAM-19: and DAM-25, as what is linked to is another site."""
    async with shop(tmp_path, site) as bed:
        page = (await bed.browser.get("/privacy")).text
        outside = re.findall(r'href="(https://[^"]*)"', page)
        notice = re.findall(r'href="(/leaving[^"]*)"', page)
        own = {f"https://privacy.{site}.localhost:8443/", f"https://privacy.{site}.localhost:8443/changes"}
        if site in ("aimini", "aitoc", "daminion"):
            assert set(outside) == own
            shown = (await bed.browser.get(notice[0].replace("&amp;", "&"))).text
            assert "leav" in shown.lower()
        else:
            assert set(outside) > own
            assert notice == []


@pytest.mark.parametrize("site", SITES)
async def test_forms_ask_what_the_policy_says_and_name_what_for(tmp_path: Path, site: str) -> None:
    """DAM-2, DAM-3, AUD-1, TOC-5: no field more, none less, and no purpose left unsaid."""
    async with shop(tmp_path, site) as bed:
        for name in written(bed.policy):
            page = (await bed.browser.get(f"/{name}")).text
            asked = {one for one in form(page, f"/{name}").fields if one != "once"}
            assert asked == {one.name for one in fields(bed.policy, name)}
            for group in groups(bed.policy, name):
                assert group.why in page
            for one in fields(bed.policy, name):
                marked = re.search(rf'name="{one.name}"[^>]* required', page) is not None
                assert marked is one.required
        if site != "aimini":
            page = await bed.checkout()
            asked = set(form(page, "/checkout/order").fields) - {"once", "cart", "password"}
            assert asked == {one.name for one in fields(bed.policy, "order")}
            assert "privacy policy</a> before you give it anything" in page  # AIT-20, DAM-24


def required(policy: Policy, name: str) -> set[str]:
    clauses = [clause for promise in policy.promises for clause in promise.clauses]
    return {one for clause in clauses if isinstance(clause, Collect) and clause.form == name for one in clause.asks}


def test_what_a_form_asks_is_read_from_the_policy_and_changes_with_it() -> None:
    """AUD-1."""
    policy = read(POLICIES / "audiomidi.yaml")
    assert {one.name for one in fields(policy, "order") if one.required} == required(policy, "order")
    assert [box.id for box in boxes(policy, "order")] == ["AUD-11.interest-news"]
    source = policy.source.replace("asks: [name, email, postal-address], for", "asks: [name, email], for")
    source = source.replace("choose: {for: [interest-news], form: order}", "choose: {for: [interest-news], form: cart}")
    changed = parse(source, "audiomidi")
    assert {one.name for one in fields(changed, "order") if one.required} == {"name", "email"}
    assert boxes(changed, "order") == ()
    for site in SITES:
        other = read(POLICIES / f"{site}.yaml")
        offered = {
            clause.form for promise in other.promises for clause in promise.clauses
            if isinstance(clause, Choose) and not clause.recipients
        }  # fmt: skip
        assert {name for name in other.forms if boxes(other, name)} == offered


@pytest.mark.parametrize("site", SITES)
async def test_a_cart_goes_along_from_page_to_page_without_an_address_of_its_own(tmp_path: Path, site: str) -> None:
    async with shop(tmp_path, site, blocks_cookies=True) as bed:
        page, first = await bed.cart(), next(iter(bed.site.products.values()))
        for path in ("/", "/promises", "/account", "/order", "/contact", "/cart"):
            page = (await bed.send(form(page, path))).text
            assert "Cart (1)" in page, path
            assert not re.search(r'(?:href|action)="[^"]*\?(?!to=)', page), path
        changed = form(page, "/cart", product=first.slug)
        page = (await bed.send(changed, count="3")).text
        assert "Cart (3)" in page
        assert "Nothing in it yet" in (await bed.send(form(page, "/cart", product=first.slug), count="0")).text


@pytest.mark.parametrize("count", ["-1", "1e3", "100", "²", "", "1.5", "0x1"])
async def test_a_senseless_number_of_things_gives_the_cart_back(tmp_path: Path, count: str) -> None:
    async with shop(tmp_path, "aitoc") as bed:
        page = await bed.cart()
        answer = await bed.send(form(page, "/cart", product="checkout-one"), count=count or " ")
        assert answer.status_code == 400
        assert "whole number" in answer.text
        assert "Cart (1)" in answer.text


async def test_questions_are_taken_in_and_open_a_request_at_every_form(tmp_path: Path) -> None:
    """AIT-1 and its like: whatever is sent is held for the form's purposes, and the request waits."""
    for site in SITES:
        async with shop(tmp_path / site, site) as bed:
            for name in written(bed.policy):
                if name == "newsletter":
                    continue
                page = (await bed.browser.get(f"/{name}")).text
                answer = await bed.send(form(page, f"/{name}"), **bed.asked(page, f"/{name}"))
                assert "Thank you, we have it" in answer.text, name
                kind = bed.policy.forms[name].opens
                if kind in contests(bed.policy):
                    assert "The name of your entry" in answer.text
                else:
                    assert kind is None or bed.policy.requests[kind].says in answer.text
                assert (await bed.held())["email"] == ADA["email"]


async def test_nothing_of_a_form_is_in_an_address_or_comes_back_after_it_was_taken_in(tmp_path: Path) -> None:
    async with shop(tmp_path, "aimini") as bed:
        page = (await bed.browser.get("/contact")).text
        answer = await bed.send(form(page, "/contact"), **bed.asked(page, "/contact"))
        assert not any(value in answer.text + str(answer.url) for value in ADA.values())
        assert all("?" not in one.action for one in forms(answer.text))


@pytest.mark.parametrize("site", SITES)
async def test_a_version_to_come_is_told_of_beside_the_link_to_the_policy_on_every_page(
    tmp_path: Path, site: str
) -> None:
    """AUD-12, AUD-13."""
    async with shop(tmp_path, site) as bed:
        coming = next_of(site)
        await bed.desk.desk.publish(coming.source, bed.policy.digest.hex())
        told = f'<a class="unread" href="https://privacy.{site}.localhost:8443/changes/{coming.digest.hex()}">See what changes</a>'
        for path in ("/", "/privacy", "/promises", "/cart", "/nowhere"):
            page = (await bed.browser.get(path)).text
            foot = page[page.index("<footer") :]
            assert told in foot
            assert f'<a href="https://privacy.{site}.localhost:8443/changes">' in foot
        assert told in (await bed.browser.get("/privacy")).text.partition("<footer")[0]
        assert not [one for one in bed.reports if one.kind == "notice"]


async def test_with_one_version_there_is_no_news(tmp_path: Path) -> None:
    async with shop(tmp_path, "aimini") as bed:
        assert "unread" not in (await bed.browser.get("/")).text
