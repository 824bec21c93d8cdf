"""What the app's parts share."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from avow.app import Avow
from examples.processor.books import Books
from examples.processor.notices import Merchant, Notices


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
