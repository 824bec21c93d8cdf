"""The policy, as a page made from the rules themselves, and its promises one by one. For anybody."""

from starlette.responses import Response

from avow.policy.notice import outline
from examples.shop.room import Visit


async def policy(visit: Visit) -> Response:
    """What is collected, what for, who gets it, which cookies, which rights, how to reach the shop."""
    about = visit.room.policy
    return visit.page(
        "policy.html", headline=outline.headline(about), since=outline.day(about.version), glances=outline.glances(about),
        data=outline.data(about), aims=outline.aims(about), parties=outline.parties(about),
        cookies=outline.cookies(about), claims=outline.claims(about), ways=outline.ways(about),
    )  # fmt: skip


async def promises(visit: Visit) -> Response:
    """Each promise, where it was published, and what keeps it."""
    return visit.page("promises.html", sections=outline.sections(visit.room.policy))
