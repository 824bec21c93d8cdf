"""Every case of the store's contract, on each database; and the cases themselves, on stores broken on purpose."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import tests.store.contract_messages
import tests.store.contract_releases
import tests.store.contract_whole  # noqa: F401 - each puts its cases among the others
from avow.errors import Unavailable
from avow.store.interface import Clash, Store
from tests.store.contract import CASES, KIM, Bed

SITES = iter(f"site-{n}" for n in range(10_000))


@pytest.fixture(scope="session")
def shared_database(postgres: Any) -> str:
    """All cases share it, each with a site of its own: so none may see another's rows."""
    url: str = postgres.new_database()
    return url


@pytest.fixture
def make_bed(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Bed]:
    def make(kind: str, wrap: Callable[[Store], Store] = lambda store: store) -> Bed:
        url = f"sqlite:///{tmp_path}/store.db" if kind == "sqlite" else request.getfixturevalue("shared_database")
        return Bed(url, tmp_path, wrap, next(SITES))

    return make


@pytest.fixture(params=["sqlite", "postgres"])
async def bed(request: pytest.FixtureRequest, make_bed: Callable[..., Bed]) -> AsyncIterator[Bed]:
    bed = make_bed(request.param)
    yield bed
    await bed.close()


@pytest.mark.parametrize("name", CASES)
async def test_contract(name: str, bed: Bed) -> None:
    await asyncio.wait_for(CASES[name](bed), 60)


# -- planted defects -----------------------------------------------------------------------------------------------


class Around:
    """Passes everything on to what it is around, but for the methods that `instead` names."""

    def __init__(self, inner: Any, instead: dict[str, Any]) -> None:
        self._inner = inner
        self._instead = instead

    def __getattr__(self, name: str) -> Any:
        if name in self._instead:
            return lambda *given, **named: self._instead[name](self._inner, *given, **named)
        return getattr(self._inner, name)

    async def __aenter__(self) -> Any:
        return Around(await self._inner.__aenter__(), self._instead)

    async def __aexit__(self, *raised: object) -> Any:
        ended = self._instead.get("__aexit__")
        return await (ended(self._inner, *raised) if ended else self._inner.__aexit__(*raised))


async def loses_one_of_many(tx: Any, data: Sequence[Any]) -> None:
    await tx.put(data[1:] if len(data) > 1 else data)


async def commits_whatever_happens(tx: Any, *raised: Any) -> None:
    await tx.__aexit__(None, None, None)


async def locks_softly(tx: Any, ids: Any, lock: str = "share") -> Any:
    return await tx.subjects(ids, "share")


async def overwrites_any_version(tx: Any, data: Sequence[Any]) -> None:
    for one in data:
        there = [old.version for old in await tx.held(one.subject) if old.row == one.row]
        await tx.put([one._replace(version=there[0] + 1) if there else one])


async def is_late_by_a_millisecond(tx: Any, now: int, limit: int) -> Any:
    return await tx.due(now - 1, limit)


async def purges_what_outlives(tx: Any, limit: int) -> int:
    removed: int = await tx.purge(limit)
    for n in range(10):
        await tx.remove([(n.to_bytes(8, "big") + bytes(8), (9).to_bytes(8, "big") + bytes(8))])
    return removed


async def moves_the_log_from_anywhere(tx: Any, before: Any, after: Any, tickets: Any) -> None:
    try:
        await tx.sequenced(before, after, tickets)
    except Unavailable:
        await tx.sequenced(await tx.log_state(), after, tickets)


async def forgets_the_trace(tx: Any, leaves: Any, traces: Any) -> None:
    await tx.record(leaves, traces[:1])


async def merges_people(tx: Any, category: str, hash: bytes) -> Any:
    return (await tx.find(category, hash))[:1]


async def spends_what_it_has_read(tx: Any, dataset: str, cost: int, limit: int) -> bool:
    if (await tx.spent()).get(dataset, 0) + cost > limit:
        return False
    await asyncio.sleep(0)
    return bool(await tx.spend(dataset, cost, 1_000_000))


async def counts_the_erased(tx: Any, category: str, after: bytes, limit: int) -> Any:
    found = await tx.everybody(category, after, limit)
    gone = [row for row in await tx.subjects([KIM]) if row is not None and row.subject > after]
    return [(row, await tx.held(row.subject)) for row in gone if row.state == "erased"] + found


async def counts_whatever_version(tx: Any, categories: Any, policies: Any, reached: Any) -> Any:
    return await tx.holding(categories, [*policies, *(bytes([n]) * 16 for n in (7, 8, 9))], reached)


async def reaches_by_anything(tx: Any, categories: Any, policies: Any, reached: Any) -> Any:
    return await tx.holding(categories, policies, [*reached, *categories])


async def restores_nothing(store: Any, folder: Path) -> None:
    if not (folder / "contents.json").exists() and not (folder / "store.sqlite").exists():
        await store.restore(folder)


BOTH = ("sqlite", "postgres")
DEFECTS: list[tuple[str, dict[str, Any], tuple[str, ...]]] = [
    ("reads_answer_in_the_order_asked", {"put": loses_one_of_many}, BOTH),
    ("an_exception_leaves_nothing_of_the_transaction", {"__aexit__": commits_whatever_happens}, BOTH),
    ("a_change_waits_for_those_who_read", {"subjects": locks_softly}, ("postgres",)),
    ("changes_to_one_person_are_never_lost", {"subjects": locks_softly}, ("postgres",)),
    ("a_datum_is_replaced_only_from_the_version_before", {"put": overwrites_any_version}, BOTH),
    ("due_data_are_those_past_their_last_moment", {"due": is_late_by_a_millisecond}, BOTH),
    ("an_erased_person_is_marked_at_once_and_purged_bit_by_bit", {"purge": purges_what_outlives}, BOTH),
    ("the_log_moves_only_from_where_it_stands", {"sequenced": moves_the_log_from_anywhere}, BOTH),
    ("the_record_is_pending_in_order_until_sequenced", {"record": forgets_the_trace}, BOTH),
    ("several_people_may_share_a_look_up", {"find": merges_people}, BOTH),
    ("of_a_hundred_who_spend_at_once_no_more_get_through_than_fit", {"spend": spends_what_it_has_read}, ("postgres",)),
    ("who_is_erased_is_not_counted", {"everybody": counts_the_erased}, BOTH),
    ("what_came_under_some_policies_is_counted_by_people_and_data", {"holding": counts_whatever_version}, BOTH),
    ("what_came_under_some_policies_is_counted_by_people_and_data", {"holding": reaches_by_anything}, BOTH),
    ("a_backup_is_one_moment_and_comes_back_whole", {"restore": restores_nothing}, BOTH),
]


def broken(instead: dict[str, Any]) -> Callable[[Store], Any]:
    def wrap(store: Store) -> Any:
        return Around(store, instead | {"transaction": lambda inner: Around(inner.transaction(), instead)})

    return wrap


@pytest.mark.parametrize(
    ("name", "instead", "kind"),
    [pytest.param(name, instead, kind, id=f"{next(iter(instead.values())).__name__}-{kind}-{name[:8]}")
     for name, instead, kinds in DEFECTS for kind in kinds],
)  # fmt: skip
async def test_the_contract_notices_a_store_that(
    name: str, instead: dict[str, Any], kind: str, make_bed: Callable[..., Bed]
) -> None:
    bed = make_bed(kind, broken(instead))
    try:
        with pytest.raises((AssertionError, pytest.fail.Exception, Clash)):
            await asyncio.wait_for(CASES[name](bed), 60)
    finally:
        await bed.close()


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("name", sorted({name for name, _, _ in DEFECTS}))
async def test_the_wrapping_by_itself_breaks_nothing(name: str, kind: str, make_bed: Callable[..., Bed]) -> None:
    bed = make_bed(kind, broken({}))
    try:
        await asyncio.wait_for(CASES[name](bed), 60)
    finally:
        await bed.close()
