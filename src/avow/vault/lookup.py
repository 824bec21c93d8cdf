"""Find a person by a value without keeping the value: normalise it, then hash it with a key of the site.

Pure. Who has no key cannot try values against the index; equal values are equal there, which is admitted. What is
equal to what is fixed by `VERSION`: a change of these rules is a new version, with a new key. Rules: docs/formats.md,
1.6. Fit for values that many people could not guess in a row (addresses, numbers), not for a year of birth alone.
"""

import hmac
import unicodedata
from collections.abc import Callable, Mapping
from typing import Final

from avow.errors import BadValue

VERSION: Final = 1


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


_RULES: Final[Mapping[str, Callable[[str], str]]] = {
    "EmailAddress": _mail,
    "EmailAddressPersonal": _mail,
    "EmailAddressWork": _mail,
    "TelephoneNumber": _phone,
}
