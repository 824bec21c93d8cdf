"""The site that is measured: a real one on real files, with people in it."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from importlib import resources
from pathlib import Path
from typing import Any, Final, NamedTuple

from avow.app import Avow
from avow.gate import Actor, Gate
from avow.policy.model import Policy
from avow.policy.parse import parse
from avow.practices.collecting import Collecting, Submission

BATCH: Final = 100  # acts a transaction, wherever several share one
PURPOSE: Final = "order"
READ: Final = "postal-address"  # the category that reads are of
NEVER: Final = timedelta(days=365)  # the log is sequenced where that is measured, and at the end

NOTE: Final = "Please ring twice and leave the parcel with the neighbours on the second floor if nobody opens the door. {n}"  # the remark of person n
_ADDRESS: Final = "{n} Lantern Lane, Third Courtyard, Staircase B, Farwater-upon-Harbour, Northern Marches, XR{n:07d}"
_IMPORTER: Final = Actor("site", "import", standing=True)


class Person(NamedTuple):
    """Somebody made up: what they give, and their id once they are held."""

    given: Mapping[str, str]
    who: str = ""

    @property
    def subject(self) -> bytes:
        """The id as the store has it."""
        return bytes.fromhex(self.who)


def policy(site: str = "bench") -> Policy:
    """The policy of shop.yaml, under another site's name if asked."""
    text = (resources.files("avow.bench") / "shop.yaml").read_text()
    return parse(text.replace("site: bench", f"site: {site}"), "shop.yaml")


def invented(start: int, count: int) -> list[Person]:
    """People numbered from `start`: a name, an e-mail address, a postal address of a hundred letters, a phone."""
    return [
        Person(
            {
                "name": f"Ada Quillfeather-Number{n}",
                "email": f"ada.{n}@quillfeather.example",
                "postal-address": _ADDRESS.format(n=n),
                "phone": f"+1 555 {n % 1000:03d} {n // 1000:04d}",
            }
        )
        for n in range(start, start + count)
    ]


@asynccontextmanager
async def opened(folder: Path, url: str = "", rules: Policy | None = None, name: str = "ours") -> AsyncIterator[Avow]:
    """A site in a folder, on SQLite unless another database's URL is given. `name` is that of its file and folder."""
    url = url or f"sqlite:///{folder}/{name}.db"
    async with Avow.open(rules or policy(), url, folder=folder / name, sequence_every=NEVER) as shop:
        yield shop


def gate_of(shop: Avow) -> Gate:
    """The gate, where parts are timed one by one and counts are taken."""
    return shop._gate  # noqa: SLF001 - no product path has its parts apart, so no public name leads here


def collecting_of(shop: Avow) -> Collecting:
    """The practice that `avow import` uses."""
    return shop._collecting  # noqa: SLF001 - as above


async def move_in(shop: Avow, people: Sequence[Person]) -> list[Person]:
    """Take these people in as customers with an open order."""
    out: list[Person] = []
    for start in range(0, len(people), BATCH):
        some = people[start : start + BATCH]
        actor = Actor("person", "person")
        ids = await collecting_of(shop).collect([Submission("order", one.given, actor) for one in some])
        out += [one._replace(who=subject.hex()) for one, subject in zip(some, ids, strict=True)]
        await asyncio.sleep(0)
    return out


def imports(people: Sequence[Person]) -> list[Submission]:
    """These people as the records of another shop's database."""
    return [Submission("order", one.given, _IMPORTER, source="old shop, 2026") for one in people]


async def file_events(shop: Avow) -> None:
    """Enter all events into the index of their people, as upkeep does behind the acts. The floor's index grows with
    every insert, so this belongs to our side's time.
    """
    waiting = True
    while waiting:
        async with gate_of(shop).store.transaction() as tx:
            waiting = await tx.file(BATCH * BATCH)


async def counted(shop: Avow) -> dict[str, int]:
    """Rows by table; `entry` counts the whole record, sequenced or pending."""
    rows: dict[str, Any] = dict((await gate_of(shop).store.size()).rows)
    return rows | {"entry": rows["leaf"] + shop.log.size}
