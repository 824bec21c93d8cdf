# ruff: noqa: D102 - what each method does stands in the contract
"""PostgreSQL: the part of a transaction that counts people, and keeps what was released and at which cost."""

from collections.abc import Sequence

from psycopg.pq.abc import PGresult

from avow.store import postgres_statements as sql
from avow.store.interface import Datum, Holding, Release, Subject
from avow.store.postgres_link import BYTEA, TEXT, Value, array, int8
from avow.store.postgres_rows import new, number, rows, text


class PostgresReleases:
    """Of `PostgresTransaction`, which has what is named here."""

    __slots__ = ()

    async def _ask(self, statement: bytes, *values: Value) -> PGresult:
        raise NotImplementedError

    async def _do(self, statement: bytes, *values: Value) -> int:
        raise NotImplementedError

    def _later(self, statement: bytes, *values: Value) -> None:
        raise NotImplementedError

    async def everybody(self, category: str, after: bytes, limit: int) -> list[tuple[Subject, list[Datum]]]:
        found = await self._ask(sql.EVERYBODY, after, int8(limit))
        people: dict[bytes, tuple[Subject, list[Datum]]] = {
            subject: (new(Subject, (subject, *row, "live")), [])
            for subject, *row, _ in rows(found, bytes, number, text, text, number, number)
        }
        if people:
            data = await self._ask(sql.ALL_OF, array(BYTEA, list(people)), category.encode())
            for row in rows(data, bytes, bytes, text, text, number, bytes, bytes):
                people[row[0]][1].append(new(Datum, row))
        return list(people.values())

    async def holding(self, categories: Sequence[str], policies: Sequence[bytes], reached: Sequence[str]) -> Holding:
        names, ways = (array(TEXT, [one.encode() for one in some]) for some in (categories, reached))
        found = rows(await self._ask(sql.HOLDING, names, array(BYTEA, list(policies)), ways), text, number, number)
        counts = {category: (people, data) for category, people, data in found}
        return Holding(counts, *counts.pop(""))

    async def spend(self, dataset: str, cost: int, limit: int) -> bool:
        return bool(await self._do(sql.SPEND, dataset.encode(), int8(cost), int8(limit)))

    async def spent(self) -> dict[str, int]:
        return dict(rows(await self._ask(sql.SPENT), text, number))

    async def put_release(self, release: Release) -> None:
        self._later(sql.PUT_RELEASE, release.question, int8(release.at), release.told.encode())

    async def released(self, question: bytes) -> Release | None:
        return next(iter(_releases(await self._ask(sql.RELEASED, question))), None)

    async def releases(self, limit: int) -> list[Release]:
        return _releases(await self._ask(sql.RELEASES, int8(limit)))


def _releases(result: PGresult) -> list[Release]:
    return [new(Release, row) for row in rows(result, bytes, number, text)]
