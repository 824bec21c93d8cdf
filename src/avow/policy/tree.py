"""YAML text -> a small tree in which every part knows its place.

Does not say what a scalar means: `5` stays the text "5" until a reader asks for a number, so no word is ever taken
for a boolean or a day by surprise. Leaves out of YAML what a policy has no use for: anchors and aliases (which can
blow a small file up), tags, several documents, keys that are not words. Rules: docs/policy-language.md, section 1.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final

import yaml
from yaml.error import Mark, MarkedYAMLError
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from avow.errors import Fault
from avow.policy.model import Place

try:
    from yaml.cyaml import CBaseLoader
except ImportError as error:  # the pure parser is ten times slower, and its faults stand elsewhere and read differently
    raise ImportError("this PyYAML was built without libyaml: install one of its wheels") from error

MOST_BYTES: Final = 1 << 20  # of a file: the five policies have some 20 KiB each
DEEPEST: Final = 16  # levels of nesting: a policy needs 6

Fails = Callable[[Place, str, str], None]  # place, message, help


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value, as text without the white space around it. `quoted` tells "" and "null" in quotes from an absent value."""

    text: str
    quoted: bool
    place: Place

    @property
    def absent(self) -> bool:
        """Whether nothing was written where a value should be."""
        return not self.quoted and self.text in {"", "~", "null"}


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    items: tuple["Node", ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Keys:
    """A mapping: each key's text -> where the key stands, and its value. Keys are single."""

    pairs: Mapping[str, tuple[Place, "Node"]]
    place: Place


@dataclass(frozen=True, slots=True)
class Broken:
    """What could not be read; its fault is already noted."""

    place: Place


Node = Scalar | Items | Keys | Broken


class _Stop(Exception):
    """The text cannot be read beyond this fault."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault


def grow(content: str | bytes) -> tuple[str, Node, list[Fault]]:
    """The text, its tree and the faults found so far. Never raises: what stops the reading is a fault too."""
    faults: list[Fault] = []
    text = ""
    try:
        text = _decoded(content)
        tree = _Grower(_events(text), faults).document()
    except _Stop as stop:
        faults.append(stop.fault)
        tree = Broken(Place(1, 1))
    return text, tree, faults


_NOT_UTF8: Final = ("the text is not UTF-8", "save the file as UTF-8")
# What is not printable; what ends a line for some programs, and for YAML 1.1, but not for YAML 1.2 (U+0085, U+2028,
# U+2029); and a byte order mark that is not at the beginning.
_FOREIGN: Final = re.compile(r"[^\t\n\r -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_LINE_END: Final = re.compile(r"\r\n|\r|\n")


def _decoded(content: str | bytes) -> str:
    if len(content) > MOST_BYTES:
        raise _Stop(Fault(1, 1, f"the file is larger than {MOST_BYTES >> 10} KiB", "a policy is a few pages long"))
    try:
        text = content if isinstance(content, str) else content.decode()
        text.encode()
    except UnicodeEncodeError as error:
        raise _Stop(_at(error.object[: error.start], *_NOT_UTF8)) from None
    except UnicodeDecodeError as error:
        raise _Stop(_at(error.object[: error.start].decode(), *_NOT_UTF8)) from None
    text = text.removeprefix("\ufeff")
    foreign = _FOREIGN.search(text)
    if foreign:
        message = f"the character U+{ord(foreign[0]):04X} may not stand in a policy"
        raise _Stop(_at(text[: foreign.start()], message, "remove it"))
    return text


def _at(before: str, message: str, hint: str) -> Fault:
    """A fault at the end of `before`."""
    lines = _LINE_END.split(before)
    return Fault(len(lines), len(lines[-1]) + 1, message, hint)


def _events(text: str) -> Iterator[Any]:
    """The library's events; what it raises becomes the one fault that ends the reading."""
    try:
        yield from yaml.parse(text, Loader=CBaseLoader)
    except MarkedYAMLError as error:
        raise _Stop(_syntax(error, text)) from None


_TAB_INDENT: Final = re.compile(" *\t")
_NO_KEY: Final = "mapping values are not allowed"
_INDENT: Final = (
    "this line is not indented like its neighbours",
    "give keys and items of one level the same indentation",
)
_NOT_YAML: Final = ("the file is not YAML here", "mend the line, or the one above it")
_DIRECTIVE: Final = ("a directive, starting with `%`", "remove it: a policy needs none")
_TAG: Final = ("a tag, starting with `!`", "remove it: each key knows what it holds")
_ESCAPE: Final = ("an unknown escape after a backslash", "use single quotes for text with backslashes")
_TOO_DEEP: Final = ("nested too deeply", f"a policy has {DEEPEST} levels at most")
# What the library says when it stops -> what is wrong, what to do, and whether it began at the mark of the context.
_SYNTAX: Final[tuple[tuple[str, str, str, bool], ...]] = (
    ("cannot start any token", "a value starts with a character that means something else in YAML",
     "put the value in quotes", False),
    (_NO_KEY, "this `:` makes no key here",
     "put a text that holds `: ` in quotes, or mend the indentation", False),
    ("expected key", *_INDENT, False),
    ("expected '-' indicator", *_INDENT, False),
    ("could not find expected ':'", "a key without `:`", "write `key: value`", True),
    ("unexpected end of stream", "a quote is opened and never closed", "close the quote", True),
    ("expected ',' or", "a `[` or `{` is not closed", "close it, or put a comma between its items", True),
    ("expected node content", "a value is missing here", "write the value, or remove the key", False),
    ("expected <document start>", "the document has ended before this",
     "a file holds one policy: remove what follows, or mend the line above", False),
    ("alphabetic or numeric", "an anchor or an alias, starting with `&` or `*`",
     "remove it: a policy has neither; a text that starts so goes in quotes", True),
    ("directive", *_DIRECTIVE, True),
    ("incompatible YAML document", *_DIRECTIVE, False),
    (" a tag", *_TAG, True),
    ("tag handle", *_TAG, False),
    ("escape", *_ESCAPE, False),
    ("expected hex", *_ESCAPE, False),
    ("nesting depth", *_TOO_DEEP, False),
)  # fmt: skip


def _syntax(error: MarkedYAMLError, text: str) -> Fault:
    said = f"{error.context}: {error.problem}"
    mark, context = error.problem_mark, error.context_mark
    if mark is None:
        return Fault(1, 1, *_NOT_YAML)
    tab = _tab(said, text, mark)
    if tab is not None:
        return _at(text[:tab], "a tab stands where YAML wants spaces", "indent with spaces")
    for part, message, hint, at_context in _SYNTAX:
        if part in said:
            return _at(text[: (context or mark).index if at_context else mark.index], message, hint)
    return _at(text[: mark.index], *_NOT_YAML)


def _tab(said: str, text: str, mark: Mark) -> int | None:
    """Where the tab stands that the library stumbled over: at its mark, or before a key that it took for more of the
    text above, because no tab indents.
    """
    if text.startswith("\t", mark.index):
        return mark.index
    indented = _TAB_INDENT.match(text, mark.index - mark.column)
    return indented.end() - 1 if indented and _NO_KEY in said else None


class _Grower:
    """Builds the tree from events. Recursive, but never deeper than `DEEPEST`."""

    def __init__(self, events: Iterator[Any], faults: list[Fault]) -> None:
        self._events = events
        self._faults = faults

    def document(self) -> Node:
        """The one document of the file."""
        for event in self._events:
            if isinstance(event, DocumentStartEvent):
                break
            if isinstance(event, StreamEndEvent):
                raise _Stop(Fault(1, 1, "the file is empty", "`avow init` writes a policy to start from"))
        tree = self._node(next(self._events), 1)
        for event in islice(self._events, 1, None):  # the first one ends the document
            if isinstance(event, DocumentStartEvent):
                self._fault(_place(event), "a second document in one file", "a file holds one policy: remove the `---`")
                break
        return tree

    def _fault(self, place: Place, message: str, hint: str) -> None:
        self._faults.append(Fault(place.line, place.column, message, hint))

    def _node(self, event: Any, depth: int) -> Node:
        place = _place(event)
        if depth > DEEPEST:
            raise _Stop(Fault(place.line, place.column, *_TOO_DEEP))
        self._plain(event, place)
        match event:
            case ScalarEvent():
                return Scalar(event.value.strip(), event.style != "", place)
            case SequenceStartEvent():
                return self._items(place, depth)
            case MappingStartEvent():
                return self._keys(place, depth)
            case _:
                return Broken(place)

    def _plain(self, event: NodeEvent, place: Place) -> None:
        """Faults for what YAML has and a policy has not."""
        if isinstance(event, AliasEvent):
            self._fault(place, f"an alias, `*{event.anchor}`", "write it out: a policy repeats itself openly")
        elif event.anchor is not None:
            self._fault(place, f"an anchor, `&{event.anchor}`", "remove it: a policy has no aliases")
        elif getattr(event, "tag", None) is not None:
            self._fault(place, *_TAG)

    def _items(self, place: Place, depth: int) -> Items:
        items: list[Node] = []
        while not isinstance(event := next(self._events), SequenceEndEvent):
            items.append(self._node(event, depth + 1))
        return Items(tuple(items), place)

    def _keys(self, place: Place, depth: int) -> Keys:
        pairs: dict[str, tuple[Place, Node]] = {}
        while not isinstance(event := next(self._events), MappingEndEvent):
            key = self._node(event, depth + 1)
            value = self._node(next(self._events), depth + 1)
            if not isinstance(key, Scalar):
                if not isinstance(key, Broken):
                    self._fault(key.place, "a key that is not a word", "write `key: value`")
            elif key.text in pairs:
                first = pairs[key.text][0].line
                self._fault(key.place, f"the key `{key.text[:64]}` stands twice", f"the first is on line {first}")
            else:
                if isinstance(value, Items | Keys):
                    value = replace(value, place=key.place)  # a fault of the whole belongs to the line of its key
                pairs[key.text] = (key.place, value)
        return Keys(pairs, place)


def _place(event: Any) -> Place:
    return Place(event.start_mark.line + 1, event.start_mark.column + 1)
