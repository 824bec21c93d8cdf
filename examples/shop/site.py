"""What makes one shop differ from another: a small data file. Whatever concerns persons stands in the policy, not here."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from avow.doors.design import Look

SITES: Final = Path(__file__).parent / "sites"
CURRENCY: Final = "USD"
MOST: Final = 99  # of one thing in a cart


@dataclass(frozen=True, slots=True)
class Product:
    """Something to buy. `price` in cents; `art` is the inside of an SVG of 160 by 100 in the design's own classes."""

    slug: str
    name: str
    price: int
    says: str
    text: tuple[str, ...]
    facts: tuple[str, ...]
    art: str


@dataclass(frozen=True, slots=True)
class Site:
    """One shop. `contest`: title and words, where there is one; `affiliates`: codes of who may send visitors, who get so
    many hundredths of a sale for `commission`.
    """

    name: str
    tagline: str
    intro: str
    motif: str
    look: Look
    products: Mapping[str, Product]
    affiliates: frozenset[str]
    commission: int
    contest: tuple[str, str] | None


def read_site(name: str, folder: Path = SITES) -> Site:
    """The shop of that name. Raises `FileNotFoundError`, `KeyError`, `TypeError`: the file is the merchant's own."""
    told = tomllib.loads((folder / f"{name}.toml").read_text("utf-8"))
    products = [
        Product(**{**one, "text": tuple(one["text"]), "facts": tuple(one["facts"])}) for one in told["products"]
    ]
    contest = told.get("contest")
    return Site(
        told["name"], told["tagline"], told["intro"], told["motif"], Look(**told["look"]),
        {one.slug: one for one in products}, frozenset(told.get("affiliates", ())), told.get("commission", 0),
        None if contest is None else (contest["title"], contest["says"]),
    )  # fmt: skip


def money(cents: int) -> str:
    """`$1,299.00`."""
    return f"${cents // 100:,}.{cents % 100:02}"
