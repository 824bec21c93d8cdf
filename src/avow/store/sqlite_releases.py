# ruff: noqa: D102 - what each method does stands in the contract
"""SQLite: the part of a transaction that counts people, and keeps what was released and at which cost."""

from collections.abc import Callable, Sequence
from typing import Any

from avow.store import sqlite_statements as sql
from avow.store.interface import Datum, Holding, Release, Subject

_new = tuple.__new__  # a NamedTuple out of a row, without the detour over `_make`


class SqliteReleases:
    """Of `SqliteTransaction`, which sets what is named here."""

    __slots__ = ()
    _site: int
    _execute: Callable[..., Any]

    async def everybody(self, category: str, after: bytes, limit: int) -> list[tuple[Subject, list[Datum]]]:
        people: dict[bytes, tuple[Subject, list[Datum]]] = {
            row[0]: (_new(Subject, row), []) for row in self._execute(sql.EVERYBODY, (self._site, after, limit))
        }
        if people:
            ends = min(people), max(people)
            for row in self._execute(sql.ALL_OF, (self._site, *ends, category)):
                if row[0] in people:
                    people[row[0]][1].append(_new(Datum, row))
        return list(people.values())

    async def holding(self, categories: Sequence[str], policies: Sequence[bytes], reached: Sequence[str]) -> Holding:
        counts: dict[str, tuple[int, int]] = {}
        people: set[bytes] = set()
        statement = sql.holding(len(categories), len(policies))
        for subject, category, data in self._execute(statement, (self._site, *categories, *policies)):
            before = counts.get(category, (0, 0))
            counts[category] = before[0] + 1, before[1] + data
            people.add(subject)
        found = self._execute(sql.reached(len(reached)), (self._site, *reached))
        return Holding(counts, len(people), len(people.difference(subject for (subject,) in found)))

    async def spend(self, dataset: str, cost: int, limit: int) -> bool:
        found = self._execute(sql.SPEND, (self._site, dataset, cost, limit))
        return bool(found.fetchall())

    async def spent(self) -> dict[str, int]:
        return dict(self._execute(sql.SPENT, (self._site,)).fetchall())

    async def put_release(self, release: Release) -> None:
        self._execute(sql.PUT_RELEASE, (self._site, *release))

    async def released(self, question: bytes) -> Release | None:
        found = self._execute(sql.RELEASED, (self._site, question))
        return next((_new(Release, row) for row in found.fetchall()), None)

    async def releases(self, limit: int) -> list[Release]:
        return [_new(Release, row) for row in self._execute(sql.RELEASES, (self._site, limit))]
