"""Notices to merchants: signed, sent until they are taken in, each with an id of its own."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, NamedTuple

from avow.doors.payment import SIGNATURE, sign
from examples.processor.books import Books, Checkout

PAUSES: Final = (0, 1, 5, 30, 120, 900, 3600, 21600)  # s before each try; what is left goes out at the next start
log = logging.getLogger("processor.notices")

Deliver = Callable[[str, Mapping[str, str], bytes], Awaitable[int]]  # url, headers, body -> HTTP status, 0 for none


class Merchant(NamedTuple):
    """A shop that we take payments for. `origin`: where its customers come back to, and nowhere else."""

    name: str
    secret: bytes
    origin: str
    notices: str  # URL


class Notices:
    """For all merchants. `pause` waits so many seconds."""

    def __init__(
        self, books: Books, merchants: Mapping[str, Merchant], deliver: Deliver, clock: Callable[[], int],
        fresh_id: Callable[[], str], pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:  # fmt: skip
        self._books = books
        self._merchants = merchants
        self._deliver = deliver
        self._clock = clock
        self._fresh_id = fresh_id
        self._pause = pause
        self._going: set[asyncio.Task[None]] = set()

    def send(self, checkout: Checkout) -> None:
        """Tell the merchant; returns at once."""
        task = asyncio.create_task(self._tell(checkout))
        self._going.add(task)
        task.add_done_callback(self._going.discard)

    async def settle(self) -> None:
        """Wait for what is on its way."""
        while self._going:
            await asyncio.gather(*self._going, return_exceptions=True)

    def stop(self) -> None:
        """Leave the rest for the next start."""
        for task in self._going:
            task.cancel()

    async def _tell(self, checkout: Checkout) -> None:
        merchant = self._merchants[checkout.merchant]
        body = json.dumps(told(checkout), sort_keys=True).encode()
        for pause in PAUSES:
            await self._pause(pause)
            signature = sign(merchant.secret, self._clock(), self._fresh_id(), body)
            status = await self._deliver(
                merchant.notices, {SIGNATURE: signature, "content-type": "application/json"}, body
            )
            if 200 <= status < 300:
                self._books.told(checkout.id)
                return
        log.warning("a merchant takes no notices; they wait for the next start")


def told(checkout: Checkout) -> dict[str, str | int]:
    """What a merchant hears: reference and status, and nothing about the buyer."""
    return {
        "reference": checkout.reference, "payment": checkout.payment or checkout.id, "status": checkout.state,
        "amount": checkout.amount, "currency": checkout.currency, "at": checkout.at,
    }  # fmt: skip
