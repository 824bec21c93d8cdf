"""The five notices in a real Chromium: at the width of a phone and of a desk, in light and in dark."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from typing import Any, Final, Literal

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from avow.policy import notice
from tests.policy.five import SITES, policy_of

ARGUMENTS = (
    "--no-sandbox", "--headless", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
CSP = f"default-src 'none'; img-src data:; style-src {notice.style_source()}"
WIDTHS = {"phone": 390, "desk": 1280}  # CSS pixels
SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")

# What the page's colours come to: every text on screen whose contrast with what lies behind it is too low.
CONTRAST = """() => {
  const channel = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const parse = c => { const m = c.match(/[\\d.]+/g).map(Number); return m.length < 4 ? [...m, 1] : m; };
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const behind = el => {
    for (let at = el; at; at = at.parentElement) {
      const c = parse(getComputedStyle(at).backgroundColor);
      if (c[3] === 1) return c;
      if (c[3] > 0) throw new Error('a see-through background: ' + at.outerHTML.slice(0, 80));
    }
    return matchMedia('(prefers-color-scheme: dark)').matches ? [18, 18, 18, 1] : [255, 255, 255, 1];
  };
  const low = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text; (text = walk.nextNode());) {
    const el = text.parentElement;
    if (!text.data.trim() || !el.getClientRects().length) continue;
    const style = getComputedStyle(el), size = parseFloat(style.fontSize), bold = +style.fontWeight >= 700;
    const [a, b] = [light(parse(style.color)), light(behind(el))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < (size >= 24 || (bold && size >= 18.66) ? 3 : 4.5)) low.push([text.data.trim().slice(0, 40), ratio]);
  }
  return low;
}"""

# The promises whose id or words cannot be seen: no box, transparent, or outside the page.
UNSEEN = """ids => ids.filter(id => {
  const article = document.getElementById(id);
  if (!article || !article.checkVisibility({opacityProperty: true, visibilityProperty: true})) return true;
  return ![article.querySelector('.id'), article.querySelector('h4')].every(el => {
    const box = el && el.getBoundingClientRect();
    return box && box.width > 0 && box.height > 0 && box.left >= 0 && box.right <= innerWidth
      && el.checkVisibility({opacityProperty: true, visibilityProperty: true});
  }) || article.querySelector('.id').textContent.trim() !== id;
})"""

OVERFLOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
LEVELS = "() => [...document.querySelectorAll('h1, h2, h3, h4, h5, h6')].map(h => +h.tagName[1])"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium")
    if path is None:
        pytest.fail("chromium is not installed; run `apt-get install chromium`, or `make test` as root")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield launched
        launched.close()


@contextmanager
def served(pages: dict[str, str]) -> Iterator[tuple[str, list[str]]]:
    """A server of these pages on the loopback, and the paths that were asked of it."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            body = pages.get(self.path, "").encode()
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Security-Policy", CSP)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Says nothing: the list says it all."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def opened(
    browser: Browser,
    source: str,
    width: int = 1280,
    scheme: Literal["light", "dark"] = "light",
    *,
    lawless: bool = False,
) -> Iterator[tuple[Page, list[str]]]:
    """A fresh browser context with this page in it, and every request that left or tried to leave it.

    The page's content security policy holds, unless `lawless`: with it a planted style would not even apply.
    """
    context = browser.new_context(
        viewport={"width": width, "height": 844}, color_scheme=scheme, reduced_motion="reduce", bypass_csp=lawless
    )
    try:
        page = context.new_page()
        wanted: list[str] = []
        page.on("request", lambda request: wanted.append(request.url))
        page.on("console", lambda message: wanted.append(f"console: {message.text}"))
        with served({"/notice": source}) as (origin, asked):
            page.goto(f"{origin}/notice", wait_until="load")
            yield page, wanted
            assert asked == ["/notice"]  # no icon either, of which the browser would not tell us
            assert context.cookies() == []
    finally:
        context.close()


def requests_of(wanted: list[str]) -> list[str]:
    """All but the page itself and what needs no network."""
    return [url for url in wanted[1:] if not url.startswith("data:")]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("screen", WIDTHS)
@pytest.mark.parametrize("site", SITES)
def test_a_notice_is_whole_readable_and_loads_nothing(
    browser: Browser, site: str, screen: str, scheme: Literal["light", "dark"]
) -> None:
    policy = policy_of(site)
    with opened(browser, notice.html(policy), WIDTHS[screen], scheme) as (page, wanted):
        assert page.evaluate(OVERFLOW) == 0
        assert page.evaluate(UNSEEN, [promise.id for promise in policy.promises]) == []
        assert page.evaluate(CONTRAST) == []
        levels = page.evaluate(LEVELS)
        assert levels.count(1) == 1
        assert all(after - before <= 1 for before, after in pairwise(levels))
        assert requests_of(wanted) == []
        assert page.evaluate("() => [localStorage.length, sessionStorage.length]") == [0, 0]


def test_the_first_key_press_offers_to_skip_to_the_promises(browser: Browser) -> None:
    with opened(browser, notice.html(policy_of("audiomidi"))) as (page, _):
        page.keyboard.press("Tab")
        assert page.evaluate("() => document.activeElement.textContent") == "Skip to the promises"
        assert page.evaluate("() => document.activeElement.getBoundingClientRect().top") >= 0
        page.keyboard.press("Enter")
        assert page.evaluate("() => location.hash") == "#promises"


def test_tables_stay_tables_for_those_who_listen_on_a_phone(browser: Browser) -> None:
    with opened(browser, notice.html(policy_of("daminion")), WIDTHS["phone"]) as (page, _):
        table = page.get_by_role("table", name="Each kind of data")
        assert table.get_by_role("columnheader").count() == 6
        assert table.get_by_role("row").count() == 1 + len(policy_of("daminion").categories)
        assert table.get_by_role("rowheader", name="your e-mail address").count() == 1


def test_on_paper_every_promise_is_there_and_links_say_where_they_lead(browser: Browser) -> None:
    policy = policy_of("aimini")
    with opened(browser, notice.html(policy)) as (page, _):
        page.emulate_media(media="print")
        assert page.evaluate(UNSEEN, [promise.id for promise in policy.promises]) == []
        shown = page.evaluate("() => getComputedStyle(document.querySelector('#others td a[href]'), '::after').content")
        assert "keyhouse.example" in shown


@pytest.mark.parametrize(
    ("plant", "found"),
    [
        pytest.param("<p style='width: 2000px'>wide</p>", "overflow", id="a-line-too-wide"),
        pytest.param("<p style='color: #999; background: #fff'>pale</p>", "contrast", id="a-pale-line"),
        pytest.param("<style>#AUD-9 { display: none }</style>", "unseen", id="a-hidden-promise"),
        pytest.param("<style>#AUD-9 h4 { opacity: 0 }</style>", "unseen", id="a-promise-in-invisible-ink"),
        pytest.param("<style>#AUD-9 { margin-left: -3000px }</style>", "unseen", id="a-promise-off-the-page"),
        pytest.param("<h6>deep</h6>", "levels", id="a-heading-out-of-order"),
        pytest.param("<img src='https://elsewhere.invalid/pixel.gif'>", "requests", id="a-pixel-from-elsewhere"),
    ],
)
def test_each_check_catches_what_it_is_there_for(browser: Browser, plant: str, found: str) -> None:
    policy = policy_of("audiomidi")
    source = notice.html(policy).replace("</main>", f"{plant}</main>")
    with opened(browser, source, lawless=True) as (page, wanted):
        levels = page.evaluate(LEVELS)
        faults = {
            "overflow": page.evaluate(OVERFLOW) > 0,
            "contrast": page.evaluate(CONTRAST) != [],
            "unseen": page.evaluate(UNSEEN, [promise.id for promise in policy.promises]) != [],
            "levels": any(after - before > 1 for before, after in pairwise(levels)),
            "requests": requests_of(wanted) != [],
        }
    assert faults[found]
