"""AIM-3, AIM-11, AIT-16, AUD-12, DAM-19, TOC-1, TOC-4: where pages lead, what they load, how the policy is reached."""

import gzip
import re
import zlib
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

from avow.doors.guard.links import look, may_lead_away
from tests.doors.guard.sites import HOST, app_of, kinds, named, page_app, visit

MIRROR = "https://mirrorfield.example"
ELSEWHERE = "https://elsewhere.example"
FOOT = '<a href="/privacy">Privacy policy of 2017-06-06</a>'
HREF = re.compile(r'href="?([^">]*)')


def hrefs(answer: httpx.Response) -> list[str]:
    return [unescape(href) for href in HREF.findall(answer.text)]


@pytest.mark.parametrize(
    ("site", "promises"),
    [
        ("aimini", {"AIM-3", "AIM-11"}),
        ("aitoc", {"TOC-4"}),
        ("daminion", {"DAM-19"}),
    ],
)
async def test_a_link_to_an_undeclared_site_gets_a_notice_and_is_reported(site: str, promises: set[str]) -> None:
    """DAM-25."""
    async with visit(page_app(f'{FOOT}<a href="{ELSEWHERE}/a?b=c&amp;d=e">x</a>'), site) as (client, reports):
        answer = await client.get("/")
        way = hrefs(answer)[1]
        notice = await client.get(way)
    assert way.startswith("/leaving?to=https%3A%2F%2Felsewhere.example%2Fa%3Fb%3Dc%26d%3De&key=")
    assert (kinds(reports), named(reports)) == (["link"], promises)
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert notice.status_code == 200
    assert f"{ELSEWHERE}/a?b=c&d=e" in hrefs(notice)
    assert "You are leaving" in notice.text


@pytest.mark.parametrize("site", ["audiomidi", "aitpro"])
async def test_where_no_promise_speaks_of_links_they_are_left_alone(site: str) -> None:
    page = f'<a href="/privacy">2010-12-31</a><a href="{ELSEWHERE}">x</a>'
    async with visit(page_app(page), site) as (client, reports):
        assert (await client.get("/")).text == page
        assert (await client.get("/leaving")).text == page
    assert reports == []


async def test_aim_3_a_declared_partner_gets_the_notice_with_its_own_policy() -> None:
    async with visit(page_app(f"{FOOT}<a href={MIRROR}/get>x</a>"), "aimini") as (client, reports):
        notice = await client.get(hrefs(await client.get("/"))[1])
    assert reports == []
    assert hrefs(notice) == ["https://mirrorfield.example/privacy", f"{MIRROR}/get", "/", "/privacy"]
    assert "Mirrorfield Downloads" in notice.text


HIDDEN = [
    "HTTPS://Elsewhere.Example/",
    "//elsewhere.example/",
    "\\\\elsewhere.example/",
    "/\\elsewhere.example/",
    "https:elsewhere.example/",
    "https:\\\\elsewhere.example",
    "https:///elsewhere.example/",
    "ht\ntps://elsewhere.example/",
    "/\t/elsewhere.example/",
    " \x01https://elsewhere.example/",
    "&#104;ttps://elsewhere.example/",
    "&#x2f;&sol;elsewhere.example/",
    "https&colon;//elsewhere.example/",
    "http://shop.example@elsewhere.example/",
    "https://shop.example.elsewhere.example/",
    "https://shop.example:444@elsewhere.example/",
]


@pytest.mark.parametrize("url", HIDDEN)
@pytest.mark.parametrize(
    "tag",
    [
        '<a href="{}">',
        "<A HREF='{}'>",
        '<a\nclass=x data-a=">" hREf = "{}" >',
        '<area href="{}">',
        '<svg><a xlink:href="{}">',
    ],
)
async def test_aim_11_no_way_of_writing_a_link_goes_without_the_notice(url: str, tag: str) -> None:
    """DAM-19."""
    async with visit(page_app(FOOT + tag.format(url) + "x</a>"), "aimini") as (client, reports):
        text = (await client.get("/")).text
    assert "/leaving?to=" in text, text
    assert kinds(reports) == ["link"]
    assert "elsewhere.example" in reports[0].says


@pytest.mark.parametrize(
    "url",
    [
        "/", "/a?b=c&amp;d=e", "a/b", "#x", "?x=y", "mailto:help@aimini.example", "tel:+15550110", f"https://{HOST}/x",
        "HTTPS://Privacy.shop.example:443/x", "https://privacy.shop.example/x", "javascript:alert(1)", "", "//shop.example/a", "./x:y", "/go?to=https://elsewhere.example",
    ],
)  # fmt: skip
async def test_links_within_the_site_are_left_as_they_are(url: str) -> None:
    page = f'{FOOT}<a href="{url}">x</a>'
    async with visit(page_app(page), "aimini", own=["https://privacy.shop.example"]) as (client, reports):
        assert (await client.get("/")).text == page
    assert reports == []


@pytest.mark.parametrize("page", ['<meta http-equiv="Refresh" content="5; URL=\'https://elsewhere.example/\'">'])
async def test_a_refresh_leads_over_the_notice_too(page: str) -> None:
    async with visit(page_app(FOOT + page), "aimini") as (client, reports):
        text = (await client.get("/")).text
    assert 'content="0; url=/leaving?to=' in text
    assert kinds(reports) == ["link"]


async def test_a_redirect_leads_over_the_notice_except_to_a_declared_processor() -> None:
    for target, kept in ((ELSEWHERE, False), ("https://keyhouse.example/pay", True), ("/local", True)):
        app = app_of(lambda _, target=target: RedirectResponse(target, 303))  # type: ignore[misc] # bound at once
        async with visit(app, "aimini") as (client, reports):
            location = (await client.post("/")).headers["location"]
        assert (location == target) == kept
        assert kinds(reports) == ([] if kept else ["link"])
        assert kept or location.startswith("/leaving?to=")


async def test_the_leaving_page_is_no_open_redirect() -> None:
    """AIM-3."""
    async with visit(page_app(f'{FOOT}<a href="{MIRROR}">x</a>'), "aimini") as (client, _):
        signed = parse_qs(urlsplit(hrefs(await client.get("/"))[1]).query)
        for to, key in (
            (ELSEWHERE, signed["key"][0]), (MIRROR, "x"), (MIRROR, ""), ("javascript:alert(1)", signed["key"][0]), ("", ""),
        ):  # fmt: skip
            answer = await client.get("/leaving", params={"to": to, "key": key})
            assert answer.status_code == 400
            assert to not in answer.text or not to


async def test_a_partner_that_is_elsewhere_in_a_demo_takes_its_policy_along() -> None:
    at = "https://mirror.localhost:8443"
    page = page_app(f"{FOOT}<a href={at}/get>x</a>")
    async with visit(page, "aimini", origins={"download-mirror": at}) as (client, reports):
        notice = await client.get(hrefs(await client.get("/"))[1])
    assert hrefs(notice)[:2] == [f"{at}/privacy", f"{at}/get"]
    assert reports == []


async def test_what_stands_in_a_link_is_shown_as_text_alone() -> None:
    page = f"{FOOT}<a href='{MIRROR}/\"><script>alert(1)</script>'>x</a>"
    async with visit(page_app(page), "aimini") as (client, _):
        notice = await client.get(hrefs(await client.get("/"))[1])
    assert "<script" not in notice.text
    assert "default-src 'none'" in notice.headers["content-security-policy"]


async def test_a_link_too_long_for_a_notice_is_taken_out() -> None:
    async with visit(page_app(f'{FOOT}<a href="{ELSEWHERE}/{"x" * 3000}">x</a>'), "aimini") as (client, reports):
        assert hrefs(await client.get("/"))[1] == "#"
    assert kinds(reports) == ["link", "link"]


async def test_a_link_with_a_persons_data_in_it_still_shows_its_notice() -> None:
    async with visit(page_app(f'{FOOT}<a href="{MIRROR}/?m=ada@example.com">x</a>'), "aimini") as (client, reports):
        assert (await client.get(hrefs(await client.get("/"))[1])).status_code == 200
    assert reports == []


# -- AIT-16: what pages load ---------------------------------------------------------------------------------------

LOADS = [
    '<img src="https://ads.example/p.gif">',
    '<img srcset="/a.png 1x, https://ads.example/p.png 2x">',
    "<script src=//ads.example/a.js></script>",
    '<iframe src="https://ads.example/"></iframe>',
    '<link rel="stylesheet" href="https://ads.example/f.css">',
    '<link rel="dns-prefetch" href="//ads.example">',
    '<video poster="https://ads.example/p.gif"></video>',
    '<object data="https://ads.example/x"></object>',
    '<embed src="https://ads.example/x">',
    '<input type=image src="https://ads.example/x">',
    '<svg><image href="https://ads.example/x"/></svg>',
    '<svg><use xlink:href="https://ads.example/x#y"/></svg>',
    '<a href="/x" ping="https://ads.example/x">x</a>',
    '<base href="https://ads.example/">',
    '<form action="https://ads.example/x"></form>',
    '<button formaction="https://ads.example/x">x</button>',
    "<IMG\nSRC=https&colon;//ads.example/p.gif>",
]


@pytest.mark.parametrize("page", LOADS)
async def test_ait_16_what_a_page_loads_or_sends_elsewhere_is_reported(page: str) -> None:
    async with visit(page_app(page), "aitpro") as (client, reports):
        answer = await client.get("/")
    assert "ads.example" not in answer.headers["content-security-policy"]
    assert kinds(reports) == ["subresource"]
    assert named(reports) == {"AIT-4", "AIT-16"}
    assert "ads.example" in reports[0].says


@pytest.mark.parametrize(
    "page",
    [
        '<img src="/a.png">',
        '<link rel="canonical" href="https://other.example/">',
        '<img src="data:image/png;base64,AA==">',
    ],
)
async def test_what_loads_from_the_site_itself_is_not_reported(page: str) -> None:
    async with visit(page_app(page), "aitpro") as (client, reports):
        await client.get("/")
    assert reports == []


async def test_ait_16_aim_2_a_script_in_the_page_is_reported() -> None:
    """TOC-5."""
    for site, promises in (("aitpro", {"AIT-4", "AIT-16"}), ("aimini", {"AIM-2"})):
        async with visit(page_app(f"{FOOT}<script>localStorage.x=1</script>"), site) as (client, reports):
            assert "script-src" not in (await client.get("/")).headers["content-security-policy"]
        assert (kinds(reports), named(reports)) == (["script"], promises)


async def test_a_form_to_a_processor_needs_a_link_to_its_policy_beside_it() -> None:
    form = '<form action="https://keyhouse.example/order"></form>'
    async with visit(page_app(FOOT + form), "aimini") as (client, reports):
        await client.get("/")
    assert (kinds(reports), named(reports)) == (["notice"], {"AIM-10"})
    linked = form + '<a href="https://keyhouse.example/privacy">its policy</a>'
    async with visit(page_app(FOOT + linked), "aimini") as (client, reports):
        await client.get("/")
    assert reports == []


async def test_aud_3_a_form_that_sends_without_tls_is_reported() -> None:
    page = "<a href=/privacy>2010-12-31</a><form action=http://pay.example></form>"
    async with visit(page_app(page)) as (client, reports):
        await client.get("/")
    assert named(reports) == {"AUD-3", "AUD-15"}


# -- AUD-12, TOC-1: the policy is one click away -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("site", "version", "promise"), [("audiomidi", "2010-12-31", "AUD-12"), ("aitoc", "2017-06-06", "TOC-1")]
)
async def test_aud_12_toc_1_a_page_without_policy_link_or_version_is_reported(
    site: str, version: str, promise: str
) -> None:
    for page, faults in (
        (f'<a href="/privacy">policy of {version}</a>', 0),
        (f'<a href="/privacy?since=1#top">policy of {version}</a>', 0),
        (f'<a class="x" href=https://{HOST}/privacy>{version}</a>', 0),
        ('<a href="/privacy">policy</a>', 1),
        (f'<a href="/privacy-settings">{version}</a>', 1),
        (f'<p data-href="/privacy">{version}</p>', 1),
        ("<p>nothing</p>", 2),
    ):
        async with visit(page_app(page), site) as (client, reports):
            await client.get("/")
        assert (len(reports), named(reports)) == (faults, {promise} if faults else set()), page


async def test_an_error_page_and_the_policy_itself_need_no_link() -> None:
    async with visit(app_of(lambda _: HTMLResponse("2010-12-31", 404))) as (client, reports):
        await client.get("/")
    async with visit(page_app("2010-12-31")) as (client, reports):
        await client.get("/privacy")
    assert reports == []


# -- how pages come -------------------------------------------------------------------------------------------------

LINKED = f'{FOOT}<a href="{ELSEWHERE}">x</a>'


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
async def test_a_packed_page_is_unpacked_and_looked_at(encoding: str, pack: Any) -> None:
    app = app_of(lambda _: HTMLResponse(pack(LINKED.encode()), headers={"Content-Encoding": encoding}))
    async with visit(app, "aimini") as (client, reports):
        answer = await client.get("/")
    assert "/leaving?to=" in answer.text
    assert "content-encoding" not in answer.headers
    assert kinds(reports) == ["link"]


@pytest.mark.parametrize(
    ("encoding", "body"),
    [  # mtime: without it the bytes, and so the names of the tests, would tell the second they were made in
        ("br", b"x"),
        ("gzip", b"no gzip"),
        ("gzip", gzip.compress(b"x" * 3_000_000, mtime=0)),
        ("gzip, gzip", b"x"),
        ("GZIP", gzip.compress(b"x", mtime=0)[:-4]),
    ],
)
async def test_a_page_that_cannot_be_unpacked_is_not_shown(encoding: str, body: bytes) -> None:
    app = app_of(lambda _: HTMLResponse(body, headers={"Content-Encoding": encoding}))
    async with visit(app, "aimini") as (client, reports):
        answer = await client.get("/")
    assert (answer.status_code, kinds(reports)) == (500, ["notice"])
    assert "content-encoding" not in answer.headers


async def test_a_page_in_pieces_is_put_together_first() -> None:
    async def pieces() -> Any:
        for char in LINKED:
            yield char

    async with visit(app_of(lambda _: StreamingResponse(pieces(), media_type="Text/HTML")), "aimini") as (client, _):
        assert "/leaving?to=" in (await client.get("/")).text


async def test_a_page_over_the_limit_passes_and_is_reported() -> None:
    async with visit(page_app(LINKED + "x" * 500), "aimini", max_page=400) as (client, reports):
        assert (await client.get("/")).text == LINKED + "x" * 500
    assert kinds(reports) == ["notice"]


async def test_a_head_tells_no_length_that_the_page_would_not_have() -> None:
    app = app_of(lambda _: Response(b"", headers={"Content-Type": "text/html", "Content-Length": "10"}))
    async with visit(app, "aimini") as (client, _):
        assert "content-length" not in (await client.head("/")).headers


async def test_report_only_leaves_the_page_alone() -> None:
    async with visit(page_app(LINKED), "aimini", report_only=True) as (client, reports):
        assert (await client.get("/")).text == LINKED
    assert [report.says for report in reports] == [
        "a link to `elsewhere.example` without the notice",
        "a link to `elsewhere.example`, which the policy does not declare",
    ]


# -- the first look ------------------------------------------------------------------------------------------------

PIECES = st.sampled_from(
    ["<a ", "<img ", "href", "src", "=", '"', "'", " ", "\t", "\n", "\x01", "/", "\\", "https", "http", ":", "&#x2f;", "e.example",
     ">", "x", "&colon;", "\x0b", "<script", "<meta http-equiv=refresh content"]
)  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(st.lists(PIECES, max_size=14).map("".join))
def test_whatever_a_close_look_finds_the_first_look_does_not_rule_out(text: str) -> None:
    page = f"<a href={text}".encode()
    found = look(page, frozenset())
    if found.links or found.loads or found.sends or found.scripts:
        assert may_lead_away(page)


@pytest.mark.parametrize("piece", ["<a ", '<a href="', "<a href='", "=", '="', "= ", '="/', "<a x"])
def test_a_crafted_page_takes_no_longer_than_its_length_demands(piece: str) -> None:
    page = piece.encode() * 100_000  # by the square of it this would take hours
    may_lead_away(page)
    assert look(page, frozenset()).loads == ()
