"""The guide: plain pages on the loopback that lead through the demo, show its mail, and move its clock.

It shows passwords and codes, so it answers only to who asks for `localhost` itself, and takes orders only from its own
pages.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from secrets import compare_digest, token_urlsafe
from typing import Final
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from avow.demo.authority import Certificates
from avow.demo.clocks import FARTHEST, Clocks, terms
from avow.demo.mailbox import Mailbox
from avow.demo.places import Addresses
from avow.demo.stories import STORIES
from avow.doors.design import Look, error_page, error_pages, page, static, templates
from avow.policy.model import Policy

_HERE: Final = Path(__file__).parent / "templates"
_LINKS: Final = (
    ("/", "Start"), ("/people", "Sign-ins"), ("/mail", "Mail"), ("/clock", "Clock"), ("/https", "Certificate"),
)  # fmt: skip
_HEADERS: Final = {
    "content-security-policy": "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
}
CARDS: Final = (  # numbers that payment companies publish for trying out; Luhn-valid, and nobody's
    ("4242 4242 4242 4242", "is paid"),
    ("4000 0025 0000 3155", "asks for one more step, then is paid"),
    ("4000 0000 0000 0002", "is declined"),
    ("4000 0000 0000 9995", "lacks the money"),
)
_CODE: Final = re.compile(r"(?<!\d)\d{8}(?!\d)")


@dataclass(frozen=True, slots=True)
class SignIn:
    """A colleague of the demo."""

    name: str
    role: str
    signed: bool
    cases: bool = False  # may put a case forward, and agree to a colleague's


@dataclass(frozen=True, slots=True)
class OnFile:
    """A recipient of the demo, and where its private key lies."""

    name: str
    says: str
    key: Path


@dataclass(frozen=True, slots=True)
class Shown:
    """All that the guide tells of."""

    addresses: Addresses
    policies: Mapping[str, Policy]
    certificates: Certificates
    mailbox: Mailbox
    clocks: Clocks
    staff: Mapping[str, Sequence[SignIn]]
    password: str  # of all of them
    customers: Mapping[str, Sequence[str]]  # addresses of people whom each shop holds already
    recipients: Mapping[str, Sequence[OnFile]]


class Guide:
    """Makes the guide's app, and answers its pages."""

    def __init__(self, shown: Shown) -> None:
        self._shown = shown
        self._token = token_urlsafe()  # in its own forms; pages of other sites cannot read it
        self._look = Look(hue=262, colour=0.11, radius=10, face="grand")
        self._env = templates(_HERE, look=self._look, site="Avow demo", links=_LINKS, at=shown.addresses)

    def app(self) -> ASGIApp:
        """The app. It answers to `localhost` and `127.0.0.1`, and nobody else's pages can post to it."""
        pages = {
            "/": self._start, "/people": self._people, "/mail": self._mail, "/mail/{number:int}": self._letter,
            "/clock": self._clock, "/https": self._https, "/authority.pem": self._authority,
        }  # fmt: skip
        routes = [Route(path, act, methods=["GET"]) for path, act in pages.items()]
        routes += [Route("/clock", self._move, methods=["POST"]), static(look=self._look)]
        routes += [Route("/guide.css", self._sheet, methods=["GET"])]
        return _AtHome(Starlette(routes=routes, exception_handlers=error_pages(self._env)))

    async def _start(self, _: Request) -> Response:
        shops = [(story, self._shown.policies[story.site]) for story in STORIES]
        return page(self._env, "start.html", here="/", shops=shops, cards=CARDS, mails=len(self._shown.mailbox))

    async def _people(self, _: Request) -> Response:
        policies, told = self._shown.policies, self._shown
        shops = [
            (policies[site], staff, told.customers.get(site, ()), told.recipients.get(site, ()))
            for site, staff in told.staff.items()
        ]
        return page(self._env, "people.html", here="/people", shops=shops, password=self._shown.password)

    async def _mail(self, _: Request) -> Response:
        letters = [(letter, _CODE.search(letter.text)) for letter in self._shown.mailbox.newest_first()]
        return page(self._env, "mail.html", here="/mail", letters=letters)

    async def _letter(self, request: Request) -> Response:
        number = request.path_params["number"]
        for letter in self._shown.mailbox.newest_first():
            if letter.number == number:
                return page(self._env, "letter.html", here="/mail", letter=letter, parts=_linked(letter.text))
        return error_page(self._env, 404, says="This letter is not kept any more, or never came.")

    async def _clock(self, _: Request) -> Response:
        return await self._clock_page()

    async def _clock_page(self, error: str = "") -> Response:
        clocks, policies = self._shown.clocks, self._shown.policies
        kept = [(policy, terms(policy)) for policy in policies.values()]
        moved = [
            (one, [[policies[site].controller.name, *(did.get(what, 0) for what in ("data", "keys", "purged"))]
                   for site, did in one.swept.items()])
            for one in clocks.moved
        ]  # fmt: skip
        return page(
            self._env, "clock.html", status=400 if error else 200, here="/clock", error=error, farthest=FARTHEST, token=self._token,
            now=await clocks.now(), moved=moved, kept=kept,
        )  # fmt: skip

    async def _move(self, request: Request) -> Response:
        form = await request.form()
        given = str(form.get("days", ""))
        if not compare_digest(str(form.get("token", "")).encode(), self._token.encode()):
            return await self._clock_page("This page was opened before the demo was started anew. Try once more.")
        try:
            await self._shown.clocks.move(int(given) if given.isascii() and given.isdigit() else 0)
        except ValueError:
            return await self._clock_page(f"Give a whole number of days from 1 to {FARTHEST}.")
        return RedirectResponse("/clock", 303)

    async def _https(self, _: Request) -> Response:
        files = self._shown.certificates
        return page(
            self._env, "https.html", here="/https", pin=files.pin(), fingerprint=files.fingerprint(),
            file=str(files.authority),
        )  # fmt: skip

    async def _sheet(self, _: Request) -> Response:
        return FileResponse(_HERE / "guide.css", media_type="text/css", headers={"cache-control": "no-cache"})

    async def _authority(self, _: Request) -> Response:
        headers = {"content-disposition": 'attachment; filename="avow-demo-authority.pem"'}
        return Response(self._shown.certificates.authority.read_bytes(), 200, headers, "application/x-pem-file")


class _AtHome:
    """Asked under another name it does not answer, for another site's page may have brought that name along."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "http":
            host = Headers(scope=scope).get("host", "")
            if urlsplit(f"//{host}").hostname not in {"localhost", "127.0.0.1"}:
                await Response("open this page as http://localhost\n", 421)(scope, receive, send)
                return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        await self._app(scope, receive, answer)


def _linked(text: str) -> list[tuple[str, bool]]:
    """The text in parts, and whether each is an address of this demo, which may be followed."""
    pattern = re.compile(r"(https://[a-z0-9.-]*localhost(?::\d+)?[^\s<>\"')\]]*)")
    return [(part, number % 2 == 1) for number, part in enumerate(pattern.split(text))]
