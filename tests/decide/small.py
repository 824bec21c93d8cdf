"""Small policies, made as values, and a strategy for many more: what the tests of decisions stand on."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from itertools import combinations, permutations, product
from typing import Any

from hypothesis import strategies as st

from avow.policy.model import (
    ACTIONS,
    CHANNELS,
    Category,
    Channel,
    Clause,
    Collect,
    Condition,
    Contact,
    Contract,
    Controller,
    Cookies,
    Form,
    Keep,
    KeepApart,
    Never,
    Place,
    Policy,
    Promise,
    Purpose,
    Recipient,
    RecipientKind,
    RequestKind,
    Right,
    Role,
    Share,
    Source,
    Use,
)

HERE = Place(7, 3)


def category(name: str, channel: Channel | None = None, **more: Any) -> Category:
    return Category(name, "PersonalData", channel=channel, **more)


def policy(
    promises: Mapping[str, Iterable[Clause]],
    *,
    categories: Iterable[Category] = (category("email", "mail"), category("name"), category("phone", "phone")),
    purposes: Iterable[str] = ("order", "news"),
    requests: Mapping[str, tuple[str, ...]] | None = None,
    recipients: Iterable[Recipient] = (),
    roles: Iterable[str] = ("packer",),
    forms: Mapping[str, str | None] | None = None,
) -> Policy:
    """A policy of these promises. `forms` are names with the processor they stand at."""
    return Policy(
        site="small",
        version=date(2026, 1, 1),
        controller=Controller("Small", {"email": "privacy@small.example"}),
        categories={c.name: c for c in categories},
        purposes={name: Purpose(name, "Purpose", f"for {name}") for name in purposes},
        requests={n: RequestKind(n, s) for n, s in (requests or {"order": ("order",)}).items()},
        recipients={r.name: r for r in recipients},
        roles={name: Role(name) for name in roles},
        forms={name: Form(name, at=at) for name, at in (forms or {"order": None}).items()},
        promises=tuple(Promise(i, f"says {i}", Source("s", 1), tuple(c), None, HERE) for i, c in promises.items()),
        digest=bytes(32),
        source="",
    )


def needs(*conditions: Condition) -> frozenset[Condition]:
    return frozenset(conditions)


def collect(*asks: str, form: str = "order", purposes: tuple[str, ...] = ("order",)) -> Collect:
    return Collect(form, asks, (), purposes, HERE)


def use(
    *categories: str, purposes: tuple[str, ...] = ("order",), by: tuple[str, ...] = ("site",), when: Any = ()
) -> Use:
    return Use(categories, purposes, by, frozenset(when), HERE)


def share(
    *categories: str,
    way: Any = "share",
    to: tuple[str, ...] = ("payments",),
    purposes: tuple[str, ...] = ("order",),
    by: tuple[str, ...] = ("site",),
    when: Any = (),
) -> Share:
    return Share(way, categories, to, purposes, by, frozenset(when), HERE)


def never(
    *actions: Any,
    categories: tuple[str, ...] = (),
    purposes: tuple[str, ...] = (),
    to: tuple[str, ...] = (),
    by: tuple[str, ...] = (),
    unless: Iterable[Iterable[Condition]] = (),
    otherwise: bool = False,
) -> Never:
    return Never(actions, categories, purposes, to, by, tuple(frozenset(u) for u in unless), otherwise, HERE)


def contact(*channels: Any, purposes: tuple[str, ...] = ("news",), when: Any = (), despite: bool = False) -> Contact:
    return Contact(channels, purposes, ("site",), frozenset(when), despite, HERE)


def cookie(name: str | None, purpose: str | None = "order", at: str | None = None, when: Any = ()) -> Cookies:
    return Cookies(name, purpose, ("/cart",), None, at, frozenset(when), HERE)


def keep(*categories: str, days: int = 30, forms: tuple[str, ...] = ()) -> Keep:
    return Keep(categories, forms, timedelta(days=days), None, HERE)


def keep_apart(*categories: str) -> KeepApart:
    return KeepApart(categories, HERE)


def right(*rights: Any, of: tuple[Channel, ...] = ()) -> Right:
    return Right(rights, ("mail",), of, None, (), HERE)


def recipient(name: str, kind: RecipientKind, contract: Contract | None = None) -> Recipient:
    return Recipient(name, kind, name, contract=contract)


PAYMENTS = recipient("payments", "processor", Contract(date(2026, 1, 1), date(2027, 1, 1)))
POLICE = recipient("police", "authority")


def shop() -> Policy:
    """One of everything."""
    return policy(
        {
            "S-1": [collect("email", "name", "phone"), keep("name"), keep(days=90)],
            "S-2": [use("name", "email", by=("site", "packer", "person"), when=needs("request"))],
            "S-3": [share("name", when=needs("request")), share("name", "email", to=("police", "authority"))],
            "S-4": [
                never(
                    "share", "sell", unless=[["consent"], ["approval", "contract"], ["case"], ["contract", "request"]]
                )
            ],
            "S-5": [
                share("email", way="sell", to=("list-broker", "payments"), purposes=("news",), when=needs("approval"))
            ],
            "S-6": [never("sell", to=("list-broker",))],
            "S-7": [
                contact("mail", "phone", when=needs("consent")),
                contact("mail", purposes=("order",), despite=True),
            ],
            "S-8": [cookie("cart"), cookie("pay", at="payments")],
            "S-9": [right("access", "erase", "opt-out", of=("mail",))],
            "S-10": [never("use", "collect", categories=("card",)), never(otherwise=True)],
            "S-11": [keep_apart("ip"), use("ip", purposes=("order",))],
            "S-12": [share("name", way="summarise", to=("public",), purposes=("news",))],
            "S-13": [use("name", purposes=("news",), by=("site", "packer"), when=needs("consent", "notified"))],
        },
        categories=(
            category("email", "mail"),
            category("name"),
            category("phone", "phone"),
            category("card", held_by="payments"),
            category("ip", apart="visits"),
        ),
        recipients=(PAYMENTS, POLICE),
        forms={"order": None, "card-page": "payments"},
    )


# --- many policies ---

ACTORS = ("site", "packer", "person")
CATEGORIES = ("email", "name", "phone", "card", "ip")
PURPOSES = ("order", "news")
RECIPIENTS = ("payments", "police", "list-broker", "processor")


def some(values: Iterable[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    """One to three of them, in any order. Drawn whole: value by value takes several times longer."""
    among = tuple(values)
    sizes = [list(permutations(among, size)) for size in range(1, min(len(among), 3) + 1)]
    longest = max(map(len, sizes))
    return st.sampled_from([chosen for size in sizes for chosen in size * (longest // len(size))])  # each size alike


def perhaps(values: Iterable[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.one_of(st.just(()), some(values))


SOME_CONDITIONS = ("request", "consent", "approval", "contract", "identified")
SETS = [frozenset(chosen) for size in (1, 2) for chosen in combinations(SOME_CONDITIONS, size)]
CONDITION_SETS = st.sampled_from([frozenset[str](), *SETS])
ALTERNATIVES = st.sampled_from([chosen for size in (0, 1, 2) for chosen in product(SETS, repeat=size)])
CLAUSES: st.SearchStrategy[Clause] = st.one_of(
    st.builds(
        Collect, st.sampled_from(("order", "card-page")), some(CATEGORIES), st.just(()), some(PURPOSES), st.just(HERE)
    ),
    st.builds(Use, some(CATEGORIES), some(PURPOSES), some(ACTORS), CONDITION_SETS, st.just(HERE)),
    st.builds(
        Share,
        st.sampled_from(("share", "sell", "summarise")),
        some(CATEGORIES),
        some(RECIPIENTS),
        some(PURPOSES),
        some(ACTORS[:2]),
        CONDITION_SETS,
        st.just(HERE),
    ),
    st.builds(
        Never,
        perhaps(ACTIONS),
        perhaps(CATEGORIES),
        perhaps(PURPOSES),
        perhaps(RECIPIENTS),
        perhaps(ACTORS),
        ALTERNATIVES,
        st.just(False),
        st.just(HERE),
    ),
    st.builds(Contact, some(CHANNELS), some(PURPOSES), some(ACTORS[:2]), CONDITION_SETS, st.booleans(), st.just(HERE)),
    st.builds(
        Cookies,
        st.sampled_from(("cart", None)),
        st.sampled_from(PURPOSES),
        st.just(("/",)),
        st.none(),
        st.sampled_from((None, "payments")),
        CONDITION_SETS,
        st.just(HERE),
    ),
    st.builds(KeepApart, some(CATEGORIES), st.just(HERE)),
    st.builds(right, st.sampled_from(("access", "correct", "erase", "opt-out"))),
)


@st.composite
def many_policies(draw: st.DrawFn) -> Policy:
    """Policies of a few promises in the shop's words, most of them with something that grants and something that refuses."""
    promises = draw(st.lists(st.lists(CLAUSES, min_size=1, max_size=2), min_size=1, max_size=6))
    return replace(shop(), promises=policy({f"R-{n}": clauses for n, clauses in enumerate(promises)}).promises)
