"""Coming by an affiliate's link: `/a/CODE`. Only here is the affiliate cookie set, once, for as long as the policy says."""

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from examples.shop.clicks import Clicks
from examples.shop.pages.shelf import gpc
from examples.shop.room import Visit

FORM = "affiliate-link"


async def follow(visit: Visit, clicks: Clicks) -> Response:
    """Note the click and go on to the shop. Who has the cookie already is not noted anew: its time is never extended, and
    one that is over is only taken back. Who sends Sec-GPC is noted not at all.
    """
    code = visit.request.path_params["code"]
    if code not in visit.room.site.affiliates:
        raise HTTPException(404)
    client = visit.request.client
    held = clicks.name in visit.request.cookies
    if not held and not gpc(visit.request) and visit.request.method == "GET" and client:
        value, number = clicks.fresh()
        click = {"affiliate-ip": client.host, "affiliate-click": number, "affiliate-source": code}
        await visit.room.desk.collect(FORM, click, affiliate_link=True, no_card=sorted(click))
        visit.request.scope.setdefault("avow.facts", set()).add("affiliate-link")
        visit.cookies.append((clicks.name, value, clicks.seconds))
    return visit.dressed(RedirectResponse("/", 303))
