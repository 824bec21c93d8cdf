"""A process that stands still in the middle of telling somebody, to be killed there: `dying.py FOLDER MOMENT`."""

import asyncio
import sys
from pathlib import Path

from avow.desk.warnings import Warnings
from avow.practices.owing import Owing
from tests.desk.beds import Kept, desk

MAIL, NEW = "ada@quill.example", "ada@new.example"


async def _stands_still(*_: object, **__: object) -> str:
    print("open", flush=True)  # noqa: T201 - the parent waits for it
    await asyncio.sleep(600)
    return MAIL


async def die(folder: Path, moment: str) -> None:
    """Say so on standard output once the moment has come. `code`: the request is open that a code is a message of.
    `untold`: a contact was changed. `telling`: ... and its first notice is on its way. `form`: another was given by a form.
    """
    async with desk(folder, "daminion") as bed:
        await bed.desk.collect("contact", {"email": MAIL, "message": "hello"})
        if moment == "code":
            Owing.owe = _stands_still  # type: ignore[assignment,method-assign]  # the moment at which it is killed
            await bed.desk.send_code("email", MAIL)
            await bed.desk.settle()
            return
        session = await bed.desk.enter("email", MAIL, await bed.code(MAIL))
        if moment == "telling":
            Kept.send = _stands_still  # type: ignore[assignment,method-assign]
        else:
            Warnings.changed = _stands_still  # type: ignore[assignment,method-assign]
        if moment == "form":
            await bed.desk.collect("contact", {"email": NEW, "message": "hello"}, session=session)
        await bed.desk.correct(session, "email", NEW)


if __name__ == "__main__":
    asyncio.run(die(Path(sys.argv[1]), sys.argv[2]))
