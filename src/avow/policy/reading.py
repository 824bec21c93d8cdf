"""How single things in a policy file are read: a word, a name, a day, a list, a table of keys.

A `Reader` turns a node of the tree into a value and notes faults on the way; it never raises. What it returns
beside a fault is a harmless stand-in that nobody sees, because a file with faults makes no policy.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from difflib import get_close_matches
from typing import Any, Final
from urllib.parse import urlsplit

from avow.errors import Fault
from avow.policy.model import Place
from avow.policy.tree import Broken, Items, Keys, Node, Scalar

GUESSES: Final = 200  # did-you-means per file: after that many faults the author needs other help
LONGEST_NAME: Final = 64


@dataclass(slots=True)
class Reading:
    """What is known while one file is read: the names it declares, and the faults so far."""

    names: Mapping[str, tuple[str, ...]]  # the kind of declaration -> its names, in the order of the file
    faults: list[Fault] = field(default_factory=list)

    def fault(self, place: Place, message: str, hint: str = "") -> None:
        """Note what is wrong at a place."""
        self.faults.append(Fault(place.line, place.column, message, hint))

    def unknown(self, place: Place, message: str, word: str, known: Iterable[str], otherwise: str = "") -> None:
        """Note an unknown word, with the nearest known one, or else a few of those that there are."""
        among = tuple(known)
        near = _nearest(word, among) if len(self.faults) < GUESSES else None
        if near is not None:
            hint = f"did you mean `{near}`?"
        elif otherwise:
            hint = otherwise
        else:
            hint = f"one of {', '.join(f'`{one}`' for one in among)}" if 0 < len(among) <= 16 else ""
        self.fault(place, message, hint)


@dataclass(frozen=True, slots=True)
class Reader:
    """`what` it reads, as a noun phrase for messages, and how."""

    what: str
    read: Callable[[Node, Reading], Any]

    def __call__(self, node: Node, reading: Reading) -> Any:
        """The value at the node."""
        return self.read(node, reading)


def quoted(word: str) -> str:
    """A word of the user's in backticks, on one line and not too long."""
    line = " ".join("".join(c if c.isprintable() else " " for c in word).split())
    return f"`{line[:60]}…`" if len(line) > 60 else f"`{line}`"


def scalar(what: str, read: Callable[[str, Scalar, Reading], Any]) -> Reader:
    """A reader of one value's text."""

    def one(node: Node, reading: Reading) -> Any:
        match node:
            case Scalar() if node.absent or not node.text:
                reading.fault(node.place, "a value is missing", f"write {what}")
            case Scalar():
                return read(node.text, node, reading)
            case Items():
                reading.fault(node.place, "a list where one value belongs", f"write {what}")
            case Keys():
                reading.fault(node.place, "keys where one value belongs", f"write {what}")
            case Broken():
                pass
        return ""

    return Reader(what, one)


def pattern(what: str, regex: str, make: Callable[[str], Any] = str) -> Reader:
    """A value of a fixed shape. `make` may still refuse it by a ValueError or OverflowError."""
    shape = re.compile(regex)

    def read(text: str, node: Scalar, reading: Reading) -> Any:
        try:
            if shape.fullmatch(text):
                return make(text)
        except (ValueError, OverflowError):
            pass
        reading.fault(node.place, f"{quoted(text)} is not {what}", f"write {what}")
        return None

    return scalar(what, read)


def word(what: str, known: Iterable[str]) -> Reader:
    """One word of a closed list."""
    among = tuple(known)

    def read(text: str, node: Scalar, reading: Reading) -> str:
        if text not in among:
            reading.unknown(node.place, f"{quoted(text)} is not {what}", text, among)
        return text

    return scalar(what, read)


def declared(what: str, kinds: Sequence[str], also: Sequence[str] = ()) -> Reader:
    """A name declared in the file under one of `kinds`, or one of the words `also`."""
    under = " or ".join(f"`{kind}`" for kind in kinds)

    def read(text: str, node: Scalar, reading: Reading) -> str:
        known = [name for kind in kinds for name in reading.names[kind]]
        if text not in known and text not in also:
            message = f"{quoted(text)} is not {what} of this policy"
            reading.unknown(node.place, message, text, [*known, *also], f"declare it under {under}")
        return text

    return scalar(what, read)


def some(one: Reader, every: Callable[[Reading, Place], tuple[str, ...]] | None = None) -> Reader:
    """Several values as a tuple: a list, or a single one without brackets. `every` says what the word `any` stands for."""

    def read(node: Node, reading: Reading) -> tuple[Any, ...]:
        if isinstance(node, Scalar) and node.text == "any" and every is not None:
            return every(reading, node.place)
        if not isinstance(node, Items):
            return (one(node, reading),)
        values: list[Any] = []
        for item in node.items:
            value = one(item, reading)
            if isinstance(item, Scalar) and value in values:
                reading.fault(item.place, f"{quoted(item.text)} stands twice in this list", "remove one")
            values.append(value)
        if not values:
            reading.fault(node.place, "an empty list", f"write {one.what}, or remove the key")
        return tuple(values)

    return Reader(f"{one.what}, or a list of them", read)


def each(one: Reader) -> Reader:
    """The values of a mapping, or of a list of mappings, as a tuple."""

    def read(node: Node, reading: Reading) -> tuple[Any, ...]:
        if isinstance(node, Items):
            if not node.items:
                reading.fault(node.place, "an empty list", f"write {one.what}, or remove the key")
            return tuple(one(item, reading) for item in node.items)
        return (one(node, reading),)

    return Reader(one.what, read)


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a record: how its value is read, the model's field it fills, and what stands in when it is left out."""

    name: str
    reader: Reader
    field: str
    required: bool
    default: Any = None


def must(name: str, reader: Reader, field: str = "") -> Key:
    """A key that has to be there."""
    return Key(name, reader, field or name.replace("-", "_"), required=True)


def may(name: str, reader: Reader, field: str = "", default: Any = None) -> Key:
    """A key that may be left out."""
    return Key(name, reader, field or name.replace("-", "_"), required=False, default=default)


def fields(what: str, node: Node, reading: Reading, keys: Sequence[Key]) -> dict[str, Any] | None:
    """The fields that a mapping fills, or None when it is no mapping."""
    if not isinstance(node, Keys):
        if not isinstance(node, Broken):
            reading.fault(node.place, f"{what} is not a mapping of keys", f"give it keys such as {_names_of(keys)}")
        return None
    known = {key.name for key in keys}
    for name, (place, value) in node.pairs.items():
        if name not in known and isinstance(value, Scalar) and value.absent:
            reading.fault(place, f"{quoted(name)} is not a key of {what}", "put a text that holds a comma in quotes")
        elif name not in known:
            reading.unknown(place, f"{quoted(name)} is not a key of {what}", name, (key.name for key in keys))
    values: dict[str, Any] = {}
    for key in keys:
        values[key.field] = key.default
        if key.name in node.pairs:
            values[key.field] = key.reader(node.pairs[key.name][1], reading)
        elif key.required:
            reading.fault(node.place, f"{what} has no `{key.name}`", f"add `{key.name}:` with {key.reader.what}")
    return values


def _names_of(keys: Sequence[Key]) -> str:
    """The required keys, or else the first, for a message."""
    return ", ".join(f"`{key.name}`" for key in keys if key.required) or f"`{keys[0].name}`"


Also = Callable[[Any, Place, Reading], None]  # looks at a finished record and notes what is wrong between its keys


def record(what: str, make: Callable[..., Any], *keys: Key, also: Also | None = None, placed: bool = True) -> Reader:
    """A mapping with fixed keys, as one value of the model. `placed`: whether the model keeps its place."""

    def read(node: Node, reading: Reading) -> Any:
        before = len(reading.faults)
        values = fields(what, node, reading, keys)
        if values is None or len(reading.faults) > before:
            return None
        made = make(**values, **({"place": node.place} if placed else {}))
        if also is not None:
            also(made, node.place, reading)
        return made

    return Reader(f"keys such as {_names_of(keys)}", read)


def _day(text: str) -> date:
    return date.fromisoformat(text)


def _span(text: str) -> timedelta:
    number, unit = text.split(" ")
    return timedelta(**{unit if unit.endswith("s") else unit + "s": int(number)})


def _flag(text: str) -> bool:
    return text == "true"


def _url(text: str) -> str:
    """https, or http on this machine itself; a host; no name or password in it."""
    parts = urlsplit(text)
    port = parts.port  # raises ValueError when it is no number
    local = parts.hostname in {"localhost", "127.0.0.1"}
    if not parts.hostname or "@" in parts.netloc or port == 0 or (parts.scheme == "http" and not local):
        raise ValueError
    return text


def _origin(text: str) -> str:
    """Scheme, host and port alone (RFC 6454)."""
    parts = urlsplit(_url(text))
    if parts.path or parts.query or parts.fragment:
        raise ValueError
    return text


TEXT: Final = scalar("some words", lambda text, _node, _reading: text)
NAME_SHAPE: Final = re.compile(rf"[a-z][a-z0-9-]{{0,{LONGEST_NAME - 1}}}")
NAME: Final = pattern("a name of small letters, digits and hyphens", NAME_SHAPE.pattern)
DAY: Final = pattern("a day such as `2014-06-30`", "[0-9]{4}-[0-9]{2}-[0-9]{2}", _day)
SPAN: Final = pattern("a time such as `30 days` (hours, days or weeks)", "[1-9][0-9]{0,4} (hour|day|week)s?", _span)
FLAG: Final = pattern("`true` or `false`", "true|false", _flag)
COUNT: Final = pattern("a number from 1 up", "[1-9][0-9]{0,5}", int)
URL: Final = pattern("a URL that starts with `https://`", r"https?://[!-~]+", _url)
ORIGIN: Final = pattern("an origin such as `https://pay.example`", r"https?://[!-~]+", _origin)
PATH: Final = pattern("a path that starts with `/`", r"/[!-~]*")
PATH_OR_URL: Final = pattern("a path or a URL", r"/[!-~]*|https?://[!-~]+", lambda t: t if t[0] == "/" else _url(t))
EMAIL: Final = pattern("an e-mail address", r"[^@\s]+@[^@\s]+\.[^@\s]+")


def is_name(text: str) -> bool:
    """Whether something can be declared under this name."""
    return NAME_SHAPE.fullmatch(text) is not None


def _nearest(unknown: str, known: Sequence[str]) -> str | None:
    """The known word most like the unknown one, if any is like it at all."""
    if len(unknown) > LONGEST_NAME:
        return None
    plain = {one.casefold(): one for one in known}
    near = get_close_matches(unknown.casefold().replace("_", "-"), plain, n=1, cutoff=0.6)
    return plain[near[0]] if near else None
