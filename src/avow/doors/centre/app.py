"""The composition of the centre: one Starlette application from a desk and a policy."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from avow.desk.interface import Desk
from avow.doors import design
from avow.doors.centre import acting, changes, entry, links, meaning, public, showing, undoing
from avow.doors.centre.room import Room, signed, wrong_way
from avow.doors.centre.room import public as anybody
from avow.doors.guard import Guard
from avow.doors.versions import Known
from avow.policy import notice
from avow.policy.aggregates import summarises
from avow.policy.contests import contests
from avow.policy.model import Policy

_TEMPLATES = Path(__file__).parent / "templates"


def make_centre(
    desk: Desk, policy: Policy, *, shop_url: str, look: design.Look | None = None, origin: str = "",
    verdicts: Callable[[], Mapping[str, str]] = dict,
) -> Starlette:  # fmt: skip
    """The privacy centre of one site, an ASGI application for an origin of its own.

    `policy`: the version in force. `shop_url`: where the shop is, for the way back. `origin`: where browsers see the
    centre, as the feed of versions names it; by default the host that is asked. `verdicts`: promise id -> kept, broken,
    attested or unchecked, as last proved.
    It sets no cookie, sends no script and keeps nothing of its own; who is signed in is known to the desk alone.
    """
    known = Known(desk)
    env = design.templates(
        _TEMPLATES, news=known.news, feed=changes.FEED, look=look, site=policy.controller.name, policy_link="/policy", version=policy.version.isoformat(),
        shop_url=shop_url, policy=policy, links=_links(policy, shop_url),
    )  # fmt: skip
    room = Room(desk, policy, env, known, verdicts, origin.rstrip("/"))
    page, open_ = partial(signed, room), partial(anybody, room)

    async def wrong(_: Request, error: Exception) -> Response:
        return await wrong_way(room, error)

    routes = [
        design.static(look=look, kept=False),
        open_("/", entry.door, ["GET", "POST"]),
        open_("/code", entry.code, ["GET", "POST"]),
        open_("/enter", entry.enter, ["GET", "POST"]),
        open_("/sign-in", entry.sign_in, ["GET", "POST"]),
        open_("/sign-out", entry.sign_out, ["GET", "POST"]),
        page("/overview", showing.overview),
        page("/held", showing.held),
        page("/seen", showing.seen, "page"),
        page("/choices", acting.choices, "choice", "answer"),
        page("/reach", acting.reach, "channel", "answer"),
        page("/correct", acting.correct, "category", "value", "no_card"),
        page("/copy", showing.copy_page),
        page("/download", showing.download, "as", renews=False),
        page("/erase", acting.erase, "answer"),
        page("/complain", acting.complain, "text"),
        page(meaning.PATH, meaning.meaning, "version", "answer"),
        page("/password", acting.password, "password"),
        open_("/undo/{token}", undoing.undo, ["GET", "POST"]),
        open_("/policy", public.policy, ["GET"]),
        open_("/promises", public.promises, ["GET"]),
        *(open_(path, answer, ["GET"]) for path, answer in changes.PAGES.items()),
        open_(public.KEY, public.package_key, ["GET"]),
        open_("/contact", public.contact, ["GET", "POST"]),
        open_(links.OUT, links.out, ["GET", "POST"]),
        open_(links.CONFIRM, links.confirm, ["GET", "POST"]),
    ]
    if summarises(policy):
        routes.append(open_("/statistics", public.statistics, ["GET"]))
    if contests(policy):
        routes += [open_("/contests", public.contests, ["GET"]), open_("/contests/{contest}", public.draw, ["GET"])]
    if public.form_for(room, "complaint"):
        routes.append(open_("/complaint", public.complaint, ["GET", "POST"]))
    return Starlette(routes=routes, exception_handlers={HTTPException: wrong, 500: wrong})


def guarded(
    centre: Starlette, policy: Policy, *, host: str, shop_url: str, clock: Callable[[], datetime],
    random: Callable[[int], bytes], plain: bool = False,
) -> Guard:  # fmt: skip
    """The centre behind the guard of its policy, as it is served at `host` (with its port, if it has one of its own).

    `plain`: it is reached by plain HTTP, which only a machine's own addresses may be.
    """
    return Guard(
        centre, policy, clock=clock, random=random, hosts=[host], plain_hosts=[host] if plain else (), own=[shop_url],
        policy_page="/policy", styles=[notice.style_source()], static=changes.KEPT,
    )  # fmt: skip


def _links(policy: Policy, shop_url: str) -> tuple[tuple[str, str], ...]:
    return (
        ("/", "Your data"),
        ("/promises", "Promises"),
        ("/policy", "Policy"),
        ("/changes", "Changes"),
        *((("/statistics", "Statistics"),) if summarises(policy) else ()),
        *((("/contests", "Contests"),) if contests(policy) else ()),
        ("/contact", "Contact"),
        (shop_url, "To the shop"),
    )
