"""A process that stands still while it hands the eighth notice of a new version over: `telling_dies.py FOLDER`."""

import asyncio
import sys
from pathlib import Path
from typing import Any

from avow.mail.smarthost import Answer
from tests.desk.beds import Kept, desk
from tests.desk.test_telling import published


async def die(folder: Path) -> None:
    """Says whom it wrote to, and `open` once it stands still."""
    send, left = Kept.send, [7]

    async def dying(self: Kept, to: str, *args: Any, **more: Any) -> Answer:
        if not left[0]:
            print("open", flush=True)  # noqa: T201 - the parent waits for it
            await asyncio.sleep(600)
        left[0] -= 1
        print("sent", to, flush=True)  # noqa: T201 - as above
        return await send(self, to, *args, **more)

    Kept.send = dying  # type: ignore[method-assign]  # the moment at which it is killed
    async with desk(folder, "aitpro") as bed:
        await published(bed)
        await bed.desk.new_versions.round()


if __name__ == "__main__":
    asyncio.run(die(Path(sys.argv[1])))
