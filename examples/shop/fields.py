"""What a form of the policy asks for: its fields in groups of one purpose, its boxes, and what is wrong with an answer.

Everything here is read from the policy's collect and choose clauses. Pure.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from avow.cards import Suspicion, suspicion
from avow.policy.model import PERSON, Choose, Collect, Policy, Use
from avow.policy.notice import words

GOODS: Final = "Purchase"  # DPV term of what the cart fills in; nobody types it
LONGEST: Final = 400  # characters of a line
LONGEST_TEXT: Final = 8_000  # characters of what is written to us
CARD: Final = (
    "This holds a payment card's number. Take it out: you give that to the payment company alone, on its own page"
)
PERHAPS: Final = "This could be a payment card's number. Take it out, or tick the box below if it is none"
_TYPES: Final = {  # DPV term -> kind of input, its autocomplete, lines
    "Name": ("text", "name"), "EmailAddress": ("email", "email"), "TelephoneNumber": ("tel", "tel"),
    "PhysicalAddress": ("area", "street-address"), "Communication": ("area", "off"),
}  # fmt: skip
_PARTS: Final = ("shipping", "billing")  # of autocomplete: whose address


class Field(NamedTuple):
    """One field. `type` and `autocomplete` as in HTML; `says` the category in words, as in `your name`."""

    name: str
    says: str
    type: str
    autocomplete: str
    required: bool
    rows: int

    @property
    def label(self) -> str:
        """What stands above it."""
        return capital(self.says)


class Group(NamedTuple):
    """Fields that serve the same purposes. `why` in words; `promises` that say so."""

    why: str
    promises: tuple[str, ...]
    fields: tuple[Field, ...]
    required: bool


class Box(NamedTuple):
    """A choice that stands on a form, unticked. `id` is the desk's; `words` go on record; `by_mail`: it is confirmed so."""

    id: str
    words: str
    purposes: tuple[str, ...]
    by_mail: bool


def groups(policy: Policy, form: str) -> tuple[Group, ...]:
    """The fields of a form: what must be filled in first, each group with what it is for."""
    found: dict[tuple[bool, tuple[str, ...]], tuple[list[str], list[Field]]] = {}
    for promise, clause in _collects(policy, form):
        for required, names in ((True, clause.asks), (False, clause.optional)):
            fields = [_field(policy, name, required=required) for name in names if not _goods(policy, name)]
            if fields:
                ids, known = found.setdefault((required, clause.purposes), ([], []))
                ids.append(promise)
                known += [one for one in fields if one not in known]
    ordered = sorted(found.items(), key=lambda item: not item[0][0])
    return tuple(
        Group(words.listed(words.purpose(policy, one) for one in purposes), tuple(dict.fromkeys(ids)), tuple(known), must)
        for (must, purposes), (ids, known) in ordered
    )  # fmt: skip


def fields(policy: Policy, form: str) -> tuple[Field, ...]:
    """The same, one after the other."""
    return tuple(field for group in groups(policy, form) for field in group.fields)


def takes_goods(policy: Policy, form: str) -> tuple[str, ...]:
    """The categories of a form that the cart fills in."""
    return tuple(
        name for _, clause in _collects(policy, form) for name in (*clause.asks, *clause.optional)
        if _goods(policy, name)
    )  # fmt: skip


def boxes(policy: Policy, form: str) -> tuple[Box, ...]:
    """The choices about purposes that a form offers."""
    return tuple(
        Box(
            f"{promise.id}.{'-'.join(clause.purposes)}",
            words.sentence(
                f"yes: {policy.controller.name} may use your data "
                f"{words.listed(words.purpose(policy, one) for one in clause.purposes)}"
            ),
            clause.purposes,
            clause.confirm == "mail",
        )
        for promise in policy.promises for clause in promise.clauses
        if isinstance(clause, Choose) and clause.form == form and not clause.recipients
    )  # fmt: skip


def fills_in(policy: Policy, form: str) -> bool:
    """Whether the policy lets a person who comes back be spared typing into this form."""
    asked = {field.name for field in fields(policy, form)}
    uses = (clause for promise in policy.promises for clause in promise.clauses if isinstance(clause, Use))
    return any(PERSON in clause.by and not asked.isdisjoint(clause.categories) for clause in uses)


def only_for_boxes(policy: Policy, form: str) -> bool:
    """Whether everything that a form collects serves what its boxes agree to, so that without a tick it is senseless."""
    agreed = {purpose for box in boxes(policy, form) for purpose in box.purposes}
    return all(set(clause.purposes) <= agreed for _, clause in _collects(policy, form))


def faults(asked: Iterable[Field], given: Mapping[str, str], *, no_card: bool) -> dict[str, str]:
    """Field -> what is wrong with its answer and what to do."""
    found = {}
    for field in asked:
        value = given.get(field.name, "").strip()
        if fault := (_missing(field) if not value else _fault(field, value, no_card=no_card)):
            found[field.name] = fault
    return found


def _missing(field: Field) -> str:
    return f"Enter {field.says}" if field.required else ""


def _fault(field: Field, value: str, *, no_card: bool) -> str:
    most = LONGEST_TEXT if field.type == "area" else LONGEST
    if len(value) > most:
        return f"Shorten {field.says} to {most} characters; it has {len(value)}"
    lines = "\r\n\t" if field.type == "area" else ""
    if any(not char.isprintable() and char not in lines for char in value):
        return f"Use letters, figures and signs only in {field.says}"
    if fault := card_fault(value, no_card=no_card):
        return fault
    return "Enter an e-mail address like name@example.com" if field.type == "email" and not _address(value) else ""


def card_fault(value: str, *, no_card: bool) -> str:
    """Whether a payment card's number stands in it. `no_card`: who sent it says that it is none."""
    match suspicion(value):
        case Suspicion.CERTAIN:
            return CARD
        case Suspicion.DOUBTFUL if not no_card:
            return PERHAPS
        case _:
            return ""


def _address(value: str) -> bool:
    name, at, host = value.rpartition("@")
    return bool(name and at and "." in host.strip(".")) and not any(char.isspace() for char in value)


def capital(says: str) -> str:
    """With a capital at its beginning."""
    return says[:1].upper() + says[1:]


def _collects(policy: Policy, form: str) -> Iterator[tuple[str, Collect]]:
    for promise in policy.promises:
        for clause in promise.clauses:
            if isinstance(clause, Collect) and clause.form == form:
                yield promise.id, clause


def _goods(policy: Policy, name: str) -> bool:
    return policy.categories[name].term == GOODS


def _field(policy: Policy, name: str, *, required: bool) -> Field:
    category = policy.categories[name]
    kind, complete = _TYPES.get(category.term, ("text", "off"))
    part = next((one for one in _PARTS if name.startswith(one)), "")
    rows = 6 if category.term == "Communication" else 3
    says = category.says or words.plain(name)
    return Field(name, says, kind, f"{part} {complete}".strip(), required, rows)
