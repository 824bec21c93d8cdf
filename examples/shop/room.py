"""What every page of the shop shares: the site, its policy, the desk; and one visit's cart and session on their way."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final
from weakref import WeakValueDictionary

from jinja2 import Environment
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from avow.desk.interface import Desk
from avow.doors import design
from avow.doors.payment import Processor
from avow.doors.tokens import Opened, Tokens
from avow.doors.versions import Known
from avow.errors import BadValue, CallError, Denied, Refused, TooMany, Unavailable
from avow.policy.model import Policy, Recipient
from examples.shop.cart import Cart, Waiting
from examples.shop.clicks import Clicks
from examples.shop.orders import Orders
from examples.shop.posted import Posted, posted
from examples.shop.site import Site
from examples.shop.visits import Visits

CART: Final = 12 * 3_600_000  # ms that a cart in a page stays good
FORM: Final = 2 * 3_600_000  # ms that somebody may take over a form
COOKIE: Final = "cart"
STALE: Final = "This page had been open too long, or was sent already. Look at it again, then send it once more"
DOUBLED: Final = "A field came twice. Only its first answer is shown here: look at it again"
STRANGE: Final = "Something came along that this form does not ask for. Nothing of it was kept"
OUT: Final = "You are signed out: you were away too long, or signed in elsewhere. Your cart is still here."


@dataclass(frozen=True, slots=True)
class Urls:
    """Origins, as browsers see them: the shop's own, its privacy centre's, and the payment company's, if not the policy's."""

    shop: str
    centre: str
    processor: str = ""


@dataclass(frozen=True)
class Room:
    """One running shop. `fresh` makes what names orders; `tokens` seals what travels in forms."""

    site: Site
    desk: Desk
    policy: Policy
    processor: Processor
    orders: Orders
    urls: Urls
    env: Environment
    tokens: Tokens
    waiting: Waiting
    visits: Visits
    fresh: Callable[[], str]
    clicks: Clicks | None  # by affiliates' links
    known: Known  # the versions of the policy
    confirm: Callable[[str, str, int], None] | None = None  # an order, to an address: reference and amount
    settling: asyncio.Lock = field(default_factory=asyncio.Lock)  # one notice at a time: of two, never both count
    placing: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)  # by form

    @property
    def order_form(self) -> str | None:
        """The merchant's own order form, if orders are taken here at all."""
        form = self.policy.forms.get("order")
        return form.name if form is not None and form.at is None else None

    @property
    def payee(self) -> Recipient:
        """The company on whose pages people pay."""
        return next(self.policy.recipients[form.at] for form in self.policy.forms.values() if form.at is not None)

    @property
    def payee_policy(self) -> str:
        """That company's own privacy policy, where it is to be found."""
        policy, origin = self.payee.policy or "", self.payee.origin or ""
        if self.urls.processor and origin and policy.startswith(origin):
            return self.urls.processor + policy[len(origin) :]
        return policy

    @property
    def contact(self) -> str:
        """The category by which somebody is found who comes back."""
        return next(c.name for c in self.policy.categories.values() if c.look_up and c.channel == "mail")

    def informs(self, topic: str) -> bool:
        """Whether the policy promises to tell people of this."""
        clauses = (clause for promise in self.policy.promises for clause in promise.clauses)
        return any(topic in getattr(clause, "topics", ()) for clause in clauses)


@dataclass
class Visit:
    """One request. `session` is a fresh token, or empty; `notice` is put at the top of the page that answers."""

    room: Room
    request: Request
    form: Posted
    cart: Cart = field(default_factory=Cart)
    session: str = ""
    notice: str = ""
    cookies: list[tuple[str, str, int | None]] = field(default_factory=list)  # name, value, seconds; None: this session

    def page(self, template: str, *, status: int = 200, **context: Any) -> Response:
        """A page that carries cart and session on."""
        carry = {"cart": self.room.tokens.seal("cart", self.cart.told())} if self.cart.lines else {}
        carry |= {"session": self.session} if self.session else {}
        answer = design.page(
            self.room.env, template, status=status, carry=carry, cart=self.cart, notice=self.notice,
            signed_in=bool(self.session), here=self.request.url.path, may_add=self.once(COOKIE), **({"errors": {}} | context),
        )  # fmt: skip
        return self.dressed(answer)

    def dressed(self, answer: Response) -> Response:
        """With the cookies of this visit, which the guard holds to the policy."""
        for name, value, seconds in self.cookies:
            answer.set_cookie(name, value, max_age=seconds, path=None, secure=True, httponly=True, samesite="lax")
        return answer

    def once(self, about: str) -> str:
        """A token that lets a form be sent, once."""
        return self.room.tokens.seal(f"form {about}", {})

    def sent(self, about: str) -> Opened:
        """The token that came with a form. Raises `Denied` for one of another form, too old, or none."""
        return self.room.tokens.open(f"form {about}", self.form.take("once"), within=FORM)

    def strange(self, known: set[str]) -> dict[str, str]:
        """What is wrong with a form as a whole: fields that came twice, or that it does not have."""
        odd = set(self.form.fields) - known - {"cart", "session", "once"}
        found = dict.fromkeys(self.form.doubled, DOUBLED)
        return found | ({"once": STRANGE} if odd else {})


Answer = Callable[[Visit], Awaitable[Response]]


def page(room: Room, path: str, answer: Answer, *methods: str) -> Route:
    """The route of a page. Every refusal becomes a page too."""

    async def handle(request: Request) -> Response:
        visit = Visit(room, request, Posted({}))
        try:
            visit = await arrived(room, request)
            return await answer(visit)
        except Denied:
            visit.session = ""
            return wrong(visit, 403, says="That came too late, or from another page. Nothing was changed.")
        except Refused as refused:
            return wrong(visit, 403, ids=refused.promises)
        except TooMany:
            return wrong(visit, 429)
        except Unavailable:
            return wrong(visit, 503)
        except CallError:
            return wrong(visit, 400)

    return Route(path, handle, methods=list(methods) or ["GET", "POST"])


async def arrived(room: Room, request: Request) -> Visit:
    """Read what came: the form, the cart (by its cookie, where the policy has one, or from the page), the session.

    Raises `Denied` for what a browser says was sent from another site.
    """
    if request.method == "POST" and request.headers.get("sec-fetch-site") == "cross-site":
        raise Denied
    with suppress(Unavailable):  # then what was known last counts
        await room.known.look()
    visit = Visit(room, request, await posted(request) if request.method == "POST" else Posted({}))
    if room.clicks is not None and room.clicks.over(request.cookies):
        visit.cookies.append((room.clicks.name, "", 0))
    waiting = room.waiting.find(request.cookies.get(COOKIE, ""))
    visit.cart = Cart.of(room.site, waiting) if waiting is not None else carried(room, visit.form)
    if token := visit.form.take("session"):
        try:
            visit.session = await room.desk.renew(token)
        except (Denied, BadValue):
            visit.notice = OUT
    return visit


def carried(room: Room, form: Posted) -> Cart:
    """The cart in the page; an empty one where there is none, or where it is too old."""
    try:
        return Cart.of(room.site, room.tokens.open("cart", form.take("cart"), within=CART).told)
    except Denied:
        return Cart()


def wrong(visit: Visit, status: int, *, title: str = "", says: str = "", ids: tuple[str, ...] = ()) -> Response:
    """A refusal that a person understands; cart and session go on."""
    known, words = design.words_of(status)
    promises = [(one.id, one.says) for one in visit.room.policy.promises if one.id in ids]
    return visit.page(
        "wrong.html", status=status, number=status, heading=title or known, says=says or words, promises=promises
    )  # fmt: skip


def refusals(room: Room) -> Mapping[Any, Callable[[Request, Exception], Awaitable[Response]]]:
    """For Starlette: what it refuses itself."""

    async def refused(request: Request, error: Exception) -> Response:
        visit = Visit(room, request, Posted({}))
        status = error.status_code if isinstance(error, HTTPException) else 503
        answer = wrong(visit, status)
        answer.headers.update(getattr(error, "headers", None) or {})
        return answer

    return {HTTPException: refused, 500: refused}
