"""A process that stands still in the middle of finding out where a code goes, to be killed there: `dying.py FOLDER`."""

import asyncio
import sys
from pathlib import Path

from avow.practices.owing import Owing
from tests.desk.beds import desk

MAIL = "ada@quill.example"


async def die(folder: Path) -> None:
    """Say so on standard output once the request is open that a code is a message of."""
    async with desk(folder, "daminion") as bed:
        await bed.desk.collect("contact", {"email": MAIL, "message": "hello"})

        async def stands_still(*_: object, **__: object) -> str:
            print("open", flush=True)  # noqa: T201 - the parent waits for it
            await asyncio.sleep(600)
            return MAIL

        Owing.owe = stands_still  # type: ignore[assignment,method-assign]  # the moment at which it is killed
        await bed.desk.send_code("email", MAIL)
        await bed.desk.settle()


if __name__ == "__main__":
    asyncio.run(die(Path(sys.argv[1])))
