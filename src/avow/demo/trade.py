"""What each shop sold in the months before a demo begins, without anybody's name, so that there is something to count."""

from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final

from avow.app import Avow
from avow.demo.serving import examples
from avow.desk.interface import Operator
from avow.policy.aggregates import summarises
from avow.policy.model import Policy
from avow.practices.collecting import plan
from avow.practices.counting import countable, declarable

ORDERS: Final = 400
DAYS: Final = 200  # before the demo


async def sell(policy: Policy, url: str, folder: Path, now: datetime) -> None:
    """Bring the orders in, as `avow import` would, where figures may be made of them."""
    form, category = _form(policy)
    if not form:
        return
    dice = Random(policy.site)  # noqa: S311 - they shall be the same in every demo
    goods = _goods(policy)
    often = sorted((dice.random() for _ in goods), reverse=True)
    records = [
        (line, {category: f"1 × {good}", "collected": (now - timedelta(days=dice.randrange(1, DAYS))).date().isoformat()})
        for line, good in enumerate(dice.choices(goods, often, k=ORDERS), 1)
    ]  # fmt: skip
    async with Avow.open(policy, url, folder=folder, root=folder / "root.key", private="attested") as shop:
        brought = await shop.bring(records, form=form, source="the shop's old order book")
        if brought.faults:
            raise LookupError(f"{policy.site}: {brought.faults[0][1]}")


async def declare(policy: Policy, operator: Operator) -> None:
    """What there is to be counted: the goods that the shop sells, and the parts that it has."""
    if not summarises(policy):
        return
    examples()
    from examples.shop.visits import parts  # noqa: PLC0415 - found once `examples()` has said where

    for name, known in policy.categories.items():
        if countable(known) and known.term == "Purchase":
            await operator.declare_goods(name, _goods(policy))
        elif declarable(known) and known.apart:
            await operator.declare_goods(name, sorted({*parts(policy).values()}))


def _goods(policy: Policy) -> list[str]:
    examples()
    from examples.shop.site import read_site  # noqa: PLC0415 - as above

    return [one.name for one in read_site(policy.site).products.values()]


def _form(policy: Policy) -> tuple[str, str]:
    """A form that asks for goods and nothing else, and the category; empty where figures may be made of none."""
    for form in policy.forms if summarises(policy) else ():
        asked = plan(policy, form).asks
        if len(asked) == 1 and countable(policy.categories[asked[0]]):
            return form, asked[0]
    return "", ""
