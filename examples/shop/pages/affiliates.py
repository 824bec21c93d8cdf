"""Coming by an affiliate's link: `/a/CODE`. Only here is the affiliate cookie set, once, for as long as the policy says."""

from collections.abc import Callable

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from avow.policy.model import Cookies, Policy
from examples.shop.pages.shelf import gpc
from examples.shop.room import Visit

FORM = "affiliate-link"


def clicks(policy: Policy) -> Cookies | None:
    """The cookie that only an affiliate's link sets, if the policy has one."""
    clauses = (clause for promise in policy.promises for clause in promise.clauses)
    return next((c for c in clauses if isinstance(c, Cookies) and "affiliate-link" in c.needs and c.at is None), None)


async def follow(visit: Visit, cookie: Cookies, fresh: Callable[[], str]) -> Response:
    """Note the click and go on to the shop. Who has the cookie already is not noted anew: its time is never extended.

    Who sends Sec-GPC is noted not at all.
    """
    code = visit.request.path_params["code"]
    if code not in visit.room.site.affiliates:
        raise HTTPException(404)
    name = cookie.name or ""
    client = visit.request.client
    if name not in visit.request.cookies and not gpc(visit.request) and visit.request.method == "GET" and client:
        value = fresh()
        click = {"affiliate-ip": client.host, "affiliate-click": value, "affiliate-source": code}
        await visit.room.desk.collect(FORM, click, affiliate_link=True, no_card=sorted(click))
        visit.request.scope.setdefault("avow.facts", set()).add("affiliate-link")
        life = None if cookie.lifetime is None else int(cookie.lifetime.total_seconds())
        visit.cookies.append((name, value, life))
    return visit.dressed(RedirectResponse("/", 303))
