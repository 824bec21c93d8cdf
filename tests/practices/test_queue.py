"""Open service requests: found without their person, gone when they are answered or their person is."""

from pathlib import Path

from tests.shops import ADA, BEA, Clock, opened


async def test_what_is_open_is_listed_oldest_first_until_it_is_answered(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as shop:
        ada = await shop.collect("order", ADA)
        clock.forward(seconds=1)
        bea = await shop.collect("order", BEA)
        first, second = await shop.queue.open(("order",), 9)
        assert (first.subject.hex(), second.subject.hex()) == (ada, bea)
        assert await shop.queue.open(("order",), 1) == [first]
        assert await shop.queue.of(bytes.fromhex(bea)) == [second]
        await shop.close_request(ada, first.row.hex())
        assert (await shop.queue.open(("order",), 9), await shop.queue.one(first.row)) == ([second], None)
        await shop.erase(bea)
        assert (await shop.queue.open(("order",), 9), await shop.queue.one(second.row)) == ([], None)
