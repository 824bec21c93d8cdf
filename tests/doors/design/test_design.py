"""The design system: its parts, its refusals, its sheet, in a real browser, judged by axe."""

from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]  # publishes no types
from jinja2 import UndefinedError
from playwright.async_api import Browser, Page, Route, async_playwright
from starlette.applications import Starlette

from avow.doors.design import Look, error_page, error_pages, page, static, templates, words_of

HERE = Path(__file__).parent / "templates"
HOSTILE = '"><script>alert(1)</script>'
LOOKS = [
    Look(),
    Look(hue=30, colour=0.17, radius=2, face="serif"),
    Look(hue=150, radius=16, face="round"),
    Look(hue=95, colour=0.12, radius=0, face="mono"),
    Look(hue=320, colour=0.18, radius=10, face="grand"),
]


def every_part(look: Look) -> str:
    env = templates(HERE, look=look, site="Shop", links=[("/", "Goods"), ("/cart", "Cart")], here="/", policy_link="/privacy", version="2014-06-30")  # fmt: skip
    errors = {"email": "Give an address with an @ in it"}
    return env.get_template("sheet.html").render(errors=errors, hostile=HOSTILE)


def client(app: Starlette) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="https://shop.example")


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as play:
        found = await play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield found
        await found.close()


async def shown(browser: Browser, look: Look, html: str, sheet: str = "", **how: Any) -> Page:
    """The page under the policy that the doors set: nothing but our own style sheet."""
    csp = "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'"

    async def serve(route: Route) -> None:
        if route.request.url.endswith(".css"):
            await route.fulfill(body=sheet or look.sheet, content_type="text/css")
        else:
            await route.fulfill(body=html, content_type="text/html", headers={"content-security-policy": csp})

    found = await (await browser.new_context(**how)).new_page()
    found.on("console", lambda message: pytest.fail(message.text))
    await found.route("**/*", serve)
    await found.goto("https://shop.localhost/")
    return found


async def faults(found: Page, only: str = "") -> list[str]:
    """What axe finds against WCAG 2.2 AA, best practices and sizes of targets; `only`: by this rule."""
    every: dict[str, Any] = {"rules": {"target-size": {"enabled": True}}}
    result = await Axe().run(found, options={"runOnly": [only]} if only else every)
    return [f"{one['id']}: {node['html'][:80]}" for one in result.response["violations"] for node in one["nodes"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_in_any_part_under_any_look(browser: Browser, scheme: str) -> None:
    assert await faults(await shown(browser, LOOKS[0], every_part(LOOKS[0]), color_scheme=scheme)) == []
    for look in LOOKS[1:]:
        assert await faults(await shown(browser, look, every_part(look), color_scheme=scheme), "color-contrast") == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nothing_is_wider_than_a_phone_and_axe_finds_nothing_there(browser: Browser, scheme: str) -> None:
    phone = {"width": 390, "height": 844}
    found = await shown(browser, LOOKS[1], every_part(LOOKS[1]), color_scheme=scheme, viewport=phone)
    assert await found.evaluate("document.documentElement.scrollWidth") == 390
    assert await faults(found) == []
    found = await shown(browser, LOOKS[1], every_part(LOOKS[1]), viewport={"width": 320, "height": 640})
    assert await found.evaluate("document.documentElement.scrollWidth") == 320  # WCAG 1.4.10


@pytest.mark.parametrize(
    ("ours", "defect", "rule"),
    [
        ("--quiet: oklch(0.44", "--quiet: oklch(0.85", "color-contrast"),
        ("--on-brand: oklch(0.99", "--on-brand: oklch(0.6", "color-contrast"),
        (
            "button.link { border: 0; min-width: 1.5rem;",
            "button.link { border: 0; min-height: 8px; height: 8px;",
            "target-size",
        ),
    ],
)
async def test_a_planted_defect_of_the_sheet_is_found(browser: Browser, ours: str, defect: str, rule: str) -> None:
    look = LOOKS[0]
    assert ours in look.sheet
    sheet = look.sheet.replace(ours, defect).replace("padding-inline: 0.25rem; text", "padding: 0; font-size: 6px; line-height: 1; text") if rule == "target-size" else look.sheet.replace(ours, defect)  # fmt: skip
    html = every_part(look).replace("</main>", '<form><button class="link">a</button><button class="link">b</button></form></main>')  # fmt: skip
    found = await faults(await shown(browser, look, html, sheet, color_scheme="light"), rule)
    assert any(one.startswith(rule) for one in found)


async def test_yes_and_no_are_of_one_size(browser: Browser) -> None:
    found = await shown(browser, LOOKS[0], every_part(LOOKS[0]))
    for switch in await found.locator(".switch").all():
        yes, no = [await button.bounding_box() for button in await switch.get_by_role("button").all()]
        assert yes is not None
        assert no is not None
        assert abs(yes["width"] - no["width"]) <= 2  # a border between them
        assert yes["height"] == no["height"]


async def test_the_focus_is_seen_on_everything_that_takes_it(browser: Browser) -> None:
    found = await shown(browser, LOOKS[0], every_part(LOOKS[0]))
    for _ in range(25):
        await found.keyboard.press("Tab")
        style = await found.evaluate("(s => s.outlineStyle + ' ' + s.outlineWidth)(getComputedStyle(document.activeElement))")  # fmt: skip
        assert style == "solid 3px"


def test_what_comes_from_outside_is_shown_as_text() -> None:
    html = every_part(LOOKS[0])
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_a_name_that_nobody_gave_is_an_error_and_no_gap() -> None:
    env = templates(site="Shop")
    with pytest.raises(UndefinedError):
        env.from_string("{{ nobody_gave_this }}").render()


async def test_the_sheet_is_kept_for_a_year_under_a_name_of_its_own_content() -> None:
    look, other = LOOKS[0], LOOKS[1]
    assert look.file != other.file
    assert look.file == Look().file
    web = client(Starlette(routes=[static(look=look)]))
    answer = await web.get(f"/design/{look.file}")
    assert answer.headers["content-type"].startswith("text/css")
    assert "immutable" in answer.headers["cache-control"]
    assert templates(look=look, site="Shop").globals["stylesheet"] == f"/design/{look.file}"
    assert (await web.get(f"/design/{other.file}")).status_code == 404


def test_nothing_is_loaded_from_elsewhere() -> None:
    assert "url(" not in LOOKS[0].sheet
    assert "@import" not in LOOKS[0].sheet
    assert "style=" not in every_part(LOOKS[0])


def test_a_page_is_kept_by_nobody() -> None:
    env = templates(site="Shop")
    answer = page(env, "base.html")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("status", [400, 403, 404, 405, 413, 415, 429, 503, 418])
def test_every_refusal_has_a_page_that_says_what_it_is_and_what_to_do(status: int) -> None:
    env = templates(site="Shop", policy_link="/privacy", version="2014-06-30")
    answer = error_page(env, status, promises=[("AIM-1", "Nobody is sold.")], back=("/cart", "To the cart"))
    body = unescape(bytes(answer.body).decode())
    assert answer.status_code == status
    for words in (*words_of(status), "AIM-1", "Nobody is sold.", 'href="/cart"', "/privacy"):
        assert words in body


async def test_what_starlette_refuses_or_what_breaks_gets_such_a_page() -> None:
    async def broken(_: object) -> None:
        raise RuntimeError("a personal value")

    env = templates(site="Shop")
    app = Starlette(exception_handlers=error_pages(env))
    app.add_route("/broken", broken)  # type: ignore[arg-type]  # breaks before it could answer
    web = client(app)
    assert "There is no such page" in (await web.get("/nowhere")).text
    answer = await web.get("/broken")
    assert answer.status_code == 503
    assert "a personal value" not in answer.text
