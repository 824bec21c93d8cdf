"""What a customer who is signed in told this shop before, and what their pages make of it: where a promise says so."""

import re
from dataclasses import dataclass
from typing import Final

from avow.errors import Denied, TooMany
from examples.shop.room import Visit
from examples.shop.site import Product

_BOUGHT: Final = re.compile(r"[0-9]+ × (.+?) at \$[0-9,]+\.[0-9]{2}(?:; |$)")  # as `Cart.words` says it


@dataclass(frozen=True, slots=True)
class Known:
    """Of one person. `owned`: what they bought; `more`: the rest of what is sold; `promises`: id and words of who lets it."""

    name: str
    owned: tuple[Product, ...]
    more: tuple[Product, ...]
    promises: tuple[tuple[str, str], ...]


async def known(visit: Visit) -> Known | None:
    """None for who is not signed in, whatever their browser sends; and where no promise lets anything shape pages.

    Nothing is kept: the desk is asked anew for each page, and has each look on record.
    """
    if not visit.session:
        return None
    try:
        told = await visit.room.desk.shaping(visit.session)
    except (Denied, TooMany):  # the page goes without
        return None
    if told is None or not any(told["known"]):
        return None
    names = [name for one in told["known"] for name in _BOUGHT.findall(one.get("items", ""))]
    sold = visit.room.site.products.values()
    promises = tuple((one.id, one.says) for one in visit.room.policy.promises if one.id in told["promises"])
    return Known(
        next((one["name"] for one in reversed(told["known"]) if "name" in one), ""),
        tuple(one for one in sold if one.name in names), tuple(one for one in sold if one.name not in names), promises,
    )  # fmt: skip
