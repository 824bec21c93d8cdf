"""The terms of the W3C Data Privacy Vocabulary 2.3 that a policy may name. Facts only: `dpv.txt` beside this file."""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final, Literal

Meaning = Literal["data", "purpose", ""]  # what a term is a kind of, as far as a policy cares
ROOT: Final = "https://w3id.org/"


def iri(term: str) -> str:
    """The term's full name, for example https://w3id.org/dpv/pd#EmailAddress. Raises KeyError for what is no term.

    The six names that stand in both namespaces (`Location`, say) mean the personal data: only categories use them.
    """
    return f"{ROOT}{_terms()[term][0]}#{term}"


def known(meaning: Meaning) -> tuple[str, ...]:
    """The terms that are a kind of data, a kind of purpose, or neither; sorted."""
    return tuple(sorted(term for term, (_, its) in _terms().items() if its == meaning))


def meaning(term: str) -> Meaning | None:
    """What the term is a kind of; None when DPV has no such term."""
    return _terms()[term][1] if term in _terms() else None


@cache
def _terms() -> Mapping[str, tuple[str, Meaning]]:
    """Term -> namespace and meaning."""
    text = files("avow.policy").joinpath("dpv.txt").read_text("utf-8")
    found: dict[str, tuple[str, Meaning]] = {}
    for term, namespace, its in _lines(text):
        if term not in found or namespace == "dpv/pd":
            found[term] = (namespace, its)
    return MappingProxyType(found)


def _lines(text: str) -> Iterator[tuple[str, str, Meaning]]:
    namespace, its = "", ""
    for line in text.splitlines():
        if line.startswith("["):
            heading, _, its = line.strip("[]").partition(" ")
            namespace = "dpv/pd" if heading == "pd" else "dpv"
        elif not line.startswith("#"):
            for term in line.split():
                yield term, namespace, "data" if its == "data" else "purpose" if its == "purpose" else ""
