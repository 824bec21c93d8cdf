"""`Guard`: ASGI middleware that holds an application to its policy. See docs/guard.md for what it does and does not do."""

import asyncio
import contextlib
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from functools import partial
from typing import Final
from urllib.parse import parse_qs

from avow.doors.guard.address import troubles
from avow.doors.guard.answering import Answering
from avow.doors.guard.arrival import Arrival, Objection, arrive, has_body, object_to, place_of, raw_path
from avow.doors.guard.asgi import App, Receive, Scope, Send
from avow.doors.guard.body import Gone, TooLarge, again, object_to_body, read, too_large
from avow.doors.guard.cookies import show
from avow.doors.guard.headers import NO_STORE
from avow.doors.guard.links import away
from avow.doors.guard.pages import Answer, gpc_json, refusal, security_txt
from avow.doors.guard.report import Report, Tell, to_log
from avow.doors.guard.setting import Setting, set_up
from avow.policy.model import Policy

MAX_BODY: Final = 1 << 20
MAX_PAGE: Final = 2 << 20
LARGE: Final = 1 << 16  # bytes of a body that is looked at in a thread of its own
GPC, SECURITY = "/.well-known/gpc.json", "/.well-known/security.txt"
_PASSED: Final = frozenset({"tls", "websocket.http.response"})  # extensions that go past nothing


class Guard:
    """Holds `app` to `policy`.

    hosts        names, with port if it is not 443, that the application answers for; by default the controller's URL
    plain_hosts  those of them that may be served without TLS: names of this machine only
    own          further origins of the same site (its privacy centre, say): a link there is no leaving
    origins      recipient -> where it is to be found, in place of the policy's `origin` (for a demo)
    loads        recipients that pages may load images, styles and fonts from; none by default
    policy_page  the policy's path, or URL on one of `own`; every page has to link to it where the policy says so
    scripts      path prefixes whose pages may run scripts of the site; none by default
    static       path prefixes that may be cached; everything else is `no-store`
    styles       hashes of styles that may stand in a page itself, such as 'sha256-…' with its quotes; none by default
    leaving      the path of the guard's own page before a link to another site
    leaving_key  32 bytes that sign it, for several processes of one site; by default made by `random`
    report       is told each finding, and must not block
    report_only  nothing is changed or refused, and everything is reported: to get to know an application
    clock, random  the moment, aware; and so many bytes of chance

    In the scope the application finds `avow.gpc`, `avow.doubtful` (names of inputs that may hold a card number, to be
    confirmed by who sent them), and `avow.facts`, a set to which it adds what it has found to hold, such as
    `affiliate-link`, before it sets a cookie that needs it.

    Raises `CallError` for what cannot be meant.
    """

    def __init__(
        self, app: App, policy: Policy, *, clock: Callable[[], datetime], random: Callable[[int], bytes],
        hosts: Collection[str] = (), plain_hosts: Collection[str] = (), own: Collection[str] = (),
        origins: Mapping[str, str] | None = None, loads: Collection[str] = (), policy_page: str = "/privacy",
        scripts: Collection[str] = (), static: Collection[str] = ("/static/",), leaving: str = "/leaving",
        leaving_key: bytes | None = None, report: Tell = to_log, report_only: bool = False,
        max_body: int = MAX_BODY, max_page: int = MAX_PAGE, styles: Collection[str] = (),
    ) -> None:  # fmt: skip
        self._app = app
        self._setting: Final = set_up(
            policy, clock=clock, random=random, report=report, report_only=report_only, hosts=hosts,
            plain_hosts=plain_hosts, own=own, origins=origins or {}, loads=loads, policy_page=policy_page,
            leaving=leaving, leaving_key=leaving_key, scripts=scripts, static=static, max_body=max_body,
            max_page=max_page, styles=styles,
        )  # fmt: skip
        self._pages: Final = {GPC, SECURITY, *([leaving] if self._setting.rules.notices else [])}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        setting = self._setting
        here = arrive(scope)
        path = scope["path"]
        trouble = "" if path == setting.leaving.path else troubles(raw_path(scope), scope.get("query_string", b""))
        place = partial(place_of, scope, trouble)
        if objection := object_to(setting, scope, here, trouble):
            setting.tell(Report(objection.kind, place(), objection.promises, objection.says))
            if not setting.report_only:
                await _answer(setting, scope, here, self._refused(scope, here, objection), send)
                return
        if path in self._pages and scope["method"] in ("GET", "HEAD") and (own := self._own(scope, here)):
            await _answer(setting, scope, here, own, send)
            return
        doubtful: tuple[str, ...] = ()
        if has_body(scope, here):
            try:
                objection, doubtful, receive = await self._body(here, receive)
            except Gone:
                return
            if objection is not None:
                setting.tell(Report(objection.kind, place(), objection.promises, objection.says))
                if not setting.report_only:
                    await _answer(setting, scope, here, self._refused(scope, here, objection), send)
                    return
        inner, facts, held = self._inner(scope, here, doubtful)
        await self._app(inner, receive, Answering(setting, scope, here, place, send, facts, held).send)

    async def _body(self, here: Arrival, receive: Receive) -> tuple[Objection | None, tuple[str, ...], Receive]:
        """What is wrong with the body, its doubtful inputs, and a `receive` that gives it again."""
        try:
            body, messages = await read(receive, self._setting.max_body, here.length)
        except TooLarge as large:
            return too_large(self._setting.max_body), (), again(large.messages, receive)
        if len(body) > LARGE:  # a crafted one takes two seconds a MiB: others are served meanwhile
            objection, looked = await asyncio.to_thread(object_to_body, self._setting, here, body)
        else:
            objection, looked = object_to_body(self._setting, here, body)
        return objection, looked.doubtful, again(messages, receive)

    def _inner(
        self, scope: Scope, here: Arrival, doubtful: tuple[str, ...]
    ) -> tuple[Scope, set[object], frozenset[str]]:
        """The scope that the application sees, the facts it may add to, and the cookies that it is shown."""
        facts: set[object] = set()
        inner = {**scope, "avow.gpc": here.gpc, "avow.doubtful": doubtful, "avow.facts": facts}
        held: frozenset[str] = frozenset()
        if here.cookies:
            cookies, held = show(self._setting.rules, here.cookies, gpc=here.gpc)
            if not self._setting.report_only:
                foreign = here.cross_site and scope.get("method", "GET") not in ("GET", "HEAD", "OPTIONS")
                kept = [one for one in scope["headers"] if one[0] != b"cookie"]
                inner["headers"] = [*kept, (b"cookie", cookies)] if cookies and not foreign else kept
        if scope.get("extensions") and not self._setting.report_only:
            inner["extensions"] = {name: told for name, told in scope["extensions"].items() if name in _PASSED}
        return inner, facts, held

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        setting = self._setting
        here = arrive(scope)
        trouble = troubles(raw_path(scope), scope.get("query_string", b""))
        place = partial(place_of, scope, trouble)
        objection = object_to(setting, scope, here, trouble) or _foreign(setting, scope)
        if objection is not None:
            setting.tell(Report(objection.kind, place(), objection.promises, objection.says))
            if not setting.report_only:
                await receive()  # websocket.connect
                await send({"type": "websocket.close", "code": 1008})
                return
        inner, facts, held = self._inner(scope, here, ())
        await self._app(inner, receive, Answering(setting, scope, here, place, send, facts, held).send)

    # -- the guard's own answers ------------------------------------------------------------------------------------

    def _refused(self, scope: Scope, here: Arrival, objection: Objection) -> Answer:
        accept = next((value for name, value in scope["headers"] if name == b"accept"), b"")
        machine = b"json" in accept or ("json" in here.content_type and b"text/html" not in accept)
        more = ((b"location", objection.location.encode("ascii")),) if objection.location else ()
        return refusal(
            objection.status, objection.title, objection.text, objection.promises, machine=machine,
            policy=self._setting.policy_html, more=more,
        )  # fmt: skip

    def _own(self, scope: Scope, here: Arrival) -> Answer | None:
        """A page of the guard's own, or None where it has nothing to say."""
        setting = self._setting
        if scope["path"] == GPC:
            return gpc_json(setting.policy.version.isoformat())
        if scope["path"] == SECURITY:
            origin = f"https://{setting.hosts.get(here.host, here.host)}"
            return security_txt(setting.policy.controller, origin, setting.clock())
        given = parse_qs(scope.get("query_string", b"").decode("ascii", "replace"))
        url, signature = given.get("to", [""])[0], given.get("key", [""])[0]
        target = away(url, ()) if setting.leaving.genuine(url, signature) else None
        if target is None:
            text = "This address was not made by our pages, so it leads nowhere. Go back and follow the link itself."
            return refusal(
                400,
                "That link does not hold",
                text,
                setting.rules.leaving,
                machine=False,
                policy=setting.policy_html,
            )
        return setting.leaving.page(target.url, target.host, setting.recipients.get(target.origin))


def _foreign(setting: Setting, scope: Scope) -> Objection | None:
    """A websocket that a page of another site opens."""
    origins = [value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"]
    if all(away(origin, setting.own) is None and origin != "null" for origin in origins):
        return None
    return Objection("host", (), "a websocket opened by a page of another site; refused", 403, "", "")


async def _answer(setting: Setting, scope: Scope, here: Arrival, answer: Answer, send: Send) -> None:
    headers = [
        (b"content-type", answer.kind),
        (b"content-length", b"%d" % len(answer.body)),
        *answer.more,
        *setting.own_headers[here.on_this_machine],
        NO_STORE,
    ]
    with contextlib.suppress(OSError):  # gone already
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        body = b"" if scope["method"] == "HEAD" else answer.body
        await send({"type": "http.response.body", "body": body, "more_body": False})
