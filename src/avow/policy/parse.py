"""Policy file -> `Policy`, or all of its faults at once. Rules: docs/policy-language.md, sections 1 and 2.

The tables say what the file holds: for each thing its keys, how each is read, and what stands in when it is left
out; those of the clauses are in `clauses`. What is wrong beyond words (a category collected for nothing, say) is
found by `avow.policy.check`.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from avow.errors import PolicyError
from avow.policy import dpv
from avow.policy.clauses import CLAUSES, PURPOSES, RECIPIENT, REQUEST
from avow.policy.model import (
    CHANNELS,
    COUNTS,
    PERSON,
    RECIPIENT_KINDS,
    RIGHTS_PURPOSE,
    SITE,
    Attestation,
    Category,
    Contract,
    Controller,
    Form,
    Place,
    Policy,
    Promise,
    Purpose,
    Recipient,
    RequestKind,
    Role,
    Source,
)
from avow.policy.reading import (
    COUNT,
    DAY,
    EMAIL,
    FLAG,
    NAME,
    ORIGIN,
    PATH_OR_URL,
    TEXT,
    URL,
    Key,
    Reader,
    Reading,
    each,
    fields,
    is_name,
    may,
    must,
    pattern,
    quoted,
    record,
    scalar,
    some,
    word,
)
from avow.policy.tree import Broken, Items, Keys, Node, Scalar, grow


def parse(text: str | bytes, name: str = "policy") -> Policy:
    """The policy that a file's content states. Pure: the same content always gives the same answer.

    Raises PolicyError, and nothing else, with every fault of the file; `name` says in it which file that was. Text
    that is not YAML has one fault, because nothing after it can be read.
    """
    content, tree, faults = grow(text)
    reading = Reading({kind: _names(tree, kind) for kind in DECLARATIONS}, faults)
    values = None if isinstance(tree, Broken) else fields("the policy", tree, reading, POLICY)
    if reading.faults or values is None:
        raise PolicyError(reading.faults, name)
    del values["avow"]
    raw = text if isinstance(text, bytes) else text.encode()
    return Policy(**values, digest=hashlib.sha256(raw).digest(), source=content)


def read(path: Path | str) -> Policy:
    """The policy in a file. Raises PolicyError with the file's name, and OSError when the file cannot be read."""
    path = Path(path)
    return parse(path.read_bytes(), path.name)


# --- the declarations ---


def _names(tree: Node, kind: str) -> tuple[str, ...]:
    """The names declared under a kind, known before anything is read, so that order does not matter."""
    _, node = tree.pairs.get(kind, (None, None)) if isinstance(tree, Keys) else (None, None)
    return tuple(node.pairs) if isinstance(node, Keys) else ()


def _term(meaning: dpv.Meaning, what: str) -> Reader:
    """A term of DPV that means this kind of thing, by its local name."""

    def term(text: str, node: Scalar, reading: Reading) -> str:
        its = dpv.meaning(text)
        if its is None:
            hint = f"look for {what} at https://w3id.org/dpv"
            reading.unknown(node.place, f"{quoted(text)} is not a term of DPV 2.3", text, dpv.known(meaning), hint)
        elif its != meaning:
            reading.fault(node.place, f"{quoted(text)} is a term of DPV 2.3, but not {what}", f"write {what}")
        return text

    return scalar(what, term)


def _declares(kind: str, make: Callable[..., Any], *keys: Key, reserved: Sequence[str] = ()) -> Reader:
    """A mapping from names to declarations of one kind."""
    what = f"an entry under `{kind}`"

    def read(node: Node, reading: Reading) -> Mapping[str, Any]:
        if not isinstance(node, Keys):
            if not isinstance(node, Broken):
                reading.fault(node.place, f"`{kind}` is not a mapping of names", "write `name: {...}` for each")
            return {}
        made: dict[str, Any] = {}
        for name, (place, value) in node.pairs.items():
            if not is_name(name):
                reading.fault(place, f"{quoted(name)} is not a name", f"write {NAME.what}")
            elif name in {"any", *reserved}:
                reading.fault(place, f"`{name}` is a word of the language", "choose another name")
            before = len(reading.faults)
            values = fields(what, value, reading, keys)
            if values is not None and len(reading.faults) == before:
                made[name] = make(name=name, place=place, **values)
        return MappingProxyType(made)

    return Reader(f"names, each with {', '.join(f'`{key.name}`' for key in keys if key.required) or 'its keys'}", read)


def _with_words(make: Callable[..., Any]) -> Callable[..., Any]:
    """For people, the name with spaces where the policy gives no words."""
    return lambda name, says, **values: make(name=name, says=says or name.replace("-", " "), **values)


def _runs_forward(made: Contract, place: Place, reading: Reading) -> None:
    if made.to <= made.from_:
        reading.fault(place, "the contract ends before it begins", "`to` is the first day on which it no longer holds")


CONTRACT: Final = record(
    "`contract`", Contract,
    must("from", DAY, "from_"),
    must("to", DAY),
    may("reference", TEXT, default=""),
    also=_runs_forward, placed=False,
)  # fmt: skip

DECLARATIONS: Final[Mapping[str, Reader]] = {
    "categories": _declares(
        "categories", _with_words(Category),
        must("is", _term("data", "a kind of data, such as `EmailAddress`"), "term"),
        may("says", TEXT),
        may("look-up", FLAG, default=False),
        may("channel", word("a channel", CHANNELS)),
        may("held-by", RECIPIENT),
        may("apart", NAME),
        may("counts", some(word("what can be counted of a visit", COUNTS)), default=()),
    ),
    "purposes": _declares(
        "purposes", Purpose,
        must("is", _term("purpose", "a purpose, such as `ServiceProvision`"), "term"),
        must("says", TEXT),
        reserved=[RIGHTS_PURPOSE],
    ),
    "requests": _declares(
        "requests", _with_words(RequestKind),
        must("serves", PURPOSES),
        may("says", TEXT),
    ),
    "recipients": _declares(
        "recipients", Recipient,
        must("is", word("a kind of recipient", RECIPIENT_KINDS), "kind"),
        must("says", TEXT),
        may("policy", URL),
        may("origin", ORIGIN),
        may("contract", CONTRACT),
        reserved=RECIPIENT_KINDS,
    ),
    "roles": _declares("roles", _with_words(Role), may("says", TEXT), reserved=[PERSON, SITE]),
    "forms": _declares(
        "forms", _with_words(Form),
        may("says", TEXT),
        may("at", RECIPIENT),
        may("opens", REQUEST),
    ),
}  # fmt: skip

# --- the promises ---

SOURCE: Final = record("`source`", Source, must("section", TEXT), must("sentence", COUNT), placed=False)
ATTEST: Final = record("`attest`", Attestation, must("by", TEXT), must("until", DAY), placed=False)


def _promise(**values: Any) -> Promise:
    """A promise with its clauses in the order of the file."""
    clauses = [clause for kind in CLAUSES for clause in values.pop(kind)]
    return Promise(clauses=tuple(sorted(clauses, key=lambda one: (one.place.line, one.place.column))), **values)


PROMISE: Final = record(
    "a promise", _promise,
    must("id", pattern("an id of letters, digits and hyphens", "[A-Za-z][A-Za-z0-9-]{0,63}")),
    must("says", TEXT),
    must("source", SOURCE),
    may("attest", ATTEST),
    *(may(kind, each(reader), kind, ()) for kind, reader in CLAUSES.items()),
)  # fmt: skip


def _promises(node: Node, reading: Reading) -> tuple[Promise, ...]:
    if not isinstance(node, Items) or not node.items:
        if not isinstance(node, Broken):
            reading.fault(node.place, "`promises` is not a list of promises", "start each promise with `- id:`")
        return ()
    seen: dict[str, Place] = {}
    for item in node.items:
        _, of = item.pairs.get("id", (None, None)) if isinstance(item, Keys) else (None, None)
        if isinstance(of, Scalar) and seen.setdefault(of.text, of.place) is not of.place:
            hint = f"the first is on line {seen[of.text].line}: give this one an id of its own"
            reading.fault(of.place, f"the promise {quoted(of.text)} stands twice", hint)
    return tuple(PROMISE(item, reading) for item in node.items)


# --- the whole file ---


def _reachable(made: Mapping[str, str], place: Place, reading: Reading) -> None:
    if not made:
        reading.fault(place, "`contact` has no route", "add an `email`, `phone`, `post` or `form`")


CONTACT: Final = record(
    "`contact`", lambda **routes: MappingProxyType({name: to for name, to in routes.items() if to}),
    may("email", EMAIL),
    may("phone", TEXT),
    may("post", TEXT),
    may("form", PATH_OR_URL),
    also=_reachable, placed=False,
)  # fmt: skip
CONTROLLER: Final = record(
    "`controller`", Controller,
    must("name", TEXT),
    must("contact", CONTACT),
    may("url", URL),
    placed=False,
)  # fmt: skip
EMPTY: Final[Mapping[str, Any]] = MappingProxyType({})
POLICY: Final = (
    must("avow", word("the version of this language, `1`", ["1"])),
    must("site", NAME),
    must("version", DAY),
    must("controller", CONTROLLER),
    *(may(kind, reader, default=EMPTY) for kind, reader in DECLARATIONS.items()),
    must("promises", Reader("a list of promises", _promises)),
)
