# ruff: noqa: PT012 - what must fail is a whole transaction
"""What is PostgreSQL's own: many at once, round trips, lost connections, deaths of the server."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from avow.errors import OperatorError, Unavailable
from avow.store import open_store
from avow.store.interface import Leaf, Trace
from avow.store.postgres_link import Link
from tests.servers import PostgresServer
from tests.store.contract import KIM, LOU, Bed, datum, fill, held, id_, person, row_of


@pytest.fixture
async def bed(postgres_url: str, tmp_path: Path) -> AsyncIterator[Bed]:
    bed = Bed(postgres_url, tmp_path)
    yield bed
    await bed.close()


@pytest.fixture(scope="module")
def mortal() -> Iterator[PostgresServer]:
    """A server that may be killed."""
    with PostgresServer() as server:
        yield server


async def do(url: str, statement: str) -> list[tuple[Any, ...]]:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True, options="-c search_path=avow") as other:
        cursor = await other.execute(statement.encode())
        return await cursor.fetchall() if cursor.description else []


async def test_readers_do_not_wait_for_each_other(bed: Bed) -> None:
    store = await bed.open()
    await fill(store, datum(1))
    inside = asyncio.Barrier(3)

    async def reader() -> None:
        async with store.transaction() as tx:
            await tx.read([(KIM, ("email",))])
            await inside.wait()

    await asyncio.wait_for(asyncio.gather(*(reader() for _ in range(3))), 10)


async def test_two_sites_in_one_database_see_nothing_of_each_other(bed: Bed, tmp_path: Path) -> None:
    one, two = await bed.open("one"), await bed.open("two")
    await fill(one, datum(1, due=1, kept_as="until-x"), subjects=(person(), person(LOU)))
    await fill(two, datum(1, sealed=b"of the other"), subjects=(person(facts=""),))
    async with one.transaction() as tx:
        await tx.record([Leaf(id_(1), b"entry")], [Trace(KIM, id_(1), b"opening")])
    async with two.transaction() as tx:
        assert await tx.subjects([KIM, LOU]) == [person(facts=""), None]
        assert (await tx.due(9, 9), await tx.awaiting("x", 9), await tx.pending(9), await tx.traces(KIM)) == (
            [],
            [],
            [],
            [],
        )
        await tx.drop_subject(KIM)
        assert await tx.purge(9) == 1
    await two.backup(tmp_path / "two")
    await one.backup(tmp_path / "one")
    await two.restore(tmp_path / "two")
    with pytest.raises(OperatorError, match="another site"):
        await two.restore(tmp_path / "one")
    assert len(await held(one)) == 1
    assert await row_of(one) == person()
    assert (await one.size()).rows["subject"] == 2


async def test_an_enforced_read_is_two_round_trips_and_a_registration_one(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await bed.open()
    await fill(store)
    trips: list[int] = []
    run = Link.run

    async def counted(link: Link, calls: Any) -> Any:
        trips.append(len(calls))
        return await run(link, calls)

    monkeypatch.setattr(Link, "run", counted)
    async with store.transaction() as tx:
        await tx.read([(KIM, ("email",))])
        await tx.record([Leaf(id_(1), b"entry")], [Trace(KIM, id_(1), b"opening")])
    assert len(trips) == 2
    await fill(store, datum(1, subject=LOU), subjects=(person(LOU),))
    assert len(trips) == 3
    async with store.transaction() as tx:
        await tx.read([(KIM, ("email",))])
    assert len(trips) == 4


async def test_a_ring_of_waiting_is_broken_and_one_may_try_again(bed: Bed) -> None:
    store = await bed.open()
    await fill(store, subjects=(person(), person(LOU)))
    both = asyncio.Barrier(2)

    async def one(first: bytes, second: bytes) -> None:
        async with store.transaction() as tx:
            await tx.subjects([first], "change")
            await both.wait()
            await tx.subjects([second], "change")

    ends = await asyncio.gather(one(KIM, LOU), one(LOU, KIM), return_exceptions=True)
    assert sorted(type(end).__name__ for end in ends) == ["NoneType", "Unavailable"]


async def test_a_lost_connection_loses_the_transaction_and_no_other(bed: Bed) -> None:
    store = await bed.open()
    await fill(store, datum(1))
    with pytest.raises(Unavailable, match="nothing was written"):
        async with store.transaction() as tx:
            await tx.put([datum(2)])
            await tx.held(KIM)
            await do(bed.url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'avow'")
            await tx.held(KIM)
    assert await held(store) == [datum(1)]


async def test_a_commit_that_is_cut_off_says_that_its_outcome_is_unknown(bed: Bed) -> None:
    store = await bed.open()
    await fill(store, datum(1))

    async def act() -> None:
        async with store.transaction() as tx:
            await tx.read([(KIM, ("email",))])
            await tx.record([Leaf(id_(1), b"entry")], [Trace(KIM, id_(1), b"opening")])

    async with await psycopg.AsyncConnection.connect(bed.url, options="-c search_path=avow") as other:
        await other.execute("LOCK TABLE leaf")  # the batch that ends with the commit has to wait
        task = asyncio.create_task(act())
        waiting: list[tuple[Any, ...]] = []
        while not waiting:
            await asyncio.sleep(0.02)
            waiting = await do(bed.url, "SELECT pid FROM pg_stat_activity WHERE wait_event = 'relation'")
        await do(bed.url, f"SELECT pg_terminate_backend({waiting[0][0]})")
        with pytest.raises(Unavailable, match="outcome is unknown"):
            await task
    async with store.transaction() as tx:
        assert not await tx.has_event(id_(1), KIM)
    await act()
    async with store.transaction() as tx:
        assert await tx.has_event(id_(1), KIM)


@pytest.mark.parametrize("how", ["kill", "immediate", "backend"])
async def test_after_a_death_of_the_server_the_acknowledged_is_there_and_the_unfinished_is_not(
    how: str, mortal: PostgresServer, tmp_path: Path
) -> None:
    bed = Bed(mortal.new_database(), tmp_path)
    store = await bed.open()
    await fill(store, datum(1))
    with pytest.raises(Unavailable):
        async with store.transaction() as tx:
            await tx.put([datum(2)])
            await tx.held(KIM)
            if how == "kill":
                mortal.kill()
            elif how == "immediate":
                mortal.stop()
            else:
                ((pid,),) = await do(bed.url, "SELECT min(pid) FROM pg_stat_activity WHERE application_name = 'avow'")
                mortal.kill_backend(pid)
            await asyncio.sleep(0.05)
    if how != "backend":
        with pytest.raises(Unavailable):
            await held(store)
        mortal.start()
    for _ in range(100):  # a backend's death has the server recover by itself
        try:
            assert await held(store) == [datum(1)]
        except Unavailable:
            await asyncio.sleep(0.05)
        else:
            break
    assert await held(store) == [datum(1)]
    await bed.close()


async def test_a_server_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="did not answer"):
        await open_store(f"postgresql://avow@/nothing?host={tmp_path}", "shop")


async def test_a_server_that_does_not_force_to_disk_is_refused() -> None:
    with PostgresServer({"fsync": "off"}) as server, pytest.raises(OperatorError, match="fsync"):
        await open_store(server.url(), "shop")


async def test_a_commit_waits_for_the_disk_whatever_the_database_says(bed: Bed) -> None:
    name = bed.url.partition("@/")[2].partition("?")[0]
    await do(bed.url, f"ALTER DATABASE {name} SET synchronous_commit = off")
    store: Any = await bed.open()
    async with store.transaction() as tx:
        await tx.held(KIM)
        link = tx._link
        answer = await link._answers(_ask(link, "SHOW synchronous_commit"))
    assert answer[0].get_value(0, 0) == b"on"


def _ask(link: Any, statement: str) -> Any:
    link._pgconn.send_query_params(statement.encode(), None)
    return link._end_batch(wait=True)


@pytest.mark.parametrize("known", ["nothing", "vacuumed", "analysed"])
async def test_no_statement_walks_over_a_table_whatever_the_statistics(known: str, bed: Bed) -> None:
    store = await bed.open()
    for k in range(5):
        await fill(store, *(datum(n, subject=id_(n)) for n in range(k * 100, k * 100 + 100)),
                   subjects=tuple(person(id_(n)) for n in range(k * 100, k * 100 + 100)))  # fmt: skip
    if known != "nothing":
        await do(bed.url, {"vacuumed": "VACUUM", "analysed": "VACUUM ANALYZE"}[known])
    async with await psycopg.AsyncConnection.connect(bed.url) as other:
        from avow.store.postgres_link import SESSION  # noqa: PLC0415 - this test's alone
        from avow.store.postgres_statements import STATEMENTS  # noqa: PLC0415 - as above

        await other.execute(SESSION)
        plan = await other.execute(b"EXPLAIN SELECT * FROM datum WHERE sealed = ''")  # what no index can serve is seen
        assert "Seq Scan" in str(await plan.fetchall())
        for name in WALKED:
            count = max(n for n in range(1, 15) if f"${n}" in STATEMENTS[name])
            await other.execute(f"PREPARE {name.decode()} AS {STATEMENTS[name]}".encode())
            plan = await other.execute(f"EXPLAIN EXECUTE {name.decode()} ({', '.join(['NULL'] * count)})".encode())
            told = [line for (line,) in await plan.fetchall()]
            walks = [
                line
                for line in told
                if "Index Cond" in line and not re.search(r"subject|substr|kept_as|hash|ticket", line)
            ]
            assert "Seq Scan" not in str(told), told
            assert not walks, told  # an index used for nothing but the site is a walk over all of the site


WALKED = (
    b"read_one", b"read_many", b"subjects", b"change_subject", b"purge_data", b"purge_traces", b"put", b"remove", b"held",
    b"due", b"awaiting", b"keys_in_use", b"consents", b"find", b"drop_lookups", b"traces", b"sequenced",
)  # fmt: skip


async def test_a_task_that_waits_for_a_connection_can_go_away(bed: Bed) -> None:
    store: Any = await bed.open()
    await fill(store)
    store._links._most = 1
    async with store.transaction() as tx:
        await tx.held(KIM)
        tasks = [asyncio.create_task(held(store)) for _ in range(3)]
        await asyncio.sleep(0.01)
        tasks[0].cancel()
    assert await asyncio.wait_for(tasks[1], 10) == await asyncio.wait_for(tasks[2], 10) == []
    assert await asyncio.wait_for(held(store), 10) == []
