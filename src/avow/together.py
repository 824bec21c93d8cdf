"""Calls that wait while one is under way, done by one call: a commit to disk is what each of them costs. Knows nothing."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

A = TypeVar("A")
R = TypeVar("R")


class Together(Generic[A, R]):
    """`do` does several, and answers for each in order, with what it came to or with what is wrong with it. What `do`
    raises is for all of them. `most`: at once; None for as many as wait.
    """

    def __init__(
        self, do: Callable[[Sequence[A]], Awaitable[Sequence[R | Exception]]], most: int | None = None
    ) -> None:
        self._do = do
        self._most = most
        self._waiting: list[tuple[A, asyncio.Future[R]]] = []
        self._doing: asyncio.Task[None] | None = None

    async def __call__(self, one: A) -> R:
        """What it came to, once it is done. Raises what is wrong with this one."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((one, future))
        if self._doing is None:
            self._doing = asyncio.create_task(self._run())
        return await future

    async def _run(self) -> None:
        while self._waiting:
            most = self._most or len(self._waiting)
            batch, self._waiting = self._waiting[:most], self._waiting[most:]
            try:
                answers = await self._do([one for one, _ in batch])
            except Exception as error:  # noqa: BLE001 - whatever it is, each caller is told
                answers = [error] * len(batch)
            for (_, future), answer in zip(batch, answers, strict=True):
                if future.done():  # the caller has gone; what was done stays
                    continue
                if isinstance(answer, Exception):
                    future.set_exception(answer)
                else:
                    future.set_result(answer)
        self._doing = None

    async def settle(self) -> None:
        """Wait for what is under way."""
        if self._doing is not None:
            await self._doing
