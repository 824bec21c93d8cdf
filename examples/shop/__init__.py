"""A reference shop, as a merchant might have written it: an ordinary Starlette application around Avow's public pieces.

    app = make_shop(read_site("aitoc"), desk, policy, processor, orders=Orders("orders.db"), urls=Urls(...), ...)

Which forms it has, which fields they ask for and what for, which cookies it sets and which boxes it offers, it reads
from the policy. Run under another policy it is another shop.
"""

from examples.shop.app import make_shop
from examples.shop.orders import Orders
from examples.shop.room import Urls
from examples.shop.site import Site, read_site

__all__ = ["Orders", "Site", "Urls", "make_shop", "read_site"]
