"""The only SQL. `open_store` chooses the database by its URL; everybody else knows `interface` alone."""

from pathlib import Path
from typing import TYPE_CHECKING

from avow.errors import OperatorError

if TYPE_CHECKING:
    from avow.store.interface import Store

SQLITE = "sqlite:///"
POSTGRES = ("postgresql://", "postgres://")


async def open_store(url: str, site: str) -> "Store":
    """Open one site's store, make it if it is new, and bring its schema to the newest step.

    `sqlite:///shop.db` is a file beside the process, `sqlite:////srv/shop.db` one by its whole path;
    `postgresql://…` is anything libpq understands. Raises `SecondWriter`, `OperatorError`, or `Unavailable`.
    """
    if url.startswith(SQLITE):
        from avow.store.sqlite import open_sqlite  # noqa: PLC0415 - one database's driver is loaded, not both

        return open_sqlite(Path(url.removeprefix(SQLITE)), site)
    if url.startswith(POSTGRES):
        from avow.store.postgres import open_postgres  # noqa: PLC0415 - as above

        return await open_postgres(url, site)
    kind = url.partition(":")[0]
    raise OperatorError(f"no store is known for `{kind}:`; say `sqlite:///shop.db` or `postgresql://host/database`")
