# ruff: noqa: D102 - what each method does stands in the contract
"""SQLite: the part of a transaction that is about messages and mailings."""

from collections.abc import Callable
from typing import Any

from avow.store import sqlite_statements as sql
from avow.store.interface import Message

_new = tuple.__new__  # a NamedTuple out of a row, without the detour over `_make`


class SqliteMessages:
    """Of `SqliteTransaction`, which sets what is named here."""

    __slots__ = ()
    _site: int
    _execute: Callable[..., Any]

    async def consenting(self, about: str, after: bytes, limit: int) -> list[bytes]:
        found = self._execute(sql.CONSENTING, (self._site, about, after, limit))
        return [subject for (subject,) in found]

    async def put_message(self, message: Message) -> None:
        self._execute(sql.PUT_MESSAGE, (self._site, *message))

    async def message(self, subject: bytes, message: bytes) -> Message | None:
        found = self._execute(sql.MESSAGE, (self._site, subject, message))
        return next((_new(Message, row) for row in found.fetchall()), None)

    async def messages_named(self, message: bytes) -> list[Message]:
        return [_new(Message, row) for row in self._execute(sql.MESSAGES_NAMED, (self._site, message))]

    async def messages_of(self, subject: bytes) -> list[Message]:
        return [_new(Message, row) for row in self._execute(sql.MESSAGES_OF, (self._site, subject))]

    async def messages(self, limit: int, before: int) -> list[Message]:
        return [_new(Message, row) for row in self._execute(sql.MESSAGES, (self._site, limit, before))]
