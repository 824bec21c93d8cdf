"""Coming by an affiliate's link: `/a/CODE`. Only here is the affiliate cookie set, once, for as long as the policy says."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from examples.shop.clicks import Clicks
from examples.shop.pages.shelf import gpc
from examples.shop.room import Visit

FORM = "affiliate-link"


async def follow(visit: Visit, clicks: Clicks) -> Response:
    """Note the click and go on to the shop. Who has the cookie already is not noted anew: its time is never extended, and
    one that is over is only taken back. Who sends Sec-GPC is noted not at all, nor is a browser that nobody sent here: one that
    fetches the link as a picture of another page, or beforehand.
    """
    code = visit.request.path_params["code"]
    if code not in visit.room.site.affiliates:
        raise HTTPException(404)
    client = visit.request.client
    held = clicks.name in visit.request.cookies
    if not held and not gpc(visit.request) and _followed(visit.request) and client:
        value, number = clicks.fresh()
        click = {"affiliate-ip": client.host, "affiliate-click": number, "affiliate-source": code}
        await visit.room.desk.collect(FORM, click, affiliate_link=True, no_card=sorted(click))
        visit.request.scope.setdefault("avow.facts", set()).add("affiliate-link")
        visit.cookies.append((clicks.name, value, clicks.seconds))
    return visit.dressed(RedirectResponse("/", 303))


def _followed(request: Request) -> bool:
    """Whether somebody goes there, by what the browser says of it. One that says nothing is believed."""
    beforehand = {request.headers.get(name, "") for name in ("sec-purpose", "purpose", "x-moz")}
    going = request.headers.get("sec-fetch-mode", "navigate") == "navigate"
    whole = request.headers.get("sec-fetch-dest", "document") == "document"
    return request.method == "GET" and going and whole and not any("pre" in one for one in beforehand)
