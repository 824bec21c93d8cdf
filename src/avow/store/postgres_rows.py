"""PostgreSQL: rows out of a binary result."""

from collections.abc import Callable
from typing import Any, Final

from psycopg.pq.abc import PGresult

Decoder = Callable[[bytes], Any]
text: Final = bytes.decode
new = tuple.__new__  # a NamedTuple out of a row, without the detour over `_make`


def number(value: bytes) -> int:
    """An integer of any width."""
    return int.from_bytes(value, "big", signed=True)


def rows(result: PGresult, *decoders: Decoder) -> list[tuple[Any, ...]]:
    """Every row, its columns by these decoders; None for NULL."""
    get = result.get_value
    columns = tuple(enumerate(decoders))
    return [
        tuple([None if (value := get(row, column)) is None else decode(value) for column, decode in columns])
        for row in range(result.ntuples)
    ]
