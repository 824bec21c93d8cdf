"""A process that has handed a message over and does not learn what came of it, to be killed there: `handing.py FOLDER`."""

import asyncio
import sys
from pathlib import Path

from tests.shops import ADA, opened


async def hand_over(folder: Path) -> None:
    """Say so on standard output once the message is on disk as handed over."""
    async with opened(folder) as shop:
        await shop.collect("order", ADA)
        begun = await shop.reaching.begin(shop.reaching.errand("order", "shop"), "<1@shop.example>", ADA["email"])
        assert begun.permit is not None
        await shop.reaching.hand_over(begun.permit)
        print("handed over", flush=True)  # noqa: T201 - the parent waits for it
        await asyncio.sleep(600)


if __name__ == "__main__":
    asyncio.run(hand_over(Path(sys.argv[1])))
