# ruff: noqa: D102 - what each method does stands in the contract
"""PostgreSQL: the part of a transaction that is about messages and mailings."""

from psycopg.pq.abc import PGresult

from avow.store import postgres_statements as sql
from avow.store.interface import Message
from avow.store.postgres_link import Value, int8
from avow.store.postgres_rows import new, number, rows, text


class PostgresMessages:
    """Of `PostgresTransaction`, which has `_ask` and `_later`."""

    __slots__ = ()

    async def _ask(self, statement: bytes, *values: Value) -> PGresult:
        raise NotImplementedError

    def _later(self, statement: bytes, *values: Value) -> None:
        raise NotImplementedError

    async def consenting(self, about: str, after: bytes, limit: int) -> list[bytes]:
        found = await self._ask(sql.CONSENTING, about.encode(), after, int8(limit))
        return [subject for (subject,) in rows(found, bytes)]

    async def put_message(self, message: Message) -> None:
        self._later(
            sql.PUT_MESSAGE, message.subject, message.message, message.channel.encode(), message.purpose.encode(),
            message.sender.encode(), message.state.encode(), int8(message.at), message.promises.encode(),
            message.reason.encode(),
        )  # fmt: skip

    async def message(self, subject: bytes, message: bytes) -> Message | None:
        return next(iter(_messages(await self._ask(sql.MESSAGE, subject, message))), None)

    async def messages_named(self, message: bytes) -> list[Message]:
        return _messages(await self._ask(sql.MESSAGES_NAMED, message))

    async def messages_of(self, subject: bytes) -> list[Message]:
        return _messages(await self._ask(sql.MESSAGES_OF, subject))

    async def messages(self, limit: int, before: int) -> list[Message]:
        return _messages(await self._ask(sql.MESSAGES, int8(limit), int8(before)))


def _messages(result: PGresult) -> list[Message]:
    found = rows(result, bytes, bytes, text, text, text, text, number, text, text)
    return [new(Message, row) for row in found]
