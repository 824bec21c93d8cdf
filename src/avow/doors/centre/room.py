"""What every page of the centre shares: the desk, the policy, the templates, and how a signed-in page is answered."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from jinja2 import Environment
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from avow.desk.interface import Desk
from avow.doors import design
from avow.doors.centre import words
from avow.doors.centre.forms import posted
from avow.doors.versions import Known
from avow.errors import BadValue, CallError, Denied, Refused, TooMany, Unavailable
from avow.policy.model import Policy

CSP: Final = (
    "default-src 'none'; style-src 'self'{}; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
ENDED: Final = "You are not signed in, or were away too long. Nothing was changed. Sign in and go on from there."


@dataclass(frozen=True)
class Room:
    """One site's centre. `known`: the versions of its policy; `origin`: where browsers see it, "" for where they ask."""

    desk: Desk
    policy: Policy
    env: Environment
    known: Known
    verdicts: Callable[[], Mapping[str, str]]
    origin: str = ""

    @property
    def versions(self) -> Mapping[str, str]:
        """As data name the version that they came under: 32 hexadecimal digits -> its day."""
        return self.known.days()

    @property
    def contact(self) -> str | None:
        """The look-up category by which somebody comes in: the first that is reached by mail."""
        return next((c.name for c in self.policy.categories.values() if c.look_up and c.channel == "mail"), None)

    def page(self, template: str, *, status: int = 200, **context: Any) -> Response:
        """A page under the strictest content security policy that shows it."""
        return design.page(self.env, template, status=status, headers=guarded(), **context)

    def entry(self, *, status: int = 200, **context: Any) -> Response:
        """The page on which somebody shows who they are."""
        plain: dict[str, Any] = {"notice": "", "errors": {}, "value": "", "contact": self.contact}
        return self.page("entry.html", status=status, **(plain | context))

    def wrong(self, status: int, *, session: str = "", title: str = "", says: str = "", ids: tuple[str, ...] = ()) -> Response:  # fmt: skip
        """A refusal, with a way on for who is signed in."""
        shown = design.words_of(status)
        return self.page(
            "refusal.html", status=status, number=status, heading=title or shown[0], says=says or shown[1],
            promises=words.promises(self.policy, ids), session=session,
        )  # fmt: skip

    def refused(self, error: Exception, session: str = "") -> Response:
        """The page for an error of the desk."""
        match error:
            case TooMany():
                return self.wrong(429, session=session)
            case Refused(promises=ids):
                return self.wrong(403, session=session, ids=ids)
            case Unavailable():
                return self.wrong(503)
            case _:
                return self.wrong(400, session=session)


@dataclass
class Visit:
    """One signed-in request. `session` is the fresh token for the page that answers it."""

    room: Room
    form: Mapping[str, str]
    session: str

    @property
    def desk(self) -> Desk:
        """The desk."""
        return self.room.desk

    def page(self, template: str, *, status: int = 200, **context: Any) -> Response:
        """A page that carries the session on."""
        plain: dict[str, Any] = {"session": self.session, "done": "", "errors": {}}
        return self.room.page(template, status=status, **(plain | context))


Answer = Callable[[Visit], Awaitable[Response]]
Public = Callable[[Room, Request], Awaitable[Response]]


def signed(room: Room, path: str, answer: Answer, *names: str, renews: bool = True) -> Route:
    """The route of a page for people who are signed in. A GET shows the sign-in form.

    `renews`: False only where the answer is a file, beside the page which the browser goes on showing.
    """

    async def handle(request: Request) -> Response:
        await heeded(room)
        if request.method != "POST":
            return room.entry()
        form = await posted(request, {"session", *names})
        visit = Visit(room, form, "")
        try:
            visit.session = await opened(room, form, renews=renews)
            return await answer(visit)
        except Denied:
            return room.entry(status=403, notice=ENDED)
        except (TooMany, Refused, CallError, Unavailable) as error:
            return room.refused(error, visit.session)

    return Route(path, handle, methods=["GET", "POST"])


async def opened(room: Room, form: Mapping[str, str], *, renews: bool = True) -> str:
    """The token to go on with. Raises `Denied` for a token that is none."""
    token = form.get("session", "")
    try:
        return await room.desk.renew(token) if renews else token
    except BadValue as error:
        raise Denied from error


def public(room: Room, path: str, answer: Public, methods: list[str]) -> Route:
    """The route of a page for anybody; refusals get a page, too."""

    async def handle(request: Request) -> Response:
        await heeded(room)
        try:
            return await answer(room, request)
        except (TooMany, Refused, CallError, Denied, Unavailable) as error:
            return room.refused(error)

    return Route(path, handle, methods=methods)


async def heeded(room: Room) -> None:
    """Know of the versions that are to be announced. While the desk does not answer, what was known last counts."""
    with suppress(Unavailable):
        await room.known.look()


async def wrong_way(room: Room, error: Exception) -> Response:
    """For Starlette: what it refuses itself."""
    if isinstance(error, HTTPException):
        answer = room.wrong(error.status_code)
        answer.headers.update(error.headers or {})
        return answer
    return room.wrong(503)


def guarded(style: str = "") -> dict[str, str]:
    """The headers of a page; `style`: a source of styles beside our own sheet."""
    return {"content-security-policy": CSP.format(style and f" {style}"), "x-frame-options": "DENY"}
