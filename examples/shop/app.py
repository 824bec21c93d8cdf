"""The composition of the shop: routes out of a site and its policy, the guard around everything."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from avow.desk.interface import Desk
from avow.doors import design
from avow.doors.design.pages import PREFIX
from avow.doors.guard import Guard, Report
from avow.doors.guard.report import to_log
from avow.doors.payment import Processor
from avow.doors.posted import LONGEST
from avow.doors.tokens import KEY, Tokens
from avow.doors.versions import Known
from avow.policy.model import Policy
from examples.shop.cart import Waiting
from examples.shop.clicks import clicks
from examples.shop.fields import capital
from examples.shop.orders import Orders
from examples.shop.pages import account, affiliates, basket, checkout, choosing, payments, public, shelf, writing
from examples.shop.room import Room, Urls, Visit, page, refusals
from examples.shop.site import Site, money
from examples.shop.visits import Visits

HERE: Final = Path(__file__).parent
SHEET: Final = (HERE / "shop.css").read_text("utf-8")
SHEET_AT: Final = f"{PREFIX}/shop.{sha256(SHEET.encode()).hexdigest()[:16]}.css"  # another sheet has another name
LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"  # of references: no vowels, so no words; no figures, so never a card's number


def make_shop(
    site: Site, desk: Desk, policy: Policy, processor: Processor, *, orders: Orders, urls: Urls,
    clock: Callable[[], datetime], random: Callable[[int], bytes], key: bytes | None = None,
    confirm: Callable[[str, str, int], None] | None = None, report: Callable[[Report], None] = to_log,
) -> Guard:  # fmt: skip
    """The shop as an ASGI application, held to its policy by the guard.

    `orders` is the shop's own memory; `urls` are where browsers see shop, privacy centre and payment company; `clock`
    gives the moment, aware, and `random` bytes of chance. `key`: 32 bytes that seal what travels in forms, and
    affiliates' cookies, to be kept where these shall outlive a restart; by default made here. `confirm` tells an address
    of an order's reference and amount, see `Confirming`. `report` is told what the guard finds.
    """
    tokens = Tokens(key or random(KEY), policy.site, clock=clock, random=random)
    opaque = partial(_opaque, random)
    visits, known = Visits(policy, opaque), Known(desk)
    env = design.templates(
        HERE / "templates", look=site.look, site=site.name, policy_link="/privacy", version=policy.version.isoformat(),
        shop=site, policy=policy, money=money, capital=capital, centre=urls.centre, writes=writing.written(policy),
        called=partial(writing.title, policy), chooses=choosing.chosen_on(policy), has_cookies=bool(visits.cookies),
        sheet=SHEET_AT, changes=known.news,
    )  # fmt: skip
    room = Room(
        site, desk, policy, processor, orders, urls, env, tokens, Waiting(tokens.now, opaque), visits,
        partial(_reference, random), clicks(policy, tokens), known, confirm,
    )  # fmt: skip
    env.globals["room"] = room
    app = Starlette(routes=_routes(room), exception_handlers=refusals(room))
    app.router.redirect_slashes = False  # it would repeat the host that the caller names
    return Guard(
        app, policy, clock=clock, random=random, hosts=[urlsplit(urls.shop).netloc], own=[urls.centre],
        origins={room.payee.name: urls.processor} if urls.processor else None, policy_page="/privacy",
        static=(f"{PREFIX}/",), report=report, max_body=LONGEST,
    )  # fmt: skip


def _routes(room: Room) -> list[BaseRoute]:
    policy, here = room.policy, partial(page, room)
    routes: list[BaseRoute] = [
        design.static(look=room.site.look), _sheet_route(),
        here("/", shelf.home), here("/goods/{slug}", shelf.product),
        here("/cart", basket.cart), here("/checkout", checkout.checkout), here("/checkout/order", checkout.place, "POST"),
        here("/order", payments.status),
        Route("/payments/notice", partial(payments.notice, room), methods=["POST"]),
        here("/account", account.account),
        here("/privacy", public.policy), here("/promises", public.promises),
    ]  # fmt: skip
    for at in ("/account", "/checkout"):
        routes += [
            here(f"{at}/sign-in", account.sign_in, "POST"), here(f"{at}/code", account.code, "POST"),
            here(f"{at}/enter", account.enter, "POST"),
        ]  # fmt: skip
    routes.append(here("/account/sign-out", account.sign_out, "POST"))
    if (form := checkout.registration(policy)) is not None:
        routes.append(here(f"/{form}", account.register))
    routes += [here(f"/{form}", writing.write) for form in writing.written(policy)]
    routes += [here(f"/{form}", choosing.choose) for form in choosing.chosen_on(policy)]
    if (known := room.clicks) is not None:

        async def follow(visit: Visit) -> Response:
            return await affiliates.follow(visit, known)

        routes.append(here("/a/{code}", follow, "GET"))
    if room.visits.cookies:
        routes.append(here("/cookies", shelf.cookies))
    return routes


def _sheet_route() -> Route:
    async def sheet(_: Request) -> Response:
        return Response(SHEET, media_type="text/css", headers={"cache-control": "public, max-age=31536000, immutable"})

    return Route(SHEET_AT, sheet, methods=["GET"])


def _opaque(random: Callable[[int], bytes]) -> str:
    """A cookie's value: 128 bits of chance."""
    return random(16).hex()


def _reference(random: Callable[[int], bytes]) -> str:
    """An order's reference, as `KXQT-BWDM-HRJZ-LPNC`: 69 bits of chance, easily read out."""
    letters = [LETTERS[one % 20] for one in random(64) if one < 240][:16]
    return "-".join("".join(letters[at : at + 4]) for at in range(0, 16, 4))
