"""A version that keeps something less long ends what is held already: at once by the gate, then by the sweep."""

from pathlib import Path

import pytest

from avow.app import Avow
from avow.errors import Refused
from avow.gate import Act, Gate
from avow.practices import shortening
from avow.practices.shortening import Shortening
from tests.shops import POLICY, Clock, dated, opened, publish

CLICK = {"visit-code": "code-of-the-click"}
SHORT = POLICY.replace(
    'keep: {categories: [visit-code], for: "30 days"}', 'keep: {categories: [visit-code], for: "7 days"}'
)
LONG = POLICY.replace(
    'keep: {categories: [visit-code], for: "30 days"}', 'keep: {categories: [visit-code], for: "90 days"}'
)
WINNER = "keep: {forms: [contest], until: winner-told}"
SECOND = "2026-03-05"  # noon of 1 March is when the tests begin


async def read(shop: Avow, who: str) -> str:
    return await shop.use(who, "visit-code", purpose="credit")


async def test_what_is_held_ends_by_the_shorter_term_and_not_before(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as shop:
        who = await shop.collect("click", CLICK)
        await publish(shop, dated(SHORT, SECOND))
    clock.forward(days=7)
    async with opened(tmp_path, clock) as shop:
        assert await read(shop, who) == CLICK["visit-code"]
        assert await shop.inspect(who) == []
        assert [one["action"] for one in await shop.seen(who)].count("shorten") == 1
        clock.forward(milliseconds=1)
        with pytest.raises(Refused):
            await read(shop, who)
        assert (await shop.sweep()).data == 1


async def test_until_the_sweep_has_come_the_gate_refuses_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as shop:
        who = await shop.collect("click", CLICK)
        await publish(shop, dated(SHORT, SECOND))

    async def never(_: Shortening) -> int:
        return 0

    monkeypatch.setattr(Shortening, "carry_on", never)
    clock.forward(days=7, milliseconds=1)
    async with opened(tmp_path, clock) as shop:
        with pytest.raises(Refused):
            await read(shop, who)
        assert (await shop.export(who))["data"] == []


async def test_a_longer_term_lengthens_nothing_that_is_held(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as shop:
        who = await shop.collect("click", CLICK)
        await publish(shop, dated(LONG, SECOND))
    clock.forward(days=30, milliseconds=1)
    async with opened(tmp_path, clock) as shop:
        with pytest.raises(Refused):
            await read(shop, who)


async def test_what_waits_for_an_event_goes_with_it_or_by_the_term_whichever_is_first(tmp_path: Path) -> None:
    clock, entry = Clock(), {"entry": "a poem", "email": "ada@quillfeather.example"}
    async with opened(tmp_path, clock) as shop:
        first, second = await shop.collect("contest", entry), await shop.collect("click", CLICK)
        await publish(shop, dated(POLICY.replace(WINNER, 'keep: {forms: [contest], for: "20 days"}'), SECOND))
    clock.forward(days=10)
    async with opened(tmp_path, clock) as shop:
        assert await shop.use(first, "entry", purpose="contest") == "a poem"
        assert (await shop.sweep()).data == 0
        clock.forward(days=10, milliseconds=1)
        assert (await shop.sweep()).data == 2
        assert await read(shop, second)


async def test_a_pass_that_was_cut_off_goes_on_and_gives_everybody_the_shorter_term(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(shortening, "PAGE", 2)
    async with opened(tmp_path, clock) as shop:
        people = [await shop.collect("click", CLICK) for _ in range(7)]
        await publish(shop, dated(SHORT, SECOND))
    clock.forward(days=6)
    seal, sealed = Act.seal, []

    def failing(act: Act, *told: object) -> object:
        sealed.append(1)
        if len(sealed) == 4:
            raise OSError("the power is out")
        return seal(act, *told)  # type: ignore[arg-type]

    monkeypatch.setattr(Act, "seal", failing)
    with pytest.raises(OSError, match="power"):
        async with opened(tmp_path, clock):
            pass
    async with opened(tmp_path, clock) as shop:
        assert len(sealed) == 4 + 4  # the one that failed, and those who were left
        for who in people:
            assert [one["action"] for one in await shop.seen(who)].count("shorten") == 1
            assert await shop.inspect(who) == []
        gate: Gate = shop._gate
        async with gate.store.transaction() as tx:
            assert await tx.note(shortening.NOTE) == f"{gate.current.hex()} done"
        clock.forward(days=2)
        assert (await shop.sweep()).data == 7
