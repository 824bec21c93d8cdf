"""Look for card numbers in what a request brings: forms, files' names, JSON at any depth, text of any kind.

Pure. Every input is looked at by itself, with its name as context; then all of them in one row, as a number may be
spread over several; then the raw body as text. Nothing found is kept: only where it stood.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple
from urllib.parse import unquote_to_bytes

from avow.cards import Suspicion, suspicion

MOST_INPUTS: Final = 10_000
# of a card number at least; none of another script is shorter when it is encoded
_DIGITS: Final = re.compile(rb"(?:[0-9][^0-9]*+){12}")
_ENOUGH: Final = re.compile(r"(?:[0-9][^0-9]*+){12}")
_DIGITS_IN: Final = re.compile(r"\d\D*+\d")
_PLAIN_NAME: Final = re.compile(r"[A-Za-z][A-Za-z_.\[\]-]{0,40}\d{0,3}[\]]?")
_ESCAPE: Final = re.compile(r"\\u([0-9a-fA-F]{4})|\\u\{([0-9a-fA-F]{1,6})\}|\\x([0-9a-fA-F]{2})")
_WORDS: Final = re.compile(r"[^A-Za-z]+|(?<=[a-z])(?=[A-Z])")  # what stands between the words of a name
_FILENAME: Final = re.compile(rb"""filename\*?=(?:"([^"]*)"|([^;\r\n]*))""", re.IGNORECASE)
_NAME: Final = re.compile(rb"""[;\s]name=(?:"([^"]*)"|([^;\r\n]*))""", re.IGNORECASE)
_OWN_ENCODING: Final = re.compile(rb"\ncontent-transfer-encoding\s*:\s*(?!7bit|8bit|binary)", re.IGNORECASE)
_FORM: Final = "application/x-www-form-urlencoded"
_LAYERS: Final = 3


class Looked(NamedTuple):
    """What a body holds. `certain` and `doubtful` are the names of inputs; `a field` for one whose name may say more."""

    certain: tuple[str, ...] = ()
    doubtful: tuple[str, ...] = ()


NOTHING: Final = Looked()


class Unreadable(ValueError):
    """A body that is not what its content type says, so that nobody knows what it holds. The message says why."""


def look(body: bytes, content_type: str) -> Looked:
    """Look at a whole body. Raises `Unreadable`."""
    kind, _, parameters = content_type.partition(";")
    kind = kind.strip().lower()
    if parameters:
        _known_charset(parameters)
    if kind == "multipart/form-data" and _OWN_ENCODING.search(body):
        raise Unreadable("a form with a part in an encoding of its own")
    if body.isascii() and not _DIGITS.search(body):
        return NOTHING
    inputs = list(_inputs(body, kind, parameters))
    if len(inputs) > MOST_INPUTS:
        raise Unreadable(f"more than {MOST_INPUTS} inputs")
    whole = b"" if kind == _FORM else body  # of a form, names and values are all that there is
    return _judged(inputs, whole)


def _judged(inputs: list[tuple[str, str]], whole: bytes) -> Looked:
    certain: list[str] = []
    doubtful: list[str] = []
    parts = []  # of a number that is spread over several inputs
    for name, value in inputs:
        if value.isdigit() or _DIGITS_IN.search(value):
            parts.append(value)
        text = value if name.isalpha() else f"{name} {value}"
        if text.isascii() and not _ENOUGH.search(text):
            continue
        found = max(map(suspicion, _in_context(name, value)), default=Suspicion.NONE)
        if found is not Suspicion.NONE:
            (certain if found is Suspicion.CERTAIN else doubtful).append(_safe(name))
    if not certain and len(parts) > 1 and _certain(" ".join(parts).encode("utf-8", "replace")):
        certain.append("several fields")
    if not certain and _certain(whole):
        certain.append("the body")
    return Looked(tuple(certain), tuple(doubtful))


def _certain(raw: bytes) -> bool:
    return any(suspicion(text) is Suspicion.CERTAIN for text in texts(raw))


def texts(raw: bytes) -> Iterator[str]:
    """Bytes as text: without the zeros of wide encodings, and below each layer of percent and JSON escapes."""
    raw = raw.replace(b"\0", b"")
    if b"%" not in raw and b"\\" not in raw:
        yield raw.decode("utf-8", "replace")
        return
    for _ in range(_LAYERS + 1):
        text = raw.decode("utf-8", "replace")
        yield text
        below = _ESCAPE.sub(_char, unquote_to_bytes(raw).decode("utf-8", "replace")).encode("utf-8", "replace")
        if below == text.encode("utf-8", "replace"):
            return
        raw = below


def _char(found: re.Match[str]) -> str:
    number = int(next(part for part in found.groups() if part), 16)
    return chr(number) if number < 0x110000 else " "


def _known_charset(parameters: str) -> None:
    charset = re.search(r"charset\s*=\s*\"?([\w.:-]*)", parameters, re.IGNORECASE)
    if charset and charset[1].lower() not in ("utf-8", "utf8", "us-ascii", "iso-8859-1", "latin-1", "windows-1252"):
        raise Unreadable("a character set other than UTF-8")


def _in_context(name: str, value: str) -> Iterator[str]:
    """The value, below each layer of encoding, after its name as words."""
    words = name if name.islower() and name.isalpha() else _WORDS.sub(" ", name)
    for text in texts(value.encode("utf-8", "replace")):
        yield f"{words}: {text}"
    if any(char.isdigit() for char in name):
        yield name.replace("_", " ")


def _safe(name: str) -> str:
    return name if _PLAIN_NAME.fullmatch(name) else "a field"


def _inputs(body: bytes, kind: str, parameters: str) -> Iterator[tuple[str, str]]:
    if kind == "multipart/form-data":
        return _multipart(body, parameters)
    if kind == "application/json" or kind.endswith("+json"):
        return _json(body)
    if kind == _FORM:
        return _form(body)
    return iter(())  # the raw body is looked at in any case


def _form(body: bytes) -> Iterator[tuple[str, str]]:
    for pair in body.replace(b"+", b" ").split(b"&", MOST_INPUTS + 1):
        name, _, value = pair.partition(b"=")
        if b"%" in pair:
            name, value = unquote_to_bytes(name), unquote_to_bytes(value)
        yield _text(name), _text(value)


def _multipart(body: bytes, parameters: str) -> Iterator[tuple[str, str]]:
    boundary = re.search(r'boundary\s*=\s*(?:"([^"]+)"|([^\s;]+))', parameters, re.IGNORECASE)
    if not boundary:
        raise Unreadable("a form in parts without a boundary")
    line = b"--" + (boundary[1] or boundary[2]).encode("latin-1")
    for part in body.split(line, MOST_INPUTS + 1)[1:]:
        head, _, value = part.partition(b"\r\n\r\n")
        name = _first(_NAME.search(head))
        if found := _FILENAME.search(head):
            yield f"{name}.filename", _text(unquote_to_bytes(_first(found).encode("latin-1")))
        yield name, _text(value)


def _first(found: re.Match[bytes] | None) -> str:
    return "" if found is None else (found[1] or found[2] or b"").decode("latin-1")


def _json(body: bytes) -> Iterator[tuple[str, str]]:
    try:
        tree = json.loads(body, object_pairs_hook=_Pairs, parse_int=str, parse_float=str)
    except (ValueError, RecursionError) as error:
        raise Unreadable("a body that says it is JSON, and is not, or too deep") from error
    return _leaves(tree)


class _Pairs(list[tuple[str, Any]]):
    """An object with all its pairs, those of a doubled name among them."""


def _leaves(tree: Any) -> Iterator[tuple[str, str]]:
    """Every text and number, with the name it has, or that of the list it is in. Names are looked at as well."""
    waiting: list[tuple[str, Any]] = [("", tree)]
    while waiting:
        name, node = waiting.pop()
        if isinstance(node, _Pairs):
            waiting.extend(reversed(node))
        elif isinstance(node, list):
            waiting.extend((name, one) for one in reversed(node))
        elif isinstance(node, str):
            yield name, node
        else:
            yield name, ""


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
