"""What shapes the pages of who is signed in. A part of the desk's contract."""

from typing import Protocol, TypedDict


class Shaping(TypedDict):
    """What the person told the site before and may shape their pages. `known`: category -> the newest value, for each id
    that the session stands for, oldest first. `promises`: which let it, to be shown with what comes of it.
    """

    purpose: str
    known: list[dict[str, str]]
    promises: list[str]


class Customising(Protocol):
    """See the module."""

    async def shaping(self, session: str) -> Shaping | None:
        """What may shape the pages of who is signed in; None where no promise lets anything. Each look is recorded, and
        shown to the person. Nothing of any visit is in it: nobody is tied to those. Raises `Denied`, `TooMany`.
        """
