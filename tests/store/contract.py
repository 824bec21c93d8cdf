# ruff: noqa: PT012 - what must fail is a whole transaction
"""The contract of the store, case by case: each is a coroutine that gets a bed to lie in and fails by `assert`.

People and their data stand here, the rest in `contract_whole`. Kept apart from the tests that run it, so that it can also
be run against stores that are broken on purpose.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import pytest

from avow.store import open_store
from avow.store.interface import (
    Clash,
    Consent,
    Datum,
    Leaf,
    LookUp,
    ServiceRequest,
    Store,
    Subject,
    Trace,
)
from avow.store.terms import Terms

Case = Callable[["Bed"], Awaitable[None]]
Wrap = Callable[[Store], Store]
CASES: Final[dict[str, Case]] = {}


def case(function: Case) -> Case:
    CASES[function.__name__] = function
    return function


class Bed:
    """A database and what was opened in it; `wrap` may put something around every store."""

    def __init__(self, url: str, folder: Path, wrap: Wrap = lambda store: store, site: str = "shop") -> None:
        self.url, self.folder, self.site = url, folder, site
        self._wrap = wrap
        self._open: list[Store] = []

    async def open(self, site: str | None = None) -> Store:
        store = self._wrap(await open_store(self.url, site or self.site))
        self._open.append(store)
        return store

    async def reopen(self) -> Store:
        await self.close()
        return await self.open()

    async def close(self) -> None:
        while self._open:
            await self._open.pop().close()


def id_(n: int) -> bytes:
    """A 16-byte id; the number stands in front, so that different ones never share a lock."""
    return n.to_bytes(8, "big") + bytes(8)


NOW: Final = 1_700_000_000_000
KIM: Final = id_(1)
LOU: Final = id_(2)


def person(subject: bytes = KIM, facts: str = "notified/news", version: int = 1) -> Subject:
    return Subject(subject, NOW, "ordinary:" + "ab" * 16, facts, version, "live")


def datum(row: int, category: str = "email", subject: bytes = KIM, **other: Any) -> Datum:
    terms: dict[str, Any] = {name: other.pop(name) for name in Terms._fields if name in other}
    came = Terms(b"p" * 16, NOW, None, "news order", "signup", "person")._replace(**terms)
    whole = Datum(subject, id_(row), category, "ordinary", 1, came.encode(), b"sealed %d" % row)
    return whole._replace(**other)


async def fill(store: Store, *data: Datum, subjects: tuple[Subject, ...] = (person(),)) -> None:
    async with store.transaction() as tx:
        await tx.add_subjects(subjects)
        await tx.put(data)


async def held(store: Store, subject: bytes = KIM) -> list[Datum]:
    async with store.transaction() as tx:
        return await tx.held(subject)


async def row_of(store: Store, subject: bytes = KIM) -> Subject | None:
    async with store.transaction() as tx:
        return (await tx.subjects([subject]))[0]


# -- durability and atomicity ----------------------------------------------------------------------------------------


@case
async def what_was_committed_is_there_after_opening_anew(bed: Bed) -> None:
    await fill(await bed.open(), datum(1))
    store = await bed.reopen()
    assert await row_of(store) == person()
    assert await held(store) == [datum(1)]


@case
async def an_exception_leaves_nothing_of_the_transaction(bed: Bed) -> None:
    store = await bed.open()
    await fill(store, datum(1))
    with pytest.raises(ZeroDivisionError):
        async with store.transaction() as tx:
            await tx.put([datum(2)])
            assert len(await tx.held(KIM)) == 2  # its own writes it sees
            await tx.drop_subject(KIM)
            await tx.record([Leaf(id_(7), b"entry")], [Trace(KIM, id_(7), b"opening")])
            raise ZeroDivisionError
    assert await held(store) == [datum(1)]
    assert await row_of(store) == person()
    async with store.transaction() as tx:
        assert await tx.pending(10) == []
        assert await tx.traces(KIM) == []


@case
async def a_clash_leaves_nothing_of_the_transaction(bed: Bed) -> None:
    store = await bed.open()
    await fill(store)
    with pytest.raises(Clash):
        async with store.transaction() as tx:
            await tx.set_note("origin", "elsewhere")
            await tx.add_subjects([person(LOU), person(KIM)])
    assert await row_of(store, LOU) is None
    async with store.transaction() as tx:
        assert await tx.note("origin") is None


@case
async def a_task_that_is_cancelled_leaves_nothing_and_blocks_nobody(bed: Bed) -> None:
    store = await bed.open()
    await fill(store)

    async def slow() -> None:
        async with store.transaction() as tx:
            await tx.subjects([KIM], "change")
            await tx.put([datum(1)])
            await asyncio.sleep(60)

    task = asyncio.create_task(slow())
    await asyncio.sleep(0.05)
    waiting = asyncio.create_task(held(store))
    await asyncio.sleep(0.02)
    task.cancel()
    assert await asyncio.wait_for(waiting, 10) == []
    assert await held(store) == []
    with pytest.raises(asyncio.CancelledError):
        await task


@case
async def a_transaction_that_has_ended_serves_nothing(bed: Bed) -> None:
    store = await bed.open()
    async with store.transaction() as tx:
        await tx.add_subjects([person()])
    with pytest.raises(Clash, match="has ended"):
        await tx.put([datum(1)])
    with pytest.raises(Clash, match="has ended"):
        await tx.held(KIM)
    assert await held(store) == []


# -- people and data ---------------------------------------------------------------------------------------------------


@case
async def reads_answer_in_the_order_asked(bed: Bed) -> None:
    store = await bed.open()
    data = [datum(1, "email"), datum(2, "phone"), datum(3, "name", LOU), datum(4, "email", LOU)]
    await fill(store, *data, subjects=(person(), person(LOU, "")))
    async with store.transaction() as tx:
        asks = [(LOU, ("name",)), (id_(9), ("name",)), (KIM, ("phone", "fax", "email")), (LOU, ()), (LOU, ("fax",))]
        assert await tx.read(asks) == [
            (person(LOU, ""), [data[2]]),
            (None, []),
            (person(), [data[1], data[0]]),
            (person(LOU, ""), []),
            (person(LOU, ""), []),
        ]
        assert [await tx.read([ask]) for ask in asks] == [[answer] for answer in await tx.read(asks)]
        assert await tx.read([(LOU, ("name",)), (LOU, ("name",))]) == [(person(LOU, ""), [data[2]])] * 2
        assert await tx.read([]) == []
        assert await tx.subjects([LOU, id_(9), KIM]) == [person(LOU, ""), None, person()]
        assert await tx.subjects([]) == []


@case
async def a_read_gives_the_newest_of_a_category(bed: Bed) -> None:
    store = await bed.open()
    old, new = datum(9, collected=NOW), datum(1, collected=NOW + 1)
    await fill(store, old, new, datum(3, collected=NOW - 1), datum(4, "phone"))
    async with store.transaction() as tx:
        assert (await tx.read([(KIM, ("email",))]))[0][1] == [new]
        assert (await tx.read([(KIM, ("email", "phone"))]))[0][1] == [new, datum(4, "phone")]
        assert [one.row for one in await tx.held(KIM)] == [id_(3), id_(4), id_(9), id_(1)]


@case
async def every_field_comes_back_as_it_went_in(bed: Bed) -> None:
    store = await bed.open()
    whole = datum(
        1, "naïve-Ελ", kept_as="until:20300101", version=3, purposes="", form="", source="import 7", collected=0,
        due=2**52, sealed=bytes(range(256)) * 300,
    )  # fmt: skip
    lou = Subject(LOU, -1, "", "consent/Ünïcode request/order/00ff", 7, "live")
    await fill(store, whole, subjects=(person(), lou))
    assert await held(store) == [whole]
    assert await row_of(store, LOU) == lou
    async with store.transaction() as tx:
        ((_, data),) = await tx.read([(KIM, (whole.category,))])
    assert data == [whole]


@case
async def a_person_is_added_once(bed: Bed) -> None:
    store = await bed.open()
    await fill(store)
    with pytest.raises(Clash):
        await fill(store, subjects=(person(facts="other"),))
    assert await row_of(store) == person()


@case
async def a_person_changes_only_from_the_version_before(bed: Bed) -> None:
    store = await bed.open()
    await fill(store)
    changed = person(facts="consent/news", version=2)
    async with store.transaction() as tx:
        await tx.change_subject(changed)
        assert await tx.subjects([KIM]) == [changed]
    for version in (1, 2, 4):
        with pytest.raises(Clash):
            async with store.transaction() as tx:
                await tx.change_subject(person(facts="", version=version))
    with pytest.raises(Clash):
        async with store.transaction() as tx:
            await tx.change_subject(person(LOU, version=2))
    assert await row_of(store) == changed


@case
async def a_person_changed_in_a_transaction_that_failed_reads_as_before(bed: Bed) -> None:
    store = await bed.open()
    await fill(store)
    with pytest.raises(ZeroDivisionError):
        async with store.transaction() as tx:
            await tx.change_subject(person(facts="consent/news", version=2))
            assert (await tx.read([(KIM, ("email",))]))[0][0] == person(facts="consent/news", version=2)
            raise ZeroDivisionError
    async with store.transaction() as tx:
        assert (await tx.read([(KIM, ("email",))]))[0][0] == person()
        await tx.drop_subject(KIM)
        assert (await tx.read([(KIM, ())]))[0][0] == person(facts="", version=2)._replace(state="erased")
    assert await row_of(store) == person(facts="", version=2)._replace(state="erased")


@case
async def a_datum_is_replaced_only_from_the_version_before(bed: Bed) -> None:
    store = await bed.open()
    await fill(store, datum(1), datum(2))
    right = datum(1, version=2, sealed=b"corrected", due=5)
    async with store.transaction() as tx:
        await tx.put([right])
    for version in (1, 2, 4):
        with pytest.raises(Clash):
            async with store.transaction() as tx:
                await tx.put([datum(3), datum(1, version=version)])
    assert await held(store) == [right, datum(2)]


@case
async def what_is_removed_is_gone_and_nothing_else(bed: Bed) -> None:
    store = await bed.open()
    others = datum(1, subject=LOU), datum(2, subject=LOU)
    await fill(store, datum(1), datum(2), datum(3, "phone"), *others, subjects=(person(), person(LOU)))
    async with store.transaction() as tx:
        await tx.remove([(KIM, id_(1)), (KIM, id_(3)), (LOU, id_(2)), (KIM, id_(8))])
        await tx.remove([])
    assert await held(store) == [datum(2)]
    assert await held(store, LOU) == [others[0]]


@case
async def due_data_are_those_past_their_last_moment(bed: Bed) -> None:
    store = await bed.open()
    data = [
        datum(1, due=NOW),
        datum(2, due=NOW - 1),
        datum(3, due=NOW - 2),
        datum(4, due=NOW - 9, subject=LOU),
        datum(5),
    ]
    await fill(store, *data, subjects=(person(), person(LOU)))
    async with store.transaction() as tx:
        assert await tx.due(NOW, 10) == [data[3], data[2], data[1]]
        assert await tx.due(NOW + 1, 10) == [data[3], data[2], data[1], data[0]]
        assert await tx.due(NOW, 1) == [data[3]]
        await tx.drop_subject(LOU)
        assert await tx.due(NOW, 10) == [data[2], data[1]]


@case
async def data_wait_for_their_event(bed: Bed) -> None:
    store = await bed.open()
    data = [
        datum(1, kept_as="until-winners told"),
        datum(2, kept_as="until-winners"),
        datum(3),
        datum(4, "phone", LOU, kept_as="until-winners told"),
        datum(5, kept_as="winners told"),
    ]
    await fill(store, *data, subjects=(person(), person(LOU)))
    async with store.transaction() as tx:
        assert sorted(await tx.awaiting("winners told", 10)) == sorted([data[0], data[3]])
        assert len(await tx.awaiting("winners told", 1)) == 1
        assert await tx.awaiting("", 10) == []
        await tx.drop_subject(LOU)
        assert await tx.awaiting("winners told", 10) == [data[0]]


@case
async def keys_in_use_are_those_that_still_seal_something(bed: Bed) -> None:
    store = await bed.open()
    await fill(
        store, datum(1), datum(2, kept_as="record"), datum(3, kept_as="record"), datum(4, kept_as="x", subject=LOU)
    )
    async with store.transaction() as tx:
        assert await tx.keys_in_use(KIM) == {"ordinary", "record"}
        await tx.remove([(KIM, id_(1))])
        assert await tx.keys_in_use(KIM) == {"record"}


@case
async def the_living_are_counted(bed: Bed) -> None:
    store = await bed.open()
    await fill(store, subjects=(person(), person(LOU)))
    async with store.transaction() as tx:
        assert await tx.living() == 2
        await tx.drop_subject(LOU)
        assert await tx.living() == 1


@case
async def an_erased_person_is_marked_at_once_and_purged_bit_by_bit(bed: Bed) -> None:
    store = await bed.open()
    data = [datum(n) for n in range(1, 6)]
    kept = datum(9, "phone", kept_as="record")
    await fill(store, *data, kept, datum(1, subject=LOU), subjects=(person(), person(LOU)))
    async with store.transaction() as tx:
        for who in (KIM, LOU):
            await tx.put_consent(Consent(who, id_(1), "consent/news", NOW, None, b"p" * 16, b"words"))
            await tx.put_request(ServiceRequest(who, id_(2), "order", NOW, None))
            await tx.put_lookups([LookUp("email", b"h" * 32, who)])
            await tx.record([Leaf(who, b"entry")], [Trace(who, who, b"opening")])
    async with store.transaction() as tx:
        await tx.drop_subject(KIM)
        await tx.drop_subject(id_(77))
    for _ in range(2):  # once more changes nothing
        async with store.transaction() as tx:
            assert await tx.subjects([KIM]) == [person(facts="", version=2)._replace(state="erased")]
            assert (await tx.consents(KIM), await tx.requests(KIM), await tx.find("email", b"h" * 32)) == (
                [],
                [],
                [LOU],
            )
            await tx.drop_subject(KIM)
    removed: list[int] = []
    while not removed or removed[-1]:
        async with store.transaction() as tx:
            removed.append(await tx.purge(4))
    assert sum(removed) == 6  # five data and a trace
    assert max(removed) <= 4
    async with store.transaction() as tx:
        assert await tx.held(KIM) == [kept]
        assert await tx.traces(KIM) == []
        assert await tx.held(LOU) == [datum(1, subject=LOU)]
        assert [len(await tx.consents(LOU)), len(await tx.requests(LOU)), len(await tx.traces(LOU))] == [1, 1, 1]
        assert len(await tx.pending(10)) == 2  # the record is not the person's
    with pytest.raises(Clash):
        async with store.transaction() as tx:
            await tx.change_subject(person(version=3))  # nobody comes back
