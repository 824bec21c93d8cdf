"""What somebody wants to buy: article -> how many. It knows articles and figures, and no person."""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from examples.shop.site import MOST, Product, Site, money

IDLE: Final = 12 * 3_600_000  # ms that a cart waits for its cookie
CARTS: Final = 20_000  # that wait at once


@dataclass(frozen=True, slots=True)
class Line:
    """One article in a cart."""

    product: Product
    count: int

    @property
    def price(self) -> int:
        """Of all of them, in cents."""
        return self.product.price * self.count


@dataclass(frozen=True, slots=True)
class Cart:
    """An immutable cart of one site's articles."""

    lines: tuple[Line, ...] = ()

    @classmethod
    def of(cls, site: Site, told: object) -> "Cart":
        """From what a sealed token or the memory says; what is sold no longer is left out."""
        counts = told if isinstance(told, Mapping) else {}
        return cls(tuple(Line(site.products[slug], counts[slug]) for slug in counts if slug in site.products))

    def told(self) -> dict[str, int]:
        """As a token says it."""
        return {line.product.slug: line.count for line in self.lines}

    def put(self, site: Site, slug: str, count: int) -> "Cart":
        """So many of an article in the cart; none takes it out, and more than `MOST` are `MOST`."""
        counts = self.told() | {slug: min(count, MOST)}
        return Cart.of(site, {one: many for one, many in counts.items() if many > 0})

    def count(self, slug: str = "") -> int:
        """How many things, or how many of one."""
        return sum(line.count for line in self.lines if slug in ("", line.product.slug))

    @property
    def total(self) -> int:
        """In cents."""
        return sum(line.price for line in self.lines)

    def words(self) -> str:
        """As an order says it."""
        return "; ".join(f"{line.count} × {line.product.name} at {money(line.product.price)}" for line in self.lines)

    def __iter__(self) -> Iterator[Line]:
        return iter(self.lines)


class Waiting:
    """Carts by a cookie's value, kept here and under its hash alone. The value says nothing to who has not this memory."""

    def __init__(self, now: Callable[[], int], fresh: Callable[[], str]) -> None:
        self._now = now
        self._fresh = fresh
        self._carts: OrderedDict[bytes, tuple[dict[str, int], int]] = OrderedDict()

    def find(self, cookie: str) -> dict[str, int] | None:
        """What waits under the value; None for one that is over or was never given out."""
        found = self._carts.get(_key(cookie))
        return found[0] if found is not None and self._now() - found[1] <= IDLE else None

    def keep(self, cookie: str, counts: dict[str, int]) -> str:
        """Keep a cart; the cookie's value: a new one unless we gave this one out, so that nobody can plant one."""
        value = cookie if self.find(cookie) is not None else self._fresh()
        self._carts[_key(value)] = (counts, self._now())
        self._carts.move_to_end(_key(value))
        while len(self._carts) > CARTS:
            self._carts.popitem(last=False)
        return value

    def end(self, cookie: str) -> None:
        """The order is placed: the value opens nothing any more."""
        self._carts.pop(_key(cookie), None)


def _key(cookie: str) -> bytes:
    return sha256(cookie.encode()).digest()
