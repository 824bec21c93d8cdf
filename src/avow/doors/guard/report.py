"""What the guard says when an application, or who talks to it, does what the policy does not allow."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["cookie", "header", "link", "subresource", "script", "notice", "card", "address", "host", "tls", "body"]

LOG: Final = logging.getLogger("avow.guard")


@dataclass(frozen=True, slots=True)
class Report:
    """One finding. It carries no personal data: no value of a cookie, field or address, only where it stood.

    `place` is the method and path of the request, or `an address` where the path itself was refused. `promises` are
    ids, in the order of the policy; empty when no promise speaks of it, and it is refused all the same.
    """

    kind: Kind
    place: str
    promises: tuple[str, ...]
    says: str


Tell = Callable[[Report], None]


def to_log(report: Report) -> None:
    """Write a report as one line to the logger `avow.guard`."""
    LOG.warning("%s at %s: %s [%s]", report.kind, report.place, report.says, " ".join(report.promises) or "no promise")
