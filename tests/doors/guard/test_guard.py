"""AUD-3, DAM-15: TLS, hosts, headers; own pages; report only; other scopes."""

import os
from typing import Any

import pytest
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from avow.doors.guard import Guard
from avow.errors import CallError, UnknownWord
from tests.doors.guard.sites import (
    CARD,
    ECHO,
    HOST,
    NOW,
    TOKEN,
    app_of,
    chance,
    cookie_app,
    guarded,
    kinds,
    named,
    page_app,
    visit,
)
from tests.policy.five import policy_of

PLAIN = app_of(lambda _: PlainTextResponse("plain"))


async def test_aud_3_plain_http_is_sent_to_https_before_the_application_sees_it() -> None:
    async with visit(PLAIN, base=f"http://{HOST}") as (client, reports):
        answer = await client.get("/a%20b?c=d")
    assert (answer.status_code, answer.headers["location"]) == (308, f"https://{HOST}/a%20b?c=d")
    assert "strict-transport-security" in answer.headers
    assert named(reports) == {"AUD-3", "AUD-15"}


@pytest.mark.parametrize(("site", "promise"), [("audiomidi", "AUD-3"), ("daminion", "DAM-15"), ("aimini", "AIM-8")])
async def test_aud_3_dam_15_a_form_sent_without_tls_is_refused(site: str, promise: str) -> None:
    async with visit(PLAIN, site, base=f"http://{HOST}") as (client, reports):
        answer = await client.post("/", content="name=Ada")
    assert answer.status_code == 403
    assert promise in named(reports)
    assert promise in answer.text


@pytest.mark.parametrize(
    "host", ["evil.example", "shop.example.evil.example", "", "shop.example@evil.example", "shop.example/x"]
)
async def test_a_host_that_is_not_the_sites_is_refused(host: str) -> None:
    async with visit(PLAIN) as (client, reports):
        answer = await client.get("/", headers={"Host": host})
    assert answer.status_code == 400
    assert kinds(reports) == ["host"]


async def test_a_second_or_forwarded_host_that_differs_is_refused() -> None:
    async with visit(PLAIN) as (client, _):
        for more in ("host", "x-forwarded-host"):
            answer = await client.get("/", headers=[("host", HOST), (more, "evil.example")])
            assert answer.status_code == 400
        assert (await client.get("/", headers={"Host": "SHOP.example:443"})).status_code == 200


async def test_headers_are_put_on_and_cannot_be_weakened() -> None:
    """AUD-3, DAM-15."""
    weak = {
        "referrer-policy": "unsafe-url", "Report-To": "x", "X-Powered-By": "y", "Cross-Origin-Opener-Policy": "unsafe-none",
        "access-control-allow-origin": "*", "cache-control": "public", "etag": '"ada"', "Strict-Transport-Security": "max-age=0",
    }  # fmt: skip
    async with visit(
        page_app("<a href=/privacy>2010-12-31</a>", **weak), origins={"payments": "https://pay.localhost:8443"}
    ) as (client, _):
        headers = (await client.get("/")).headers
    csp = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; ") if " " in part)
    assert csp["default-src"] == "'none'"
    assert csp["form-action"] == "'self' https://pay.localhost:8443"
    assert csp["frame-ancestors"] == "'none'"
    assert "script-src" not in csp
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    assert headers["strict-transport-security"] == "max-age=63072000; includeSubDomains"
    assert not {"report-to", "x-powered-by", "access-control-allow-origin", "etag"} & set(headers)


async def test_this_machine_gets_no_hsts_and_scripts_only_where_asked() -> None:
    async with visit(
        PLAIN, base="https://shop.localhost:8443", hosts=["shop.localhost:8443"], scripts=["/passkey"]
    ) as (client, _):
        usual, scripted = [(await client.get(path)).headers for path in ("/", "/passkey")]
    assert "strict-transport-security" not in usual
    assert "upgrade-insecure-requests" not in usual["content-security-policy"]
    assert "script-src" not in usual["content-security-policy"]
    assert "script-src 'self'" in scripted["content-security-policy"]


async def test_a_style_that_stands_in_a_page_is_shown_where_its_hash_is_named_and_nothing_else_is_let_in() -> None:
    named = "'sha256-hiCiCY4KY0hea2NO2vezvhfIxYltbVmoW1jjVrtQ8e0='"
    async with visit(PLAIN, base="https://shop.localhost:8443", hosts=["shop.localhost:8443"], styles=[named]) as (
        at,
        _,
    ):
        policy = (await at.get("/")).headers["content-security-policy"]
    assert f"style-src 'self' {named};" in policy
    for loose in ("'unsafe-inline'", "https://styles.example", "sha256-AAAA", named + " 'unsafe-inline'"):
        with pytest.raises(CallError, match="named by its hash"):
            Guard(
                PLAIN,
                policy_of("daminion"),
                clock=lambda: NOW,
                random=os.urandom,
                hosts=["shop.localhost"],
                styles=[loose],
            )


async def test_aim_2_no_validator_that_a_browser_would_send_back() -> None:
    tagged = app_of(lambda _: PlainTextResponse("x", headers={"ETag": '"ada"', "Cache-Control": "max-age=9"}))
    async with visit(tagged, "aimini") as (client, _):
        static = (await client.get("/static/x.css")).headers
        assert "etag" not in static
        assert static["cache-control"] == "no-store"  # nothing is left behind, a copy of the style sheet neither
    async with visit(tagged, "daminion") as (client, _):
        static = (await client.get("/static/x.css")).headers
        assert (static["etag"], static["cache-control"]) == ('"ada"', "max-age=9")
        assert "etag" not in (await client.get("/x")).headers


async def test_header_splitting_is_cut_off() -> None:
    async def split(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-a", b"1\r\nset-cookie: a=b")]})
        await send({"type": "http.response.body", "body": b""})

    async with visit(split) as (client, reports):
        assert "x-a" not in (await client.get("/")).headers
    assert kinds(reports) == ["header"]


async def test_what_is_no_page_streams_through_unbuffered() -> None:
    sent: list[bytes] = []

    async def parts() -> Any:
        for part in (b"one", b"two"):
            yield part
            assert sent[-1] == part  # out before the next is made

    async def send(message: Any) -> None:
        sent.append(message.get("body", b""))

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    app = app_of(lambda _: StreamingResponse(parts(), media_type="text/csv"))
    scope = {
        "type": "http", "asgi": {"spec_version": "2.4"}, "http_version": "1.1", "method": "GET", "scheme": "https",
        "path": "/x", "raw_path": b"/x", "query_string": b"", "root_path": "", "headers": [(b"host", HOST.encode())],
    }  # fmt: skip
    await guarded(app)(scope, receive, send)
    assert b"".join(sent) == b"onetwo"


# -- pages of its own -----------------------------------------------------------------------------------------------


async def test_gpc_and_security_files_are_there() -> None:
    async with visit(PLAIN) as (client, _):
        gpc = (await client.get("/.well-known/gpc.json")).json()
        security = (await client.get("/.well-known/security.txt")).text.splitlines()
    assert gpc == {"gpc": True, "lastUpdate": "2010-12-31"}
    assert security[:3] == [
        "Contact: mailto:privacy@audiomidi.example", f"Contact: https://{HOST}/contact", "Contact: tel:+15550110",
    ]  # fmt: skip
    assert "Expires: 2027-05-25T12:00:00Z" in security


# -- report only ----------------------------------------------------------------------------------------------------


async def test_report_only_changes_nothing_and_reports_everything() -> None:
    async with visit(cookie_app(f"tracker={TOKEN}"), report_only=True) as (client, reports):
        answer = await client.get("/")
        assert answer.headers["set-cookie"] == f"tracker={TOKEN}"
        assert "content-security-policy" not in answer.headers
        assert (await client.get("/?q=ada@example.com")).status_code == 200
    assert kinds(reports) == ["cookie", "address", "cookie"]
    async with visit(ECHO, report_only=True) as (client, reports):
        assert (await client.post("/x", data={"note": f"card {CARD}"})).status_code == 200
        assert (await client.get("/x", headers={"Cookie": "other=1"})).json()["cookies"] == {"other": "1"}
    assert kinds(reports) == ["card"]


# -- how it is made -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"hosts": ()}, None),  # the controller's URL stands in
        ({"plain_hosts": ["shop.example"]}, CallError),
        ({"plain_hosts": ["localhost"]}, CallError),
        ({"loads": ["gear-makers"]}, CallError),
        ({"origins": {"nobody": "https://x.example"}}, UnknownWord),
    ],
)
def test_what_cannot_be_meant_is_refused_when_it_is_made(
    options: dict[str, Any], error: type[Exception] | None
) -> None:
    if error is None:
        assert isinstance(guarded(PLAIN, **options), Guard)
        return
    with pytest.raises(error):
        guarded(PLAIN, **options)


# -- other scopes ---------------------------------------------------------------------------------------------------


async def test_a_lifespan_passes() -> None:
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    await guarded(app)({"type": "lifespan"}, None, None)  # type: ignore[arg-type] # nothing is asked of them
    assert seen == ["lifespan"]


@pytest.mark.parametrize(
    ("scheme", "headers", "open_"),
    [
        ("wss", {b"host": b"shop.example"}, True),
        ("wss", {b"host": b"shop.example", b"origin": b"https://shop.example"}, True),
        ("wss", {b"host": b"shop.example", b"origin": b"https://evil.example"}, False),
        ("wss", {b"host": b"shop.example", b"origin": b"null"}, False),
        ("wss", {b"host": b"evil.example"}, False),
        ("ws", {b"host": b"shop.example"}, False),
    ],
)
async def test_websockets_are_held_to_hosts_and_tls_and_set_no_undeclared_cookie(
    scheme: str, headers: dict[bytes, bytes], open_: bool
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept", "headers": [(b"set-cookie", b"a=b")]})

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    scope = {"type": "websocket", "scheme": scheme, "path": "/", "query_string": b"", "headers": list(headers.items())}
    await guarded(app)(scope, receive, send)
    assert [one["type"] for one in sent] == ["websocket.accept" if open_ else "websocket.close"]
    assert not open_ or all(name != b"set-cookie" for name, _ in sent[0]["headers"])


async def test_an_answer_of_another_status_or_without_body_passes() -> None:
    async with visit(app_of(lambda _: Response(status_code=204))) as (client, _):
        assert (await client.get("/")).status_code == 204
    async with visit(page_app("<a href=/privacy>2010-12-31</a>")) as (client, _):
        assert (await client.head("/")).text == ""


def test_the_leaving_key_is_made_by_chance_of_the_right_length() -> None:
    counts: list[int] = []

    def counted(count: int) -> bytes:
        counts.append(count)
        return chance(count)

    Guard(PLAIN, policy_of("daminion"), hosts=[HOST], clock=lambda: NOW, random=counted)
    assert counts == [32]
