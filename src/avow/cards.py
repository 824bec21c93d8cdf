"""Find payment card numbers in text, so that they can be refused at every door.

Pure. It answers with how sure it is and never with the number: nothing of a match is kept, returned or logged.
Lengths and prefixes are those of ISO/IEC 7812 as the schemes publish them; the check digit is ISO/IEC 7812-1, annex B.

It does not decode: a number hidden in base64, in an image or in words passes here.
"""

import html
import re
import unicodedata
from collections.abc import Iterator
from enum import IntEnum
from functools import cache
from itertools import pairwise
from typing import Final, NamedTuple


class Suspicion(IntEnum):
    """How sure the detector is. `DOUBTFUL` asks the sender to confirm that it is no card; `CERTAIN` refuses."""

    NONE = 0
    DOUBTFUL = 1
    CERTAIN = 2


# prefix range (inclusive, same number of digits) -> lengths
_SCHEMES: Final[tuple[tuple[str, str, frozenset[int]], ...]] = (
    ("4", "4", frozenset({16, 19})),  # Visa
    ("51", "55", frozenset({16})),  # Mastercard
    ("2221", "2720", frozenset({16})),  # Mastercard, second range
    ("34", "34", frozenset({15})),  # American Express
    ("37", "37", frozenset({15})),
    ("300", "305", frozenset({14, 16})),  # Diners Club
    ("3095", "3095", frozenset({14, 16})),
    ("36", "36", frozenset({14, 16})),
    ("38", "39", frozenset({14, 16})),
    ("3528", "3589", frozenset({16, 17, 18, 19})),  # JCB
    ("6011", "6011", frozenset({16, 17, 18, 19})),  # Discover
    ("644", "649", frozenset({16, 17, 18, 19})),
    ("65", "65", frozenset({16, 17, 18, 19})),
    ("62", "62", frozenset({16, 17, 18, 19})),  # UnionPay
    ("2200", "2204", frozenset({16, 17, 18, 19})),  # Mir
)
# old or rare, and alike to telephone, article and order numbers: these count only where something else says card
_WEAK_SCHEMES: Final[tuple[tuple[str, str, frozenset[int]], ...]] = (
    ("4", "4", frozenset({13})),  # Visa, long ago
    ("50", "50", frozenset(range(12, 20))),  # Maestro
    ("56", "58", frozenset(range(12, 20))),
    ("6", "6", frozenset(range(12, 20))),
)
_WHOLE_MAESTRO: Final = frozenset({16, 18, 19})  # a Maestro number of these lengths counts by itself, too
_FEWEST, _MOST, _USUAL = 12, 19, 16  # digits of a card number
_DIGIT: Final = re.compile(r"\d")
_GROUP: Final = re.compile(r"\d+")
_SEPARATOR: Final = re.compile(r"[ \t\r\n.,/_|:·•\-]{1,3}")
_APART: Final = 8  # characters of any kind between two groups of a number in a card's groups
_GROUPS: Final = frozenset({(4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3)})
_MOST_GROUPS: Final = 5
_FIRST: Final = frozenset("23456")  # digits that a card number begins with
# what every number of `_numbers` holds: a dozen digits close together, or a card's groups. Found by the machine of `re`,
# it spares the rest of the work for text that merely has many digits
_MAYBE: Final = re.compile(
    r"\d(?:[ \t\r\n.,/_|:·•\-]{0,3}\d){11}"
    r"|(?<!\d)\d{4}\D{1,8}(?:\d{4}\D{1,8}\d{4}\D{1,8}\d{4}|\d{6}\D{1,8}\d{4,5})(?!\d)"
)
_TAG: Final = re.compile(r"</?[A-Za-z][^<>]{0,200}>")
_IBAN: Final = re.compile(
    r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?:[A-Z0-9]{11,30}|(?: [A-Z0-9]{4}){2,7}(?: [A-Z0-9]{1,3})?)(?![A-Za-z0-9])"
)
_CARD_WORDS: Final = re.compile(
    r"\b(?:card|cards|cc|credit|debit|visa|master\s?card|amex|american express|discover|diners|jcb|maestro|unionpay"
    r"|pan|cvv|cvc|cvv2|expir\w*|exp|valid thru)\b",
    re.IGNORECASE,
)
_OTHER_WORDS: Final = re.compile(
    r"\b(?:order|invoice|tracking|parcel|shipment|imei|serial|ean|isbn|gtin|phone|tel|fax|mobile|iban|ticket|case"
    r"|licen[cs]e|customer)\b",
    re.IGNORECASE,
)
_NEAR: Final = 40  # characters on each side in which a word counts as context


class _Found(NamedTuple):
    """Digits that a scheme's number may be, and where they stand. `weak`: only if something else says card."""

    start: int
    end: int
    printed: bool  # in a card's groups, as on the card
    even: bool  # with one and the same short separator
    weak: bool


def suspicion(text: str) -> Suspicion:
    """How likely `text` holds a card number.

    Certain: a number of a scheme's prefix and length with a right check digit that stands near a word for a card, or
    is printed in a card's groups, with no nearer word that explains it otherwise. Doubtful: such a number without
    either. A valid IBAN, and a telephone number with its country, are neither.
    """
    if len(_DIGIT.findall(text)) < _FEWEST:  # the common case, cheaply; digits of every script count as \d
        return Suspicion.NONE
    plain = _IBAN.sub(_without_iban, _plain(text))
    worst = _worst(plain)
    if worst < Suspicion.CERTAIN and "<" in plain:  # as a reader sees it, too
        worst = max(worst, _worst(_TAG.sub(" ", plain)))
    return worst


def _worst(plain: str) -> Suspicion:
    worst = Suspicion.NONE
    if not _MAYBE.search(plain):
        return worst
    for found in _numbers(plain):
        worst = max(worst, _judge(plain, found))
        if worst is Suspicion.CERTAIN:
            break
    return worst


def _judge(plain: str, found: _Found) -> Suspicion:
    card, other = _nearest(_CARD_WORDS, plain, found), _nearest(_OTHER_WORDS, plain, found)
    if found.weak and card > _NEAR and not found.printed:
        return Suspicion.NONE
    if card <= _NEAR:
        return Suspicion.CERTAIN if card < other else Suspicion.DOUBTFUL
    return Suspicion.CERTAIN if found.printed and found.even and other > _NEAR else Suspicion.DOUBTFUL


def _nearest(words: re.Pattern[str], plain: str, found: _Found) -> int:
    """How many characters away the nearest of these words stands; more than `_NEAR` when none is near."""
    before = plain[max(0, found.start - _NEAR) : found.start]
    after = plain[found.end : found.end + _NEAR]
    away = [len(before) - word.end() for word in words.finditer(before)]
    away += [word.start() for word in words.finditer(after)]
    return min(away, default=_NEAR + 1)


def _numbers(plain: str) -> Iterator[_Found]:
    """Every number of a scheme: it begins where a group of digits does, and ends where one does or after 15 or 16."""
    groups = list(_GROUP.finditer(plain))
    gaps = [plain[one.end() : other.start()] for one, other in pairwise(groups)]
    sizes = [len(group.group()) for group in groups]
    close = [_SEPARATOR.fullmatch(gap) is not None for gap in gaps]
    for first, group in enumerate(groups):
        yield from _glued(group)
        if group.group()[0] not in _FIRST:
            continue
        digits, tight = "", True
        phone = plain[group.start() - 1 : group.start()] == "+"
        for last in range(first, len(groups)):
            if last > first:
                tight = tight and close[last - 1]
                if not tight and (len(gaps[last - 1]) > _APART or last - first >= _MOST_GROUPS):
                    break
            before, digits = len(digits), digits + groups[last].group()
            if len(digits) < _FEWEST:
                continue
            printed = last - first < _MOST_GROUPS and tuple(sizes[first : last + 1]) in _GROUPS
            strength = _strength(digits) if tight or printed else 0
            if strength and not (strength == 1 and phone):
                between = set(gaps[first:last])
                even = len(between) == 1 and len(min(between)) <= 3
                yield _Found(group.start(), groups[last].end(), printed, even, strength == 1)
            if (
                tight
                and sizes[last] > 1
                and any(before < count < len(digits) and _strength(digits[:count]) == 2 for count in (15, _USUAL))
            ):
                yield _Found(group.start(), groups[last].end(), False, False, weak=False)
            if len(digits) >= _MOST:
                break


def _glued(group: re.Match[str]) -> Iterator[_Found]:
    """A number at the end of a longer row of digits."""
    digits = group.group()
    if len(digits) > _USUAL and any(_strength(digits[-count:]) == 2 for count in (15, _USUAL)):
        yield _Found(group.start(), group.end(), False, False, weak=False)


def _plain(text: str) -> str:
    """Every script's digits as ASCII, every dash and space as the plain one, invisible characters gone."""
    text = html.unescape(text)
    if text.isascii():  # where no character has another form
        return text
    out = []
    for char in unicodedata.normalize("NFKC", text):
        kind = unicodedata.category(char)
        if kind == "Nd":
            out.append(str(unicodedata.decimal(char)))
        elif kind == "Pd":
            out.append("-")
        elif kind == "Zs":
            out.append(" ")
        elif kind != "Cf":
            out.append(char)
    return "".join(out)


def _without_iban(found: re.Match[str]) -> str:
    """Nothing where the check digits are those of ISO 13616, else what was there."""
    text = found.group().replace(" ", "")
    number = "".join(str(int(char, 36)) for char in text[4:] + text[:4])
    return " " if int(number) % 97 == 1 else found.group()


def _strength(digits: str) -> int:
    """2 for a number of a scheme, 1 for one that is alike to other numbers, 0 for none."""
    strong, weak = _lengths(digits[:4])
    if len(digits) not in strong | weak or not _luhn(digits):
        return 0
    return 2 if len(digits) in strong or len(digits) in _WHOLE_MAESTRO else 1


@cache  # there are ten thousand at most
def _lengths(prefix: str) -> tuple[frozenset[int], frozenset[int]]:
    """How long the numbers are that begin so: of the schemes, and of the weak ones."""
    strong, weak = (
        frozenset().union(*(lengths for low, high, lengths in schemes if low <= prefix[: len(low)] <= high))
        for schemes in (_SCHEMES, _WEAK_SCHEMES)
    )
    return strong, weak


_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def _luhn(digits: str) -> bool:
    numbers = [ord(digit) - 48 for digit in reversed(digits)]
    return (sum(numbers[::2]) + sum(_DOUBLED[n] for n in numbers[1::2])) % 10 == 0
