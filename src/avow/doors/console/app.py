"""The staff console as an ASGI app, on an origin of its own."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from avow.desk.interface import Desk
from avow.doors.console import changes, contact, house, incoming, passing, statistics, visits, work
from avow.doors.console.entry import Entry, sign
from avow.doors.console.room import HERE, Act, Room
from avow.doors.design import Look, error_page, error_pages, static
from avow.doors.guard import Guard, Report
from avow.doors.guard.report import to_log
from avow.errors import AvowError
from avow.policy.model import Policy
from avow.visits import Counted

SCRIPT: Final = "/passkey.js"  # the console's one script
SCRIPTED: Final = frozenset(("/passkey", "/passkeys/new"))  # the pages that may run it
CSP: Final = (  # beside the guard's: a browser holds a page to both
    "default-src 'none'; style-src 'self'; script-src {}; img-src data:; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'"
)
ACTS: Final[Mapping[str, Act]] = {
    "/queue": work.queue, "/find": work.find, "/task": work.task, "/look": work.look, "/close": work.close,
    "/answer": work.answer, "/send-code": work.send_code,
    "/reach": contact.may, "/reach-found": contact.may_found, "/outcome": contact.outcome, "/sent": contact.sent,
    "/incoming": incoming.start, "/incoming/stop": incoming.stop, "/incoming/right": incoming.right,
    "/incoming/form": incoming.form, "/incoming/wish": incoming.wish,
    "/cases": passing.cases, "/cases/new": passing.case, "/cases/propose": passing.propose,
    "/cases/agree": passing.agree, "/cases/close": passing.close,
    "/changes": changes.board, "/record": house.record, "/staff": house.staff, "/invite": house.invite, "/dismiss": house.dismiss,
    "/affiliates": house.affiliates, "/visits": visits.board, "/visits/addresses": visits.addresses,
    "/statistics": statistics.start, "/statistics/release": statistics.release,
    "/account": house.account, "/passkeys/new": house.passkey_wanted, "/passkeys": house.passkey_made,
}  # fmt: skip
LIVE: Final = "/visits/live"
FILES: Final[Mapping[str, Act]] = {  # beside the page, which the browser goes on showing
    "/label": contact.label, "/letter": contact.letter, "/statistics/file": statistics.file,
    "/cases/package": passing.package, "/pass-on": passing.pass_on,
}  # fmt: skip


def make_console(
    desk: Desk, policy: Policy, *, origin: str, policy_page: str, clock: Callable[[], datetime],
    random: Callable[[int], bytes], look: Look | None = None, report: Callable[[Report], None] = to_log,
    fonts: Sequence[Path] | None = None, counted: Counted | None = None,
) -> Guard:  # fmt: skip
    """The console of one site. `origin` is where browsers see it, for example `https://console.shop.example`; passkeys
    are bound to it, and posts from elsewhere are turned away. `policy_page`: URL of the policy, for the foot of its pages
    and letters; `fonts`: what letters are printed in, see `avow.doors.console.papers`.
    `clock`, `random`, `report`: as the guard takes them, which holds the console to the policy. `look`: how it looks.
    `counted`: the site's visits, for who may see them.
    Raises `CallError` for an origin without TLS that is not this machine's.

    It keeps nothing and decides nothing: every page asks the desk anew. It sets no cookie, writes nothing into the
    browser, and puts no token, name or value into an address, but for a live view's ticket, see `LiveViews`. Without JavaScript everything works but passkeys.
    """
    chosen = look or Look(hue=220, colour=0.06, radius=6)
    room = Room(desk, policy, origin.rstrip("/"), chosen, policy_page, fonts, counted)
    entry, live = Entry(room), visits.LiveViews(room, clock, random)

    async def script(_: Request) -> Response:
        return FileResponse(HERE / "passkey.js", media_type="text/javascript")

    posts = {path: room.signed_in(act) for path, act in ACTS.items()}
    posts |= {path: room.signed_in(act, renewed=False) for path, act in FILES.items()}
    posts |= {
        LIVE: room.signed_in(live.open, renewed=False),
        "/": entry.sign_in, "/accept": entry.accept, "/sign-out": entry.sign_out, "/passkey": entry.passkey,
        "/passkey/answer": entry.passkey_answered, "/agreement": room.signed_in(sign, unsigned=True),
    }  # fmt: skip
    gets = dict.fromkeys(posts, entry.start) | {"/accept": entry.invited}  # a page that needs a session begins there
    routes = [Route(path, act, methods=["POST"]) for path, act in posts.items()]
    routes += [Route(path, act, methods=["GET"]) for path, act in gets.items()]
    routes += [Route(f"{LIVE}/{{ticket}}", live.again, methods=["GET"])]
    routes += [Route(SCRIPT, script, methods=["GET"]), static(look=chosen)]
    app = Starlette(routes=routes, exception_handlers=error_pages(room.env) | {AvowError: room.unavailable})
    app.router.redirect_slashes = False  # it would repeat the host that the caller names
    scheme, host = urlsplit(room.origin)[:2]
    return Guard(
        _Alone(app, room), policy, clock=clock, random=random, hosts=[host], plain_hosts=[host] if scheme == "http" else (),
        own=["{0.scheme}://{0.netloc}".format(urlsplit(policy_page))], policy_page=policy_page, scripts=tuple(SCRIPTED),
        static=(), report=report,
    )  # fmt: skip


class _Alone:
    """Inside the guard: posts from other origins do not get in, and pages may do less than the guard lets a shop's do.

    A forged post would carry no session, for nothing is ambient here; it is turned away all the same.
    """

    def __init__(self, app: ASGIApp, room: Room) -> None:
        self._app = app
        self._room = room

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                scripts = "'self'" if scope["path"] in SCRIPTED else "'none'"
                headers["content-security-policy"] = CSP.format(scripts)
                headers["x-frame-options"] = "DENY"
            await send(message)

        if scope["method"] not in {"GET", "HEAD"} and self._foreign(Headers(scope=scope)):
            says = "This was sent from another site. Nothing was changed. Open the console itself and start there."
            refused = error_page(self._room.env, 403, title="This did not come from here", says=says)
            await refused(scope, receive, answer)
            return
        await self._app(scope, receive, answer)

    def _foreign(self, headers: Headers) -> bool:
        """Whether a browser says that another site sent it. Who sends neither header is no browser of today's.

        A page that asks for no referrer, as ours do, posts with the origin `null`; `sec-fetch-site` tells then.
        """
        if headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
            return True
        return headers.get("origin", "null") not in {"null", self._room.origin}
