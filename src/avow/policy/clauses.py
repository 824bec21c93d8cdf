"""The grammar of the clauses: for each kind its keys, how each is read, and what stands in when it is left out.

Rules: docs/policy-language.md, section 3.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from avow.policy.model import (
    ACTIONS,
    CHANGE_DUTIES,
    CHANNELS,
    CONDITIONS,
    MEASURES,
    PERSON,
    RECIPIENT_KINDS,
    RIGHTS,
    RIGHTS_PURPOSE,
    ROUTES,
    SITE,
    TOPICS,
    Change,
    Choose,
    Collect,
    Contact,
    Cookies,
    Inform,
    Keep,
    KeepApart,
    Needs,
    Never,
    Place,
    Protect,
    Right,
    Share,
    Use,
)
from avow.policy.reading import (
    FLAG,
    NAME,
    PATH,
    SPAN,
    TEXT,
    Reader,
    Reading,
    declared,
    may,
    must,
    pattern,
    quoted,
    record,
    some,
    word,
)
from avow.policy.tree import Items, Node, Scalar

# --- words and names ---


def _all(kind: str) -> Callable[[Reading, Place], tuple[str, ...]]:
    """`any`: every declared name of a kind."""

    def every(reading: Reading, place: Place) -> tuple[str, ...]:
        if not reading.names[kind]:
            reading.fault(place, f"`any` names nothing: nothing is declared under `{kind}`", "declare it, or name it")
        return reading.names[kind]

    return every


def _everything(_reading: Reading, _place: Place) -> tuple[str, ...]:
    """`any` in a never: every value, declared or not."""
    return ()


CATEGORY: Final = declared("a category", ["categories"])
PURPOSE: Final = declared("a purpose", ["purposes"], [RIGHTS_PURPOSE])
RECIPIENT: Final = declared("a recipient", ["recipients"])
RECIPIENT_OR_KIND: Final = declared("a recipient, or a kind of recipient,", ["recipients"], RECIPIENT_KINDS)
ACTOR: Final = declared("a role", ["roles"], [PERSON, SITE])
STAFF: Final = declared("a role", ["roles"], [SITE])
FORM: Final = declared("a form", ["forms"])
REQUEST: Final = declared("a kind of request", ["requests"])
CONDITION: Final = word("a condition", CONDITIONS)

CATEGORIES: Final = some(CATEGORY, _all("categories"))
PURPOSES: Final = some(PURPOSE, _all("purposes"))
RECIPIENTS: Final = some(RECIPIENT, _all("recipients"))
FORMS: Final = some(FORM, _all("forms"))
ACTORS: Final = some(ACTOR, _all("roles"))

NO_NEEDS: Final[Needs] = frozenset()
COOKIE_NAME: Final = pattern("the name of a cookie", r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")  # RFC 6265: a token


def _turned(reader: Reader, turn: Callable[[Any], Any]) -> Reader:
    """A reader whose value is put into the model's shape."""
    return Reader(reader.what, lambda node, reading: turn(reader(node, reading)))


NEEDS: Final = _turned(some(CONDITION), frozenset)


def _alternatives(node: Node, reading: Reading) -> tuple[Needs, ...]:
    """`unless`: any one of the listed; an inner list holds only as a whole."""
    if isinstance(node, Items) and node.items:
        return tuple(NEEDS(item, reading) for item in node.items)
    return (NEEDS(node, reading),)


def _or_word(what: str, fixed: str, made: Callable[[Place], Any], otherwise: Reader) -> Reader:
    """A clause that is either one fixed word or a mapping."""

    def one(node: Node, reading: Reading) -> Any:
        if isinstance(node, Scalar):
            if node.text != fixed:
                message = f"{quoted(node.text)} is not a way to write {what}"
                reading.unknown(node.place, message, node.text, (fixed,), f"write `{fixed}`, or keys")
            return made(node.place)
        return otherwise(node, reading)

    return Reader(otherwise.what, one)


# --- what holds between the keys of one clause ---


def _asks_something(made: Collect, place: Place, reading: Reading) -> None:
    both = sorted({*made.asks} & {*made.optional})
    if not made.asks and not made.optional:
        reading.fault(place, "`collect` asks for nothing", "name categories under `asks` or `optional`")
    for name in both:
        reading.fault(place, f"`{name}` is both asked and optional", "keep it in one of the two lists")


def _chooses_something(made: Choose, place: Place, reading: Reading) -> None:
    if not made.purposes and not made.recipients:
        reading.fault(place, "`choose` offers nothing", "say `for` which purposes, or `with` which recipients")
    if made.categories and not made.recipients:
        reading.fault(place, "`choose` has `categories` but no `with`", "say who may have them, or remove them")


def _one_end(made: Keep, place: Place, reading: Reading) -> None:
    if (made.term is None) == (made.until is None):
        reading.fault(place, "`keep` needs exactly one of `for` and `until`", "`for: 30 days`, or `until: an-event`")


# --- the clauses ---

WAYS: Final = {"data": "share", "sale": "sell", "statistics": "summarise"}
LIFETIME: Final = Reader(
    f"`session` or {SPAN.what}",
    lambda node, reading: None if isinstance(node, Scalar) and node.text == "session" else SPAN(node, reading),
)


def _no_cookies(place: Place) -> Cookies:
    return Cookies(None, None, (), None, None, NO_NEEDS, place)


def _default_deny(place: Place) -> Never:
    return Never((), (), (), (), (), (), otherwise=True, place=place)


def _never(**values: Any) -> Never:
    return Never(**values, otherwise=False)


CLAUSES: Final[Mapping[str, Reader]] = {
    "collect": record(
        "`collect`", Collect,
        must("form", FORM),
        may("asks", CATEGORIES, default=()),
        may("optional", CATEGORIES, default=()),
        must("for", PURPOSES, "purposes"),
        also=_asks_something,
    ),
    "use": record(
        "`use`", Use,
        must("categories", CATEGORIES),
        must("for", PURPOSES, "purposes"),
        must("by", ACTORS),
        may("needs", NEEDS, default=NO_NEEDS),
    ),
    "share": record(
        "`share`", Share,
        may("as", _turned(word("a way to share", WAYS), WAYS.get), "way", "share"),
        must("categories", CATEGORIES),
        must("with", some(RECIPIENT_OR_KIND, _all("recipients")), "recipients"),
        must("for", PURPOSES, "purposes"),
        may("by", ACTORS, default=(SITE,)),
        may("needs", NEEDS, default=NO_NEEDS),
    ),
    "never": _or_word("`never`", "otherwise", _default_deny, record(
        "`never`", _never,
        may("do", some(word("an action", ACTIONS), _everything), "actions", ()),
        may("categories", some(CATEGORY, _everything), default=()),
        may("for", some(PURPOSE, _everything), "purposes", ()),
        may("with", some(RECIPIENT_OR_KIND, _everything), "recipients", ()),
        may("by", some(ACTOR, _everything), default=()),
        may("unless", Reader("conditions", _alternatives), default=()),
    )),
    "cookies": _or_word("`cookies`", "none", _no_cookies, record(
        "`cookies`", Cookies,
        must("name", COOKIE_NAME),
        must("for", PURPOSE, "purpose"),
        may("paths", some(PATH), default=("/",)),
        may("lifetime", LIFETIME),
        may("at", RECIPIENT),
        may("needs", NEEDS, default=NO_NEEDS),
    )),
    "contact": record(
        "`contact`", Contact,
        must("through", some(word("a channel", CHANNELS)), "channels"),
        must("for", PURPOSES, "purposes"),
        may("by", some(STAFF, _all("roles")), default=(SITE,)),
        may("needs", NEEDS, default=NO_NEEDS),
        may("despite-opt-out", FLAG, default=False),
    ),
    "choose": record(
        "`choose`", Choose,
        may("for", PURPOSES, "purposes", ()),
        may("with", some(RECIPIENT_OR_KIND, _all("recipients")), "recipients", ()),
        may("categories", CATEGORIES, default=()),
        may("form", FORM),
        may("confirm", word("a way to confirm", ("mail",))),
        may("written", FLAG, default=False),
        also=_chooses_something,
    ),
    "keep": record(
        "`keep`", Keep,
        may("categories", CATEGORIES, default=()),
        may("forms", FORMS, default=()),
        may("for", SPAN, "term"),
        may("until", NAME),
        also=_one_end,
    ),
    "keep-apart": record("`keep-apart`", KeepApart, must("categories", CATEGORIES)),
    "protect": record("`protect`", Protect, must("by", some(word("a measure", MEASURES)), "measures")),
    "right": record(
        "`right`", Right,
        must("to", some(word("a right", RIGHTS)), "rights"),
        may("through", some(word("a route", ROUTES)), "routes", ()),
        may("of", some(word("a channel", CHANNELS)), "channels", ()),
        may("within", SPAN),
        may("offices", some(TEXT), default=()),
    ),
    "change": record(
        "`change`", Change,
        must("must", some(word("a duty", CHANGE_DUTIES)), "duties"),
        may("bounce", SPAN),
    ),
    "inform": record(
        "`inform`", Inform,
        must("of", some(word("a topic", TOPICS)), "topics"),
        may("about", RECIPIENTS, "recipients", ()),
    ),
}  # fmt: skip
