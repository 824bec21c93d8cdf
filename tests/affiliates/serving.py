"""A process that holds clicks and answers for them at a socket, to be killed: `serving.py FOLDER MILLISECONDS [note]`.

MILLISECONDS: how far its clock is ahead of the first one's. With `note` somebody follows a link before it says `open`.
"""

import asyncio
import os
import sys
from datetime import timedelta
from pathlib import Path

from avow.app import Avow
from avow.desk.desk import Desk
from avow.wire import serving
from tests.affiliates.harness import AITPRO
from tests.shops import START

CLICK = {"affiliate-ip": "203.0.113.9", "affiliate-click": "7f3a9c", "affiliate-source": "harbourpress"}


async def serve(folder: Path, ahead: int, note: bool) -> None:
    """Until it is killed."""
    now = START + timedelta(milliseconds=ahead)
    url = f"sqlite:///{folder}/shop.db"
    async with Avow.open(AITPRO, url, folder=folder / "avow", private=True, clock=lambda: now) as shop:
        desk = Desk(shop, os.urandom)
        async with serving(desk, str(folder / "run" / "desk.sock")):
            if note:
                await desk.collect("affiliate-link", CLICK, affiliate_link=True)
            print("open", flush=True)  # noqa: T201 - the parent waits for it
            await asyncio.sleep(600)


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2]), "note" in sys.argv[3:]))
