"""Find a person by a value without keeping the value: normalise it, then hash it with a key of the site.

Pure. Who has no key cannot try values against the index; equal values are equal there, which is admitted. What is
equal to what is fixed by `VERSION`: a change of these rules is a new version, with a new key. Rules: docs/formats.md,
1.6. Fit for values that many people could not guess in a row (addresses, numbers), not for a year of birth alone.
"""

import hmac
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Final

from avow.errors import BadValue

VERSION: Final = 1
BROAD_VERSION: Final = (
    2  # of the rules of `broad`; entries of the do-not-contact list under version 1 are by `normalise`
)


def keyed_hash(key: bytes, term: str, value: str) -> bytes:
    """32 bytes, the same for values that `normalise` makes the same. Raises `BadValue`."""
    return hmac_sha256(key, normalise(term, value).encode())


def normalise(term: str, value: str) -> str:
    """The value as it is compared. `term` is the category's term of the Data Privacy Vocabulary.

    Raises `BadValue` when nothing is left to look up by, or when the text is no text (a lone surrogate).
    """
    try:
        value.encode()
    except UnicodeEncodeError:
        raise BadValue(f"a value for `{term}` is not valid text; it has no look-up") from None
    result = _RULES.get(term, _plain)(value)
    if not result:
        raise BadValue(f"a value for `{term}` is empty; it has no look-up")
    return result


def broad_hash(key: bytes, term: str, value: str) -> bytes:
    """As `keyed_hash`, the same for values that `broad` makes the same: for lists of whom not to reach."""
    return hmac_sha256(key, broad(term, value).encode())


def broad(term: str, value: str) -> str:
    """The value with all set aside that may be another way to write what reaches the same person.

    For refusing, where too much is right and too little is not: a mail address loses its +suffix, its quotes, what nobody
    sees, and Unicode's other ways of writing a letter; its domain is put into letters (RFC 3492), without a last dot; a
    postal address is its letters and digits, for one writes a comma where another begins a line. Not for
    finding: two people may have the same. Raises `BadValue` as `normalise` does.
    """
    normal = normalise(term, value)
    if term == "PhysicalAddress":
        return "".join(filter(str.isalnum, _compatible(normal))) or normal
    if not term.startswith("EmailAddress"):
        return normal if term == "TelephoneNumber" else _plain(_compatible(normal))
    text = "".join(_compatible(normal).split())
    local, _, domain = text.rpartition("@")
    if len(local) > 1 and local[0] == local[-1] == '"':
        local = re.sub(r"\\(.)", r"\1", local[1:-1])  # RFC 5321, 4.1.2: a quoted pair stands for its second sign
    local = local.partition("+")[0] or local
    return _compatible(f"{local}@{'.'.join(map(_label, re.split(_DOTS, domain.rstrip('.。'))))}")


def same_mailbox(one: str, other: str) -> bool:
    """Whether mail to both goes to one mailbox, as far as anybody but its server can tell: before the @ only the case of
    ASCII letters does not count. A letter that merely looks the same, or folds to another, is another.
    """
    return mailbox(one) == mailbox(other)


def mailbox(value: str) -> str:
    """The address as `same_mailbox` compares it. In a domain the case of any letter does not count, and no more than that:
    `ß` and `ss` are two domains (RFC 5894, 4.1), which anybody may own.
    """
    local, at, domain = value.strip().rpartition("@")
    lower = "".join(sign.lower() for sign in unicodedata.normalize("NFC", domain))
    return "".join(sign.lower() if sign.isascii() else sign for sign in local) + at + lower


def _compatible(text: str) -> str:
    """Case, compatible letters and invisible signs set aside (NFKC with case folding, Unicode 3.13, D146)."""
    seen = "".join(sign for sign in text if unicodedata.category(sign) not in ("Cf", "Cc") or sign.isspace())
    for _ in range(2):  # folding may bring about what composes anew
        seen = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", seen).casefold())
    return seen


def _label(label: str) -> str:
    """A label of a domain in letters; as it is where its coding is none."""
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode().decode("punycode")
    except UnicodeError:
        return label


def same(term: str, one: str, other: str) -> bool:
    """Whether two values find the same people."""
    return normalise(term, one) == normalise(term, other)


def hmac_sha256(key: bytes, data: bytes) -> bytes:
    """HMAC-SHA-256 (RFC 2104, FIPS 180-4)."""
    return hmac.digest(key, data, "sha256")


def _folded(text: str) -> str:
    """Case and ways of composing a character set aside (Unicode 3.13, D145: fold between two normalisations)."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def _plain(text: str) -> str:
    """Case, composition and the amount of white space do not count."""
    return " ".join(_folded(text).split())


def _mail(text: str) -> str:
    """The same without any white space at the ends.

    The part before the @ is folded too: no provider of note tells `Ann` from `ann`, and people do not either. Dots
    and +suffixes stay: to some providers they matter.
    """
    return _folded(text.strip())


def _phone(text: str) -> str:
    """The digits, and a plus before them when the number is international (written +44 or 0044).

    A number without its country stays without: guessing would tie people together who have nothing in common.
    """
    text = unicodedata.normalize("NFKC", text).strip()
    digits = _digits(text)
    if not text.startswith("+") and not digits.startswith("00"):
        return digits
    digits = _digits(text.replace("(0)", ""))  # +44 (0)20: the zero is only dialled within the country
    digits = digits if text.startswith("+") else digits[2:]
    return f"+{digits}" if digits else ""


def _digits(text: str) -> str:
    return "".join(str(unicodedata.decimal(sign)) for sign in text if sign.isdecimal())


_DOTS: Final = "[.。]"  # U+FF0E and U+FF61 are one of these two by now
_RULES: Final[Mapping[str, Callable[[str], str]]] = {
    "EmailAddress": _mail,
    "EmailAddressPersonal": _mail,
    "EmailAddressWork": _mail,
    "TelephoneNumber": _phone,
}
