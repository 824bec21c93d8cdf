"""Data end when they are due, not before, and stay ended."""

from contextlib import suppress
from pathlib import Path

import pytest

from avow.app import Avow
from avow.errors import KeyGone, Refused, Unavailable, UnknownWord
from avow.policy.parse import parse
from avow.practices.ending import Swept
from tests.shops import ADA, BEA, POLICY, Clock, opened

TRIAL = parse(
    POLICY.replace("  click: {}\n", "  click: {}\n  trial: {}\n")
    + """- id: C-8
  says: A trial is kept for 30 days.
  source: {section: Trial, sentence: 1}
  collect: {form: trial, asks: [email], for: [news]}
  keep: {forms: [trial], for: "30 days"}
""",
    "trial",
)


async def test_exactly_as_old_as_promised_is_granted_and_a_millisecond_later_refused(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as shop:
        who = await shop.collect("click", {"visit-code": "code-of-the-click"})
        clock.forward(days=30)
        assert await shop.use(who, "visit-code", purpose="credit") == "code-of-the-click"
        clock.forward(milliseconds=1)
        with pytest.raises(Refused):
            await shop.use(who, "visit-code", purpose="credit")
        assert (await shop.export(who))["data"] == []


async def test_a_sweep_destroys_what_is_due_with_its_key_and_is_idempotent(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as shop:
        who = await shop.collect("order", ADA)
        await shop.collect("click", {"visit-code": "code-of-the-click"}, who=who)
        assert (await shop.sweep()).data == 0
        clock.forward(days=31)
        swept = await shop.sweep()
        assert (swept.data, swept.keys) == (1, 1)
        assert (await shop.sweep()).data == 0
        told = await shop.export(who)
        assert {one["category"] for one in told["data"]} == ADA.keys()
        assert [one["action"] for one in told["events"]] == ["register", "collect", "expire"]


async def test_with_the_last_of_what_is_held_of_somebody_who_asked_for_nothing_they_are_erased(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as shop:
        who = await shop.collect("click", {"visit-code": "code-of-the-click"})
        keys = await keys_of(shop, who, "")
        clock.forward(days=31)
        swept = await shop.sweep()
        assert (swept.data, swept.keys, len(keys)) == (1, 2, 2)  # of their events, too
        assert swept.purged == 1  # the event of their coming
        for key in keys:
            with pytest.raises(KeyGone):
                shop.keystore.get(key, 0)
        with pytest.raises(Refused):
            await shop.export(who)
        await shop.sequence_all()
        assert await shop.census() == []


async def test_a_restarted_site_sweeps_before_it_serves(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as shop:
        await shop.collect("click", {"visit-code": "code-of-the-click"})
    clock.forward(days=31)
    async with opened(tmp_path, clock) as shop:
        assert shop.swept.data == 1


async def test_a_clock_that_goes_back_makes_nothing_younger(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as shop:
        who = await shop.collect("click", {"visit-code": "code-of-the-click"})
        clock.forward(days=31)
        with pytest.raises(Refused):
            await shop.use(who, "visit-code", purpose="credit")
        clock.forward(days=-31)
        with pytest.raises(Refused):
            await shop.use(who, "visit-code", purpose="credit")


async def test_what_waits_for_an_event_goes_when_it_happens(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        who = await shop.collect("contest", {"entry": "a poem about tides", "email": ADA["email"]})
        order = await shop.collect("order", ADA)
        with pytest.raises(UnknownWord):
            await shop.happened("moon-landing")
        ended = await shop.happened("winner-told")
        assert (ended.data, ended.keys) == (2, 2)
        with pytest.raises(Refused):  # with the last of what was held of them they are gone
            await shop.export(who)
        assert await shop.find("email", ADA["email"]) == [order]


async def alter(shop: Avow, who: str) -> None:
    """Change a person's row behind the gate."""
    async with shop._gate.store.transaction() as tx:
        (row,) = await tx.subjects([bytes.fromhex(who)], "change")
        assert row is not None
        await tx.change_subject(row._replace(facts=f"{row.facts} consent/news", version=row.version + 1))


async def test_one_altered_row_is_skipped_and_told_and_the_others_end(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as shop:
        people = [await shop.collect("click", {"visit-code": f"code {number}"}) for number in range(3)]
        await alter(shop, people[1])
        clock.forward(days=31)
        assert await shop.sweep() == Swept(2, 4, 2, 1)
        assert await shop.sweep() == Swept(0, 0, 0, 1)
    async with opened(tmp_path, clock) as shop:
        assert shop.swept.skipped == 1


async def test_more_altered_rows_than_a_batch_holds_hold_nothing_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("avow.practices.ending.BATCH", 2)
    clock = Clock()
    async with opened(tmp_path, clock) as shop:
        for number in range(5):
            await alter(shop, await shop.collect("click", {"visit-code": f"code {number}"}))
        clock.forward(days=1)
        await shop.collect("click", {"visit-code": "the newest"})
        clock.forward(days=31)
        assert await shop.sweep() == Swept(1, 2, 1, 5)


async def test_who_is_erased_while_a_sweep_runs_stops_nobody_elses_end(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as shop:
        first, second = [await shop.collect("click", {"visit-code": f"code {number}"}) for number in range(2)]
        (key,) = await keys_of(shop, second, "due")
        clock.forward(days=31)
        end_of = shop._ending._end_of

        async def erased_before(subject: bytes, rows: list[object]) -> tuple[list[bytes], bool]:
            if subject.hex() == first:
                await shop.erase(first)
            return await end_of(subject, rows)  # type: ignore[arg-type]  # handed through

        shop._ending._end_of = erased_before  # type: ignore[method-assign, assignment]  # a moment between two transactions
        await shop.sweep()
        with pytest.raises(KeyGone):
            shop.keystore.get(key, 0)
        assert await shop.census() == []


async def test_a_sweep_that_stops_half_way_destroys_the_keys_of_what_went(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as shop:
        people = [await shop.collect("click", {"visit-code": f"code {number}"}) for number in range(2)]
        before = [key for who in people for key in await keys_of(shop, who, "due")]
        clock.forward(days=31)
        end_of, turns = shop._ending._end_of, iter((True, False))

        async def full(subject: bytes, rows: list[object]) -> tuple[list[bytes], bool]:
            if next(turns):
                return await end_of(subject, rows)  # type: ignore[arg-type]  # handed through
            raise Unavailable("the disk is full")

        shop._ending._end_of = full  # type: ignore[method-assign, assignment]  # a disk that fills up
        with pytest.raises(Unavailable):
            await shop.sweep()
        assert len(before) == 2
        left = []
        for key in before:
            with suppress(KeyGone):
                left.append(shop.keystore.get(key, 0))
        assert len(left) == 1


async def keys_of(shop: Avow, who: str, kept_as: str) -> list[bytes]:
    """The keys of a person whose retention class begins so."""
    async with shop._gate.store.transaction() as tx:
        (row,) = await tx.subjects([bytes.fromhex(who)])
        assert row is not None
    named = (part.partition(":") for part in row.keys.split())
    return [bytes.fromhex(key) for name, _, key in named if name.startswith(kept_as)]


async def test_nobody_is_found_by_a_value_that_ended_also_after_a_restore(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock, policy=TRIAL) as shop:
        both = await shop.collect("trial", {"email": "old@trial.example"})
        await shop.collect("order", ADA, who=both)
        await shop.collect("trial", {"email": BEA["email"]})
        await shop.backup(tmp_path / "backup")
        clock.forward(days=31)
        await shop.sweep()
        assert await found(shop, "old@trial.example", BEA["email"], ADA["email"]) == [[], [], [both]]
    url = f"sqlite:///{tmp_path}/shop.db"
    await Avow.restore(TRIAL, url, tmp_path / "backup", folder=tmp_path / "avow", clock=clock)
    async with opened(tmp_path, clock, policy=TRIAL) as shop:
        assert await found(shop, "old@trial.example", BEA["email"], ADA["email"]) == [[], [], [both]]


async def found(shop: Avow, *emails: str) -> list[list[str]]:
    """Who is found by each of these."""
    return [await shop.find("email", email) for email in emails]
