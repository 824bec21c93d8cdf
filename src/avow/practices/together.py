"""Acts that wait while one is under way, done in one transaction: a commit to disk is what each of them costs."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

A = TypeVar("A")
MOST: Final = 64  # in one transaction


class Together(Generic[A]):
    """`do` does several, and answers for each in order: None, or what is wrong with it. What it raises is for all."""

    def __init__(self, do: Callable[[Sequence[A]], Awaitable[Sequence[Exception | None]]]) -> None:
        self._do = do
        self._waiting: list[tuple[A, asyncio.Future[None]]] = []
        self._doing: asyncio.Task[None] | None = None

    async def __call__(self, one: A) -> None:
        """Done, and on disk, when it returns. Raises what is wrong with this one."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((one, future))
        if self._doing is None:
            self._doing = asyncio.create_task(self._run())
        await future

    async def _run(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            try:
                wrong = list(await self._do([one for one, _ in batch]))
            except Exception as error:  # noqa: BLE001 - whatever it is, each caller is told
                wrong = [error] * len(batch)
            for (_, future), fault in zip(batch, wrong, strict=True):
                if future.done():  # the caller has gone; what was done stays
                    continue
                if fault is None:
                    future.set_result(None)
                else:
                    future.set_exception(fault)
        self._doing = None
