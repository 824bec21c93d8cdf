"""What a browser posted, each field once, and which came more than once."""

from typing import NamedTuple

from starlette.requests import Request

from avow.doors import posted as browser


class Posted(NamedTuple):
    """The fields, and the names of those that came more than once, whose first value counts."""

    fields: dict[str, str]
    doubled: tuple[str, ...] = ()

    def take(self, name: str) -> str:
        """One field's text; empty where it is missing."""
        return self.fields.get(name, "")


async def posted(request: Request) -> Posted:
    """Read it. Raises as `avow.doors.posted.posted`."""
    fields: dict[str, str] = {}
    doubled = []
    for name, value in await browser.posted(request):
        if name in fields:
            doubled.append(name)
        else:
            fields[name] = value
    return Posted(fields, tuple(dict.fromkeys(doubled)))
