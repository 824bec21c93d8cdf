"""Which affiliate programme a policy has. Pure.

A programme is a cookie that only an affiliate's link sets, and the form that is submitted by following such a link. What
the form asks for is told apart by its terms of DPV: whose link it was, and the number that the cookie holds.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from avow.policy.model import Collect, Cookies, Policy, Use

SOURCE: Final = "BrowsingReferral"  # DPV terms
NUMBER: Final = "UID"


@dataclass(frozen=True, slots=True)
class Programme:
    """One of a policy. `source` and `number`: categories of the form. `lifetime`: of the cookie, counted from the click."""

    form: str
    purpose: str  # what its data serve, and nothing else: paying commission
    source: str
    number: str
    lifetime: timedelta
    promises: tuple[str, ...]  # of the cookie, of the form, and of what it serves


def programme(policy: Policy) -> Programme | None:
    """None where the policy has no such cookie, or the cookie is one without an end."""
    for cookie_of, cookie in policy.clauses(Cookies):
        if "affiliate-link" not in cookie.needs or cookie.at is not None or cookie.lifetime is None:
            continue
        for asked_by, asked in policy.clauses(Collect):
            terms = {policy.categories[name].term: name for name in asked.asks if policy.categories[name].with_person}
            if cookie.purpose in asked.purposes and terms.keys() >= {SOURCE, NUMBER}:
                paid_by = (id_ for id_, use in policy.clauses(Use) if cookie.purpose in use.purposes)
                promises = tuple(dict.fromkeys((cookie_of, asked_by, *paid_by)))
                return Programme(
                    asked.form, cookie.purpose or "", terms[SOURCE], terms[NUMBER], cookie.lifetime, promises
                )
    return None
