"""YAML text -> a small tree in which every part knows its place.

Does not say what a scalar means: `5` stays the text "5" until a reader asks for a number, so no word is ever taken
for a boolean or a day by surprise. Leaves out of YAML what a policy has no use for: anchors and aliases (which can
blow a small file up), tags, several documents, keys that are not words. Rules: docs/policy-language.md, section 1.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import (
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
from ruamel.yaml.reader import ReaderError

from avow.errors import Fault
from avow.policy.model import Place

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
    return text.removeprefix("\ufeff")


def _at(before: str, message: str, hint: str) -> Fault:
    """A fault at the end of `before`."""
    return Fault(before.count("\n") + 1, len(before) - before.rfind("\n"), message, hint)


def _events(text: str) -> Iterator[Any]:
    """The library's events; whatever it raises becomes the one fault that ends the reading."""
    try:
        yield from YAML(typ="safe", pure=True).parse(text)
    except MarkedYAMLError as error:
        raise _Stop(_syntax(error, text)) from None
    except ReaderError as error:
        message = f"the character U+{ord(text[error.position]):04X} may not stand in a policy"
        raise _Stop(_at(text[: error.position], message, "remove it")) from None
    except _Stop:
        raise
    except Exception as error:  # noqa: BLE001 - the library lets a few of Python's own errors out on strange text
        message = f"the file is not readable as YAML ({type(error).__name__})"
        raise _Stop(Fault(1, 1, message, "look for strange escapes or directives")) from None


# What the library says when it stops -> what is wrong, what to do, and whether it began at the mark of the context.
_SYNTAX: Final[tuple[tuple[str, str, str, bool], ...]] = (
    ("'\\t'", "a tab stands where YAML wants spaces", "indent with spaces", False),
    ("cannot start any token", "a value starts with a character that means something else in YAML",
     "put the value in quotes", False),
    ("mapping values are not allowed", "this `:` makes no key here",
     "put a text that holds `: ` in quotes, or mend the indentation", False),
    ("expected <block end>", "this line is not indented like its neighbours",
     "give keys and items of one level the same indentation", False),
    ("could not find expected ':'", "a key without `:`", "write `key: value`", True),
    ("unexpected end of stream", "a quote is opened and never closed", "close the quote", True),
    ("unknown escape", "an unknown escape after a backslash", "use single quotes for text with backslashes", False),
    ("expected ',' or", "a `[` or `{` is not closed", "close it, or put a comma between its items", True),
    ("expected the node content", "a value is missing here", "write the value, or remove the key", False),
)  # fmt: skip


def _syntax(error: MarkedYAMLError, text: str) -> Fault:
    said = str(error.problem)
    mark, context = error.problem_mark, error.context_mark
    message, hint = "the file is not YAML here", "mend the line, or the one above it"
    for part, its_message, its_hint, at_context in _SYNTAX:
        if part in said:
            message, hint = its_message, its_hint
            mark = context if at_context and context is not None else mark
            break
    if mark is None:
        return Fault(1, 1, message, hint)
    if "\t" in said or text[mark.index : mark.index + 1] == "\t":
        message, hint = _SYNTAX[0][1:3]
    return Fault(mark.line + 1, mark.column + 1, message, hint)


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
            raise _Stop(Fault(place.line, place.column, "nested too deeply", f"a policy has {DEEPEST} levels at most"))
        self._plain(event, place)
        match event:
            case ScalarEvent():
                return Scalar(event.value.strip(), event.style is not None, place)
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
            self._fault(place, "a tag, starting with `!`", "remove it: each key knows what it holds")

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
