# ruff: noqa: PT012 - what must fail is a whole transaction
"""The contract of the store: counting people, what was released, and what is spent of a budget."""

import asyncio
from typing import Final

import pytest

from avow.store.interface import Clash, Datum, Release
from avow.store.terms import Terms
from tests.store.contract import KIM, LOU, NOW, Bed, case, datum, fill, id_, person

SUM = Release(id_(1), NOW, '{"figures": [12]}')


@case
async def everybody_comes_page_by_page_with_all_their_data_of_one_category(bed: Bed) -> None:
    store = await bed.open()
    people = [person(id_(n)) for n in (3, 1, 2, 4)]
    data = [datum(1, "items", id_(1)), datum(2, "items", id_(1)), datum(3, "email", id_(1)), datum(4, "items", id_(3))]
    await fill(store, *data, subjects=tuple(people))
    async with store.transaction() as tx:
        first = await tx.everybody("items", b"", 2)
        assert [(row.subject, sorted(one.row for one in held)) for row, held in first] == [
            (id_(1), [id_(1), id_(2)]), (id_(2), []),
        ]  # fmt: skip
        assert await tx.everybody("items", id_(2), 9) == [(person(id_(3)), [data[3]]), (person(id_(4)), [])]
        assert await tx.everybody("items", id_(4), 9) == []


@case
async def who_is_erased_is_not_counted(bed: Bed) -> None:
    store = await bed.open()
    await fill(store, datum(1), datum(2, subject=LOU), subjects=(person(), person(LOU)))
    async with store.transaction() as tx:
        await tx.drop_subject(KIM)
    async with store.transaction() as tx:
        assert await tx.everybody("email", b"", 9) == [(person(LOU), [datum(2, subject=LOU)])]


def came(row: int, category: str, subject: bytes, policy: bytes) -> Datum:
    """A datum that came under this policy."""
    return datum(row, category, subject, terms=Terms(policy, NOW, None, "order", "order", "person").encode())


OLD, NEWER, NEWEST = (bytes([n]) * 16 for n in (7, 8, 9))
ANN: Final = id_(3)


@case
async def what_came_under_some_policies_is_counted_by_people_and_data(bed: Bed) -> None:
    store = await bed.open()
    await fill(
        store, came(1, "items", KIM, OLD), came(2, "items", KIM, NEWER), came(3, "email", KIM, NEWEST),
        came(4, "items", LOU, OLD), came(5, "email", LOU, OLD), came(6, "items", ANN, NEWEST), came(7, "name", ANN, OLD),
        subjects=(person(), person(LOU), person(ANN)),
    )  # fmt: skip
    async with store.transaction() as tx:
        assert await tx.holding(("items", "email"), (OLD, NEWER), ("email",)) == (
            {"items": (2, 3), "email": (1, 1)}, 2, 0,
        )  # fmt: skip
        assert await tx.holding(("items", "name"), (OLD, NEWER, NEWEST), ("email", "phone")) == (
            {"items": (3, 4), "name": (1, 1)}, 3, 1,
        )  # fmt: skip
        assert await tx.holding(("items",), (OLD,), ()) == ({"items": (2, 2)}, 2, 2)
        for nothing in ((), (OLD,), ("email",)), (("items",), (), ()), (("phone",), (OLD,), ("email",)):
            assert await tx.holding(*nothing) == ({}, 0, 0)


@case
async def of_the_erased_nothing_is_counted_though_it_waits_to_be_purged(bed: Bed) -> None:
    store = await bed.open()
    await fill(store, came(1, "items", KIM, OLD), came(2, "items", LOU, OLD), subjects=(person(), person(LOU)))
    async with store.transaction() as tx:
        await tx.drop_subject(KIM)
    async with store.transaction() as tx:
        assert await tx.holding(("items",), (OLD,), ()) == ({"items": (1, 1)}, 1, 1)


@case
async def another_sites_data_are_not_counted(bed: Bed) -> None:
    store = await bed.open()
    await fill(store, came(1, "items", KIM, OLD), subjects=(person(),))
    await bed.close()
    async with (await bed.open("other")).transaction() as tx:
        assert await tx.holding(("items",), (OLD,), ()) == ({}, 0, 0)


@case
async def a_budget_is_spent_up_to_its_limit_and_no_further(bed: Bed) -> None:
    store = await bed.open()
    async with store.transaction() as tx:
        assert not await tx.spend("people/2026", 1001, 1000)
        assert await tx.spend("people/2026", 400, 1000)
        assert await tx.spend("people/2026", 600, 1000)
        assert not await tx.spend("people/2026", 1, 1000)
        assert await tx.spend("visits/2026", 1, 1000)
    store = await bed.reopen()
    async with store.transaction() as tx:
        assert await tx.spent() == {"people/2026": 1000, "visits/2026": 1}
        assert await tx.spend("people/2026", 1, 1001)


@case
async def what_was_not_committed_was_not_spent(bed: Bed) -> None:
    store = await bed.open()
    with pytest.raises(ZeroDivisionError):
        async with store.transaction() as tx:
            assert await tx.spend("people/2026", 1000, 1000)
            raise ZeroDivisionError
    async with store.transaction() as tx:
        assert await tx.spent() == {}
        assert await tx.spend("people/2026", 1000, 1000)


@case
async def of_a_hundred_who_spend_at_once_no_more_get_through_than_fit(bed: Bed) -> None:
    store = await bed.open()

    async def one() -> bool:
        async with store.transaction() as tx:
            await asyncio.sleep(0)
            return await tx.spend("people/2026", 30, 1000)

    assert sum(await asyncio.gather(*(one() for _ in range(100)))) == 33
    async with store.transaction() as tx:
        assert await tx.spent() == {"people/2026": 990}


@case
async def releases_and_budgets_come_back_with_a_backup(bed: Bed) -> None:
    store = await bed.open()
    async with store.transaction() as tx:
        await tx.put_release(SUM)
        assert await tx.spend("people/2026", 400, 1000)
    await store.backup(bed.folder / "copy")
    async with store.transaction() as tx:
        await tx.put_release(SUM._replace(question=id_(2)))
        assert await tx.spend("people/2026", 400, 1000)
    await store.restore(bed.folder / "copy")
    async with store.transaction() as tx:
        assert await tx.spent() == {"people/2026": 400}
        assert await tx.releases(9) == [SUM]


@case
async def a_question_has_one_answer_which_stays(bed: Bed) -> None:
    store = await bed.open()
    async with store.transaction() as tx:
        await tx.put_release(SUM)
        await tx.put_release(SUM._replace(question=id_(2), at=NOW + 1))
    with pytest.raises(Clash):
        async with store.transaction() as tx:
            await tx.put_release(SUM._replace(told="other"))
    store = await bed.reopen()
    async with store.transaction() as tx:
        assert await tx.released(id_(1)) == SUM
        assert await tx.released(id_(3)) is None
        assert [one.question for one in await tx.releases(9)] == [id_(2), id_(1)]
        assert len(await tx.releases(1)) == 1
