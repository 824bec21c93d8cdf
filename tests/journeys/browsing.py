"""A customer's browser, and what it holds when they have left."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # publishes none
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, Response

from avow.demo.authority import Certificates

PHONE: Final[Mapping[str, Any]] = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
DESK: Final[Mapping[str, Any]] = {"viewport": {"width": 1280, "height": 900}}
_AXE: Final = Axe()
_RULES: Final = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}


def arguments(files: Certificates) -> list[str]:
    """As the guide says: a browser that trusts this one server key, and nothing else that is not vouched for."""
    return [
        "--no-sandbox", "--headless", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        f"--ignore-certificate-errors-spki-list={files.pin()}",
    ]  # fmt: skip


@dataclass(frozen=True)
class Kept:
    """What a browser holds for one origin."""

    cookies: tuple[str, ...]
    local: int
    session: int
    bytes: int  # IndexedDB, caches, service workers, everything that the browser counts

    @property
    def nothing(self) -> bool:
        """Whether there is nothing at all."""
        return self == Kept((), 0, 0, 0)


@dataclass
class Customer:
    """Somebody with a page open. `answers` are all responses that came; `said` what the console of the browser wrote."""

    page: Page
    context: BrowserContext
    answers: list[Response] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def fill(self, answers: Mapping[str, str], inside: str) -> None:
        """Type into the fields of these names, as far as the form has them."""
        form = self.page.locator(inside)
        for name, value in answers.items():
            one = form.locator(f"[name='{name}']:visible")
            if one.count():
                one.first.fill(value)

    def press(self, words: str) -> None:
        """Press the first button, or follow the first link, whose words begin so; wait for the page."""
        page = self.page
        one = (
            page.locator("main")
            .get_by_role("button", name=words)
            .or_(page.locator("main").get_by_role("link", name=words))
        )
        one.first.click()
        page.wait_for_load_state("load")

    def kept(self, origin: str) -> Kept:
        """What the browser holds for an origin, asked of the browser itself."""
        cookies = tuple(sorted(str(one["name"]) for one in self.context.cookies(origin + "/")))
        cookies += tuple(sorted(str(one["name"]) for one in self.context.cookies([f"{origin}/cart", f"{origin}/checkout"])
                                if one["name"] not in cookies))  # fmt: skip
        self.page.goto(origin + "/privacy")
        sizes = self.page.evaluate(
            "() => { try { return [localStorage.length, sessionStorage.length] } catch { return [0, 0] } }"
        )
        devtools = self.context.new_cdp_session(self.page)
        usage = devtools.send("Storage.getUsageAndQuota", {"origin": origin})["usage"]
        devtools.detach()
        return Kept(cookies, sizes[0], sizes[1], int(usage))

    def cacheable(self, origin: str) -> list[str]:
        """Answers of an origin that the browser may keep a copy of."""
        return [
            urlsplit(answer.url).path for answer in self.answers
            if answer.url.startswith(origin) and "no-store" not in (answer.headers.get("cache-control") or "")
        ]  # fmt: skip

    def look(self, shots: Path, name: str) -> None:
        """A picture to look at, and nothing that axe objects to."""
        self.page.screenshot(path=shots / f"{name}.png", full_page=True)
        found = _AXE.run(self.page, options=_RULES)
        assert found.violations_count == 0, found.generate_report()

    def strangers(self, origins: tuple[str, ...]) -> set[str]:
        """Where else the browser got something from."""
        return {answer.url for answer in self.answers if not answer.url.startswith((*origins, "data:"))}


@contextmanager
def customer(browser: Browser, screen: Mapping[str, Any] = PHONE, *, scripts: bool = True) -> Iterator[Customer]:
    """A fresh profile."""
    context = browser.new_context(**screen, java_script_enabled=scripts, reduced_motion="reduce")  # no colour half-way
    try:
        yield _arrived(context)
    finally:
        context.close()


@contextmanager
def without_cookies(playwright: Playwright, files: Certificates, profile: Path) -> Iterator[Customer]:
    """A fresh profile whose owner has told the browser to take no cookie and to store nothing for any site."""
    preferences = profile / "Default" / "Preferences"
    preferences.parent.mkdir(parents=True)
    preferences.write_text(json.dumps({"profile": {"default_content_setting_values": {"cookies": 2}}}))
    context = playwright.chromium.launch_persistent_context(
        profile, executable_path="/usr/bin/chromium", args=arguments(files), **PHONE
    )
    try:
        yield _arrived(context)
    finally:
        context.close()


def _arrived(context: BrowserContext) -> Customer:
    context.set_default_timeout(15_000)
    one = Customer(context.new_page(), context)
    one.page.on("response", lambda answer: one.answers.append(answer))  # noqa: PLW0108 - Playwright takes no built-in method
    one.page.on("console", lambda message: one.said.append(message.text))
    return one
