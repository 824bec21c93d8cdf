"""Schema steps: counted without gaps, and an upgrade with data in the house."""

from collections.abc import Sequence
from pathlib import Path

import apsw
import psycopg
import pytest

from avow.errors import OperatorError
from avow.store import open_store
from avow.store.migrate import POSTGRES, SQLITE, Kind, Step, missing, steps
from avow.store.postgres import SINCE
from avow.store.postgres_statements import STATEMENTS
from tests.store.contract import Bed, datum, fill, held, person, row_of

OLDER = {  # the statements of a program that knew the first step alone
    name: text for name, text in STATEMENTS.items() if not any(table in text for table in SINCE)
}
KNOWN = (Step(1, "a", ""), Step(2, "b", ""))


@pytest.mark.parametrize("kind", [SQLITE, POSTGRES])
def test_steps_are_numbered_from_one_without_a_gap(kind: Kind) -> None:
    assert [step.number for step in steps(kind)] == list(range(1, len(steps(kind)) + 1))


def test_both_databases_have_the_same_steps() -> None:
    assert [step[:2] for step in steps(SQLITE)] == [step[:2] for step in steps(POSTGRES)]


@pytest.mark.parametrize(
    ("applied", "left"), [((), KNOWN), ((1,), KNOWN[1:]), ((2, 1), ())], ids=["a-new-one", "an-older-one", "the-newest"]
)
def test_what_is_missing_is_applied(applied: Sequence[int], left: Sequence[Step]) -> None:
    assert missing(applied, KNOWN) == left


@pytest.mark.parametrize(
    ("applied", "told"),
    [((1, 2, 3), "step 3 .* knows 2"), ((2,), "a gap")],
    ids=["newer-than-the-program", "with-a-gap"],
)
def test_a_schema_that_cannot_be_understood_is_refused(applied: Sequence[int], told: str) -> None:
    with pytest.raises(OperatorError, match=told):
        missing(applied, KNOWN)


async def test_a_database_of_the_first_step_is_upgraded_with_its_data(
    any_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bed = Bed(any_url, tmp_path)
    with monkeypatch.context() as before:
        before.setattr("avow.store.sqlite.steps", lambda kind: steps(kind)[:1])
        before.setattr("avow.store.postgres.steps", lambda kind: steps(kind)[:1])
        before.setattr("avow.store.postgres.STATEMENTS", OLDER)
        store = await bed.open()
        data = [datum(n, kept_as="until-winners told" if n % 2 else "ordinary") for n in range(100)]
        await fill(store, *data)
        await store.backup(tmp_path / "old")
        await bed.close()
    assert indexes(any_url) == {"datum_due"}
    store = await bed.open()
    assert await row_of(store) == person()
    assert sorted(await held(store)) == sorted(data)
    async with store.transaction() as tx:
        assert sorted(await tx.awaiting("winners told", 1000)) == sorted(data[1::2])
        await tx.remove([(one.subject, one.row) for one in data])
    await store.restore(tmp_path / "old")  # a backup from before the upgrade comes back upgraded
    assert sorted(await held(store)) == sorted(data)
    await bed.close()
    assert indexes(any_url) == {"datum_due", "datum_awaiting"}


def indexes(url: str) -> set[str]:
    if url.startswith("sqlite"):
        db = apsw.Connection(url.removeprefix("sqlite:///"))
        named = "SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'datum' AND sql IS NOT NULL"
        found_here = {str(name) for (name,) in db.execute(named)}
        db.close()
        return found_here
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT indexname FROM pg_indexes WHERE schemaname = 'avow' AND tablename = 'datum' AND indexname <> 'datum_pkey'"
        ).fetchall()
    return {str(name) for (name,) in found}


async def test_a_newer_schema_is_refused_and_left_alone(any_url: str) -> None:
    await (await open_store(any_url, "shop")).close()
    newer = "INSERT INTO migration VALUES (99, 'of tomorrow')"
    if any_url.startswith("sqlite"):
        db = apsw.Connection(any_url.removeprefix("sqlite:///"))
        db.execute(newer)
        db.close()
    else:
        with psycopg.connect(any_url, options="-c search_path=avow") as connection:
            connection.execute(newer.encode())
    for _ in range(2):
        with pytest.raises(OperatorError, match="step 99"):
            await open_store(any_url, "shop")


@pytest.mark.parametrize("url", ["mysql://shop", "shop.db", "sqlite:shop.db", ""])
async def test_an_unknown_kind_of_store_is_refused(url: str) -> None:
    with pytest.raises(OperatorError, match="no store is known"):
        await open_store(url, "shop")
