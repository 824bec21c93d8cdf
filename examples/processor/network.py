"""The card network, as far as a sandbox needs one: numbers in, an answer out, nothing kept.

The numbers are those that payment companies publish for trying out a checkout; every other one is declined.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

TEST_CARDS: Final[Mapping[str, str]] = {
    "4242424242424242": "paid",
    "5555555555554444": "paid",
    "4000002500003155": "confirm",
    "4000000000000002": "declined",
    "4000000000009995": "insufficient",
}


@dataclass(frozen=True, slots=True, repr=False)
class Card:
    """A card while it is being used. Never stored, logged or shown."""

    number: str
    month: int
    year: int


def read(number: str, expiry: str) -> tuple[Card | None, dict[str, str]]:
    """The card that somebody typed in, or what is wrong with it, by field. `expiry` is MM/YY."""
    errors: dict[str, str] = {}
    digits = "".join(ch for ch in number if ch.isdigit() and ch.isascii())
    if not 12 <= len(digits) <= 19 or set(number) - set("0123456789 -") or not _luhn(digits):
        errors["card"] = "This is not a card number. Type the digits as they stand on the card."
    month, _, year = expiry.replace(" ", "").partition("/")
    if not (month.isdecimal() and year.isdecimal() and len(month) <= 2 and len(year) == 2 and 1 <= int(month) <= 12):
        errors["card-expiry"] = "Type the month and the year as they stand on the card, for example 09/31."
    if errors:
        return None, errors
    return Card(digits, int(month), 2000 + int(year)), {}


def authorise(card: Card, now: datetime) -> str:
    """What the network answers: paid, declined, insufficient, expired; or confirm, where the card's bank wants to hear
    from the buyer first (as 3-D Secure has it), and nothing was charged so far.
    """
    if (card.year, card.month) < (now.year, now.month):
        return "expired"
    return TEST_CARDS.get(card.number, "declined")


def confirmed(answer: str) -> str:
    """What the network answers once the bank has asked the buyer: only a yes is paid."""
    return "paid" if answer == "yes" else "unconfirmed"


def _luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    doubled = [int(ch) * 2 if n % 2 else int(ch) for n, ch in enumerate(reversed(digits))]
    return sum(n - 9 if n > 9 else n for n in doubled) % 10 == 0
