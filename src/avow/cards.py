"""Find payment card numbers in text, so that they can be refused at every door.

Pure. It answers with how sure it is and never with the number: nothing of a match is kept, returned or logged.
Lengths and prefixes are those of ISO/IEC 7812 as the schemes publish them; the check digit is ISO/IEC 7812-1, annex B.

It does not decode: a number hidden in base64, in an image or in words passes here.
"""

import re
import unicodedata
from enum import IntEnum
from typing import Final


class Suspicion(IntEnum):
    """How sure the detector is. `DOUBTFUL` asks the sender to confirm that it is no card; `CERTAIN` refuses."""

    NONE = 0
    DOUBTFUL = 1
    CERTAIN = 2


# prefix range (inclusive, same number of digits) -> lengths
_SCHEMES: Final[tuple[tuple[str, str, frozenset[int]], ...]] = (
    ("4", "4", frozenset({13, 16, 19})),  # Visa
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
    ("50", "50", frozenset({12, 13, 14, 15, 16, 17, 18, 19})),  # Maestro
    ("56", "58", frozenset({12, 13, 14, 15, 16, 17, 18, 19})),
    ("6", "6", frozenset({12, 13, 14, 15, 16, 17, 18, 19})),
)
_SEPARATORS: Final = r"[ \t\r\n.,/_|:·•\-]{1,3}"
_RUN: Final = re.compile(rf"\d(?:(?:{_SEPARATORS})?\d){{11,}}")
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
_GROUPS: Final = frozenset({(4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3), (4, 4, 5)})
_FEW_DIGITS: Final = re.compile(r"(?:\d\D{0,3}){12}")


def suspicion(text: str) -> Suspicion:
    """How likely `text` holds a card number.

    Certain: a number of a scheme's prefix and length with a right check digit that stands near a word for a card, or
    is printed in a card's groups with no word near that explains it otherwise. Doubtful: such a number without either.
    """
    if not _FEW_DIGITS.search(text):  # the common case, cheaply; digits of every script count as \d
        return Suspicion.NONE
    plain = _plain(text)
    worst = Suspicion.NONE
    for run in _RUN.finditer(plain):
        digits = re.sub(r"\D", "", run.group())
        if not _holds_number(digits):
            continue
        worst = max(worst, _judge(plain, run))
    return worst


def _judge(plain: str, run: re.Match[str]) -> Suspicion:
    around = plain[max(0, run.start() - _NEAR) : run.start()] + " " + plain[run.end() : run.end() + _NEAR]
    if _CARD_WORDS.search(around):
        return Suspicion.CERTAIN
    groups = tuple(len(part) for part in re.split(r"\D+", run.group()))
    if groups in _GROUPS and not _OTHER_WORDS.search(around):
        return Suspicion.CERTAIN
    return Suspicion.DOUBTFUL


def _plain(text: str) -> str:
    """Every script's digits as ASCII, every dash and space as the plain one, invisible characters gone."""
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


def _holds_number(digits: str) -> bool:
    """Whether some scheme's number stands in the digits: at either end of a short run, anywhere in a long one."""
    for start in range(len(digits) - 11):
        for low, high, lengths in _SCHEMES:
            if not low <= digits[start : start + len(low)] <= high:
                continue
            for length in lengths:
                if start + length <= len(digits) and _luhn(digits[start : start + length]):
                    return True
    return False


_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def _luhn(digits: str) -> bool:
    numbers = [ord(digit) - 48 for digit in reversed(digits)]
    return (sum(numbers[::2]) + sum(_DOUBLED[n] for n in numbers[1::2])) % 10 == 0
