"""The visitor of the check reads pages as a browser would, and says so when a page is not what it should be."""

from urllib.parse import parse_qs

import httpx
import pytest

from avow.demo.visitor import Lost, Visitor

PAGE = """<html><title>no</title><a href="/far?x=1">Read <b>on</b></a>
<form method="post" action="/order"><input type="hidden" name="token" value="t1"><input name="name" value="">
<textarea name="address">1 Quay
Street</textarea><input type="checkbox" name="news" value="yes"><input type="radio" name="way" value="a">
<input type="radio" name="way" value="b" checked><select name="land"><option value="x">X<option value="y" selected>Y</select>
<button>Order &amp; pay</button><button name="back" value="1" formaction="/cart">Back</button></form>
<form action="/find"><input name="q" value="lamp"><button>Find</button></form></html>"""


def visitor(sent: list[httpx.Request]) -> Visitor:
    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        if request.url.path == "/order":
            return httpx.Response(303, headers={"location": "/thanks", "set-cookie": "seen=1"})
        return httpx.Response(200, html=PAGE)

    return Visitor(httpx.AsyncClient(transport=httpx.MockTransport(answer)))


async def test_a_form_is_sent_whole_with_what_was_typed_and_its_way_followed() -> None:
    sent: list[httpx.Request] = []
    one = visitor(sent)
    await one.go("https://shop.localhost:1/")
    await one.send("/order", {"name": "Ada"}, button="Order")
    assert parse_qs(sent[1].content.decode(), keep_blank_values=True) == {
        "token": ["t1"], "name": ["Ada"], "address": ["1 Quay\nStreet"], "way": ["b"], "land": ["y"],
    }  # fmt: skip
    assert sent[1].headers["origin"] == "https://shop.localhost:1"
    assert (sent[2].method, sent[2].url.path, sent[2].headers["cookie"]) == ("GET", "/thanks", "seen=1")
    assert one.url == "https://shop.localhost:1/thanks"


async def test_a_button_that_leads_elsewhere_adds_itself_and_leads_there() -> None:
    sent: list[httpx.Request] = []
    one = visitor(sent)
    await one.go("https://shop.localhost/")
    await one.send("/cart", {"news": "yes"})
    told = parse_qs(sent[1].content.decode())
    assert (sent[1].url.path, told["back"], told["news"]) == ("/cart", ["1"], ["yes"])


async def test_links_and_searches_are_followed_and_words_are_read_without_tags() -> None:
    sent: list[httpx.Request] = []
    one = visitor(sent)
    await one.go("https://shop.localhost/")
    assert "Read on" in one.says
    assert "no" not in one.says.split()
    await one.follow("Read on")
    await one.send("/find")
    assert [str(request.url) for request in sent[1:]] == [
        "https://shop.localhost/far?x=1", "https://shop.localhost/find?q=lamp"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda one: one.follow("Log in"), "no link says `Log in` on shop.localhost/ "),
        (lambda one: one.send("/pay"), "no form goes to `/pay`"),
        (lambda one: one.send("/order", button="Give"), "by `Give`"),
        (lambda one: one.send("/order", {"card": "4242"}), "has no field `card`"),
    ],
)
async def test_what_is_not_there_is_said_without_what_was_typed(ask, says: str) -> None:
    one = visitor([])
    await one.go("https://shop.localhost/secret-token")
    with pytest.raises(Lost, match=says) as lost:
        await ask(one)
    assert "secret-token" not in str(lost.value)
    assert "4242" not in str(lost.value)
