"""The demo's web process: every site of it, each under its own name, behind one HTTPS port.

It holds no keys and opens no database of persons: of each site it has the desk's socket, and of nothing the operator's.
"""

import asyncio
import os
import ssl
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from time import time

from starlette.types import ASGIApp

from avow.demo.following import another, in_force
from avow.demo.loopback import client
from avow.demo.people import SHOP
from avow.demo.places import SITES
from avow.demo.serving import SiteClock, Told, examples, serve
from avow.doors.centre.app import guarded, make_centre
from avow.doors.console.app import make_console
from avow.doors.counting import Counting
from avow.doors.payment import Sandbox
from avow.policy.model import Policy
from avow.visits import Counted
from avow.wire import Client

PAID_BY_KEYHOUSE = frozenset({"aimini"})


def apps(told: Told, clock: SiteClock, policies: Mapping[str, Policy]) -> dict[str, ASGIApp]:
    """Host name -> app. `policies`: site -> the version in force."""
    from examples.shop.app import make_shop  # noqa: PLC0415 - found once `examples()` has said where
    from examples.shop.confirming import Confirming  # noqa: PLC0415 - as above
    from examples.shop.orders import Orders  # noqa: PLC0415 - as above
    from examples.shop.room import Urls  # noqa: PLC0415 - as above
    from examples.shop.site import read_site  # noqa: PLC0415 - as above
    from examples.shop.visits import parts  # noqa: PLC0415 - as above

    made: dict[str, ASGIApp] = {}
    trusted = ssl.create_default_context(cafile=str(told.certificates.authority))
    post, at = client(told.certificates.authority), told.at
    for site in SITES:
        desk, policy, own = Client(told.sockets[site]), policies[site], read_site(site)
        payee = at.keyhouse if site in PAID_BY_KEYHOUSE else at.pay
        orders = Orders(Path(told.folder) / site / "orders.db")
        processor = Sandbox(
            payee, site, bytes.fromhex(told.secrets[site]), client=post, clock=lambda: int(time() * 1000),
            fresh_id=lambda: os.urandom(16).hex(), seen=orders,
        )  # fmt: skip
        password = told.senders.get(site)
        confirm = Confirming(
            at.post, f"{SHOP}@{site}", password, trusted, policy, own.name, f"{at.shop(site)}/order"
        ) if password else None  # fmt: skip
        counted = Counted.open(policy, Path(told.folder) / site, random=os.urandom, now=int(clock().timestamp() * 1000))
        shop = make_shop(
            own, desk, policy, processor, orders=orders, urls=Urls(at.shop(site), at.centre(site), payee), clock=clock,
            random=os.urandom, confirm=confirm,
        )  # fmt: skip
        made[f"{site}.localhost"] = Counting(shop, counted, parts=parts(policy), clock=clock)
        centre = make_centre(desk, policy, shop_url=at.shop(site), origin=at.centre(site), look=own.look)
        made[f"privacy.{site}.localhost"] = guarded(
            centre, policy, host=at.centre(site).partition("://")[2], shop_url=at.shop(site), clock=clock,
            random=os.urandom,
        )  # fmt: skip
        made[f"console.{site}.localhost"] = make_console(
            desk, policy, origin=at.console(site), policy_page=at.centre(site) + "/policy", clock=clock, random=os.urandom,
            look=own.look, counted=counted,
        )  # fmt: skip
    return made


def main() -> None:
    """Serve until told to stop; under the next version of a policy from the moment on at which its vault does."""
    examples()
    told = Told.read()
    clock = SiteClock(told.ahead)
    while True:
        policies = asyncio.run(in_force(told.sockets))
        serve(told, apps(told, clock, policies), clock, partial(another, told.sockets, policies))


if __name__ == "__main__":
    main()
