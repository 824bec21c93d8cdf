"""What the console's pages share: the desk, the policy's words, and how a page for a verified colleague is answered.

A signed-in page is the answer to a POST whose body carries the session token, and carries the next one: there is no
cookie, and nothing about a colleague stays in the browser. Which token may do what is the desk's to say; the console
only asks, so a colleague sees here what the vault lets them see and nothing else.
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from avow.desk.interface import LOOKS, Colleague, Desk
from avow.doors.console.fields import Fields, read
from avow.doors.console.grants import Grants
from avow.doors.console.papers import House, Papers
from avow.doors.console.words import Words, age, sentence
from avow.doors.design import Look, error_page, page, templates
from avow.errors import AvowError, CallError, Denied, KeyGone, NotHeld, Refused, TooMany
from avow.policy.affiliates import programme
from avow.policy.model import Policy
from avow.policy.notice import outline
from avow.visits import Counted

HERE: Final = Path(__file__).parent
ADMIN: Final = "admin"  # the role that invites and dismisses
_PAGES: Final = (
    ("/queue", "Requests"), ("/find", "Find"), ("/incoming", "Letters and calls"), ("/sent", "Went out"),
    ("/changes", "Changes"), ("/record", "Record"), ("/account", "My account"),
)  # fmt: skip
_ENOUGH: Final = (
    f"A session reads or looks up {LOOKS} times an hour at most, so that nobody carries data away in bulk. Nothing was "
    "shown. Wait, or leave the rest to a colleague."
)
_STALE: Final = (
    "You were signed out, or this page had been used before. For your customers' sake nothing is kept in the browser, "
    "so its Back and Reload buttons end the session; use the buttons of the console."
)


@dataclass(slots=True)
class Visit:
    """One page of one colleague: who they are, what they posted, and the token that the page will carry."""

    session: str
    colleague: Colleague
    fields: Fields


Act = Callable[["Room", Visit], Awaitable[Response]]


class Room:
    """For one console. `origin` is what a browser shows of it, without a path; `policy_page` where the policy stands."""

    def __init__(
        self, desk: Desk, policy: Policy, origin: str, look: Look, policy_page: str, fonts: Sequence[Path] | None,
        visits: Counted | None = None,
    ) -> None:  # fmt: skip
        self.desk = desk
        self.visits = visits
        ways = [(way.title, way.says) for way in outline.ways(policy)]
        self.papers = Papers(House(policy.controller.name, ways, policy_page), fonts)
        self.origin = origin
        centre, at, _ = policy_page.rpartition("/policy")
        self.log = (
            f"{centre}/changes" if at else ""
        )  # where the privacy centre has every version, if it is there at all
        self.words = Words(policy)
        self.programme = programme(policy)
        self.grants = Grants(policy)
        common: dict[str, Any] = {
            "words": self.words, "grants": self.grants, "age": age, "version": policy.version.isoformat(), "pages": (),
            "policy_link": policy_page,
        }  # fmt: skip
        self.env = templates(HERE / "templates", look=look, site=policy.controller.name, **common)

    # -- pages --------------------------------------------------------------------------------------------------

    def show(self, visit: Visit, template: str, *, status: int = 200, **more: Any) -> Response:
        """A page for who is signed in. `more` may hold `here`: the address of the page in the navigation."""
        role = visit.colleague["role"]
        more_pages = [("/cases", "Cases")] if self.grants.by_case(role) else []
        more_pages += [("/visits", "Visits")] if self.visits and self.visits.purposes(role) else []
        more_pages += [("/statistics", "Statistics")] if self.words.figures(role) else []
        more_pages += [("/affiliates", "Affiliates")] if self.programme and role == ADMIN else []
        more_pages += [("/staff", "Staff")] if role == ADMIN else []
        pages = (*_PAGES[:-1], *more_pages, _PAGES[-1]) if visit.colleague["signed"] else ()
        return page(
            self.env, template, status=status, session=visit.session, colleague=visit.colleague, pages=pages, **more
        )

    def sign_in(self, *, status: int = 200, wrong: str = "", name: str = "") -> Response:
        """The page on which everybody starts. `wrong`: why they are here again."""
        return page(self.env, "sign-in.html", status=status, wrong=wrong, name=name)

    def agreement(self, visit: Visit, *, status: int = 200, wrong: str = "") -> Response:
        """The agreement in force, to be signed before anything else is shown."""
        text = visit.colleague["agreement"]
        return self.show(visit, "agreement.html", status=status, wrong=wrong, mark=mark(text))

    async def land(self, session: str, then: Act) -> Response:
        """The first page of a new session."""
        visit = Visit(session, await self.desk.colleague(session), Fields(()))
        return await then(self, visit) if visit.colleague["signed"] else self.agreement(visit)

    def wrong(self, visit: Visit, status: int, title: str, says: str) -> Response:
        """A page that says what went wrong, for who is still signed in."""
        headers = {"retry-after": "3600"} if status == 429 else {}
        response = self.show(visit, "wrong.html", status=status, title=title, says=says)
        response.headers.update(headers)
        return response

    def refused(
        self, visit: Visit, refused: Refused, asked: Mapping[str, Any] | None = None, *, recorded: bool = True
    ) -> Response:  # fmt: skip
        """The refusal in full. `asked`: categories and purpose of a look, which is on record then."""
        return self.show(
            visit,
            "refused.html",
            status=403,
            why=self.words.why(refused, asked["categories"] if asked else ()),
            asked=asked,
            recorded=recorded,
        )

    # -- how they are answered --------------------------------------------------------------------------------------

    def signed_in(
        self, act: Act, *, unsigned: bool = False, renewed: bool = True
    ) -> Callable[[Request], Awaitable[Response]]:
        """An endpoint for who is verified; the agreement first, unless `unsigned` says that it does without.

        `renewed`: whether the token is void then, and the answer carries the next one.
        """

        async def endpoint(request: Request) -> Response:
            fields = await read(request)
            try:
                session = await self.desk.renew(fields.one("session")) if renewed else fields.one("session")
                visit = Visit(session, await self.desk.colleague(session), fields)
            except (Denied, CallError):
                return self.sign_in(status=403, wrong=_STALE)
            if not visit.colleague["signed"] and not unsigned:
                return self.agreement(visit, status=403)
            try:
                return await act(self, visit)
            except AvowError as error:
                return self.answered(visit, error)
            except HTTPException as error:  # a field that no form of ours sends
                return self.wrong(visit, error.status_code, "That could not be read", "Nothing was changed.")

        return endpoint

    def answered(self, visit: Visit, error: AvowError) -> Response:
        """An error as a page; the colleague stays signed in, unless the desk has thrown them out meanwhile."""
        match error:
            case Refused():
                return self.refused(visit, error)
            case Denied():
                return self.wrong(visit, 403, "That is over", sentence(error))
            case TooMany():
                return self.wrong(visit, 429, "That is enough for now", _ENOUGH)
            case NotHeld() | CallError():
                return self.wrong(visit, 400, "That cannot be done", sentence(error))
            case KeyGone():
                return self.wrong(visit, 410, "It is gone", "The person was erased; nothing opens their data again.")
            case _:
                return self.wrong(visit, 503, "Not available just now", "Nothing was shown. Try again shortly.")

    async def unavailable(self, _: Request, __: Exception) -> Response:
        """For who is not signed in, when the desk cannot answer."""
        return error_page(self.env, 503)


def mark(text: str) -> str:
    """By what a text is told from every other."""
    return hashlib.sha256(text.encode()).hexdigest()
