"""A purchase by the visitor of `avow.demo.check`: from the first page over the payment company to what the shop says."""

import asyncio
import re
from typing import Final

from avow.demo.people import Person
from avow.demo.places import Addresses
from avow.demo.visitor import Lost, Visitor

BUYER: Final = Person("Ottoline Marchbanks", "9 Weir Cottages", "Lower Dray", "+1 555 0171")
CARD: Final = {"card": "4242 4242 4242 4242", "card-expiry": "09/31"}
_REFERENCE: Final = re.compile(r"\b[A-Z]{4}(?:-[A-Z]{4}){3}\b")
_LOOKS: Final = 40  # times to ask how the order stands, each a quarter of a second after the other


async def buy(visitor: Visitor, at: Addresses, site: str) -> str:
    """Buy the first thing that is sold; what the shop says of the order in the end. Raises `Lost`."""
    await visitor.go(at.shop(site) + "/")
    await visitor.send("/cart", button="Add to cart")
    await visitor.send("/checkout", button="To the checkout")
    await _fill(visitor, "/checkout/order")
    if not visitor.url.startswith((at.pay, at.keyhouse)):
        raise Lost(f"the checkout of {site} does not lead to its payment company")
    reference = _REFERENCE.search(visitor.says)
    await _fill(visitor, "", button="Pay")
    if "Paid" not in visitor.says or reference is None:
        raise Lost(f"the payment company did not take the payment for {site}")
    await visitor.follow("Back to the shop")
    for _ in range(_LOOKS):
        await visitor.send("/order", {"reference": reference[0]}, button="Look")
        if "is paid" in visitor.says:
            return "paid"
        await asyncio.sleep(0.25)
    raise Lost(f"{site} does not say that the order is paid")


async def _fill(visitor: Visitor, action: str, button: str = "") -> None:
    """Give what the form asks for, and nothing that it leaves to choice."""
    form, _ = visitor.form(action, button)
    given = BUYER.given() | CARD
    await visitor.send(action, {name: given[name] for name in form.required if name in given}, button=button)
