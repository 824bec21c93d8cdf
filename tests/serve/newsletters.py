"""A newsletter to so many readers among ten times as many people, whose vault is killed in the middle of it.

A real vault process, the command line, and a real SMTP server that takes everything. `ok`: it began within two seconds,
nobody got it twice, and nobody is without it but those whom the command says that nobody knows of.
"""

import asyncio
import signal
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from typing import Any

from avow.app import Avow
from avow.policy.parse import read
from tests.desk.beds import POLICIES
from tests.mail.offices import Inbox, post_office
from tests.test_serve import Running, avow

POLICY = POLICIES / "daminion.yaml"
NEWS = b"Subject: News\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nA new version is out.\r\n"
SOON = 2.0  # seconds from the command to the first mail
AMONG = 10  # registered, for each reader


def address(number: int) -> str:
    """Whose number it is."""
    return f"reader{number}@quill.example"


async def fill(folder: Path, readers: int, database: str) -> None:
    """So many people of whom each tenth is a reader."""
    async with Avow.open(read(POLICY), database, folder=folder / "kept", private="attested") as shop:
        people = ((number, {"name": f"Reader {number}", "email": address(number)}) for number in range(readers * AMONG))
        await shop.bring(people, form="registration", source="earlier shop")
        for number in range(0, readers * AMONG, AMONG):
            (who,) = await shop.find("email", address(number))
            await shop.agree(who, "mailing-list", words="Yes, the list", how="registration")


@asynccontextmanager
async def vault(folder: Path, database: str, port: int) -> AsyncIterator[Running]:
    """The vault process, once it serves."""
    more = ("--operator", folder / "operator.sock", "--socket", folder / "desk.sock")
    async with avow(
        folder, "serve", POLICY, "--only", "vault", "--database", database, "--folder", folder / "kept",
        "--smarthost", f"smtp://127.0.0.1:{port}", *more,
    ) as running:  # fmt: skip
        await running.until("serving at")
        yield running


async def send(folder: Path, database: str) -> tuple[int, str]:
    """The command, to its end: exit status, and what it said."""
    async with avow(
        folder, "newsletter", folder / "news.eml", "--policy", POLICY, "--database", database, "--folder",
        folder / "kept", "--operator", folder / "operator.sock", "--purpose", "mailing-list",
    ) as running:  # fmt: skip
        status = await running.ended()
        return status, "\n".join(running.lines)


async def taken(inbox: Inbox, number: int) -> float:
    """When the server had so many."""
    while len(inbox.taken) < number:  # noqa: ASYNC110 - a server that takes mail tells nobody of it
        await asyncio.sleep(0.005)
    return monotonic()


async def run(count: int, seed: int, database: str = "", soon_enough: float = SOON) -> dict[str, Any]:
    """`count` readers. `seed` says where in it the vault is killed."""
    with tempfile.TemporaryDirectory() as where:
        folder = Path(where)
        url = database or f"sqlite:///{folder}/shop.db"
        (folder / "news.eml").write_bytes(NEWS)
        await fill(folder, count, url)
        async with post_office() as (inbox, port):
            async with vault(folder, url, port) as first:
                began = monotonic()
                sending = asyncio.create_task(send(folder, url))
                soon = await taken(inbox, 1) - began
                await taken(inbox, 1 + count // 4 + seed % max(1, count // 2))
                first.process.send_signal(signal.SIGKILL)
                await first.ended()
                status, _ = await sending
                killed_at, took = len(inbox.taken), monotonic() - began
            async with vault(folder, url, port):
                again, said = await send(folder, url)
                third, _ = await send(folder, url)
        got = Counter(to for _, recipients, _, _ in inbox.taken for to in recipients)
    wanted = {address(number) for number in range(0, count * AMONG, AMONG)}
    unknown = next((int(line.split()[0].replace(",", "")) for line in said.splitlines() if "may or may not" in line), 0)
    missing = len(wanted - got.keys())
    return {
        "ok": soon < soon_enough and max(got.values()) == 1 and missing <= unknown <= 8 and got.keys() <= wanted
        and (status, again, third) == (2, 0, 2),
        "began-after-s": round(soon, 2), "readers": count, "twice": sum(n > 1 for n in got.values()), "missing": missing,
        "unknown": unknown, "strangers": len(got.keys() - wanted), "killed-at": killed_at,
        "a-second": round(killed_at / took, 1), "status": [status, again, third], "said": said,
    }  # fmt: skip
