"""What the app's parts share."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from avow.app import Avow
from examples.processor.books import Books, Checkout
from examples.processor.notices import Merchant, Notices

CURRENCIES: Final[Mapping[str, int]] = {  # ISO 4217 code -> digits of its minor unit
    "AUD": 2, "CAD": 2, "CHF": 2, "EUR": 2, "GBP": 2, "JPY": 0, "KWD": 3, "SEK": 2, "USD": 2,
}  # fmt: skip
SESSION: Final = 30 * 60_000  # ms that a checkout stays open


@dataclass(frozen=True)
class Company:
    """One brand: its vault, its books, and its ways to the outside."""

    shop: Avow
    books: Books
    notices: Notices
    merchants: Mapping[str, Merchant]
    clock: Callable[[], datetime]
    random: Callable[[int], bytes]
    mail: Callable[[str, str, str], Awaitable[None]]

    def now(self) -> int:
        """The moment, in ms."""
        return int(self.clock().timestamp() * 1000)

    def late(self, checkout: Checkout) -> bool:
        """Whether it was left open too long, and can be paid no more."""
        return checkout.state == "open" and self.now() - checkout.opened > SESSION
