"""The shop window: the home page and one page an article."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from examples.shop.known import known
from examples.shop.room import Room, Visit


async def home(visit: Visit) -> Response:
    """All articles, and for a returning guest what they looked at before."""
    room = visit.room
    noted(visit, "home")
    before = [
        room.site.products[slug] for slug in room.visits.looked_at(visit.request.cookies) if slug in room.site.products
    ]
    visit.cookies += room.visits.wanted(visit.request.cookies, gpc=gpc(visit.request))
    return visit.page("home.html", before=before[:3], known=await known(visit))


async def product(visit: Visit) -> Response:
    """One article."""
    found = visit.room.site.products.get(visit.request.path_params["slug"])
    if found is None:
        raise HTTPException(404)
    noted(visit, found.slug)
    others = [one for one in visit.room.site.products.values() if one is not found]
    return visit.page("product.html", product=found, others=others[:3])


def noted(visit: Visit, to: str) -> None:
    """A guest who carries the declared cookie went there, unless the browser asks not to be followed."""
    if not gpc(visit.request):
        visit.room.visits.went(visit.request.cookies, to)


def gpc(request: Request) -> bool:
    """Whether the browser sends Sec-GPC (the guard has read it)."""
    return bool(request.scope.get("avow.gpc", False))


async def cookies(visit: Visit) -> Response:
    """What cookies there are, whether the browser holds one now, and a button that ends them."""
    room, held = visit.room, visit.request.cookies
    names = [one.name for one in room.visits.cookies if one.name]
    if visit.form.take("answer") == "end":
        visit.cookies += [(name, "", 0) for name in names]
        visit.notice = "The cookies of this shop are ended."
        held = {}
    return visit.page("cookies.html", held=[name for name in names if name in held], gpc=gpc(visit.request))


def ours(room: Room) -> list[str]:
    """The paths of this file beside articles."""
    return ["/", *(["/cookies"] if room.visits.cookies else [])]
