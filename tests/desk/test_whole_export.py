"""AIT-18: all that is held. A datum is planted in every table of the store, and the export misses none; a table that the
export does not know fails this test.
"""

import re
import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from avow.store.interface import Message
from tests.desk.beds import PASSWORD, Bed, desk

SCHEMAS = Path(__file__).parents[2] / "src/avow/store/schema"
MAIL = "ada@quill.example"
PLANTED = "planted-7f3a"

# what of each table is in the export; where it is None, the words say why nothing personal is there
TABLES: Final[dict[str, tuple[str, Callable[[dict[str, Any]], object] | None]]] = {
    "subject": ("since when, and how they stand", lambda told: told["subject"] and told["since"] and told["standing"]),
    "datum": ("each value, with terms", lambda told: PLANTED in {one["value"] for one in told["data"]}),
    "consent": ("each, with its words", lambda told: any(PLANTED in one["words"] for one in told["consents"])),
    "request": ("each, with its deadline", lambda told: {"order", "rights-request"} <= {o["kind"] for o in told["requests"]}),
    "event": ("each, opened", lambda told: {"register", "use"} <= {one["action"] for one in told["events"]}),
    "credential": ("that there is one, and since when", lambda told: told["account"][0]["kind"] == "password"),
    "leaving": ("the moment, among how they stand", lambda told: any(o.startswith("leaving/") for o in told["standing"])),
    "message": ("each", lambda told: PLANTED in {one["sender"] for one in told["messages"]}),
    "suppression": ("by which address they are on the list", lambda told: told["do-not-contact"][0]["channel"] == "mail"),
    "lookup": ("a keyed hash of a value that is in the export itself", None),
    "trace": ("where PostgreSQL keeps what `event` has", lambda told: told["events"]),
    "leaf": ("entries of the log, which say nothing of anybody", None),
    "filed": ("an index of `event`", None),
    "site": ("names of sites", None),
    "log": ("the state of the log", None),
    "policy": ("versions of the policy", None),
    "migration": ("which versions of the tables there are", None),
    "note": ("of the site itself, never personal", None),
    "budget": ("what statistics may still tell, of no person", None),
    "release": ("statistics that went out, in which nobody is found", None),
}  # fmt: skip


def unknown(tables: Iterable[str]) -> set[str]:
    """Tables that the export says nothing of."""
    return set(tables) - TABLES.keys()


async def planted(bed: Bed) -> str:
    """Somebody of whom something stands in every table."""
    session = await bed.desk.register("registration", {"name": PLANTED, "email": MAIL}, password=PASSWORD)
    (who,) = await bed.shop.find("email", MAIL)
    choice = next(one["id"] for one in await bed.desk.choices(session) if not one["recipients"])
    await bed.desk.agree(session, choice, f"Yes, {PLANTED}")
    await bed.shop.ask(who, "rights-request/access/letter")
    await bed.shop.ask(who, "order")
    await bed.shop.use(who, "name", purpose="order")
    await bed.desk.opt_out(session, "mail")
    await bed.desk.erase(session)
    message = Message(bytes.fromhex(who), bytes(16), "mail", "order", PLANTED, "sent", bed.shop.now(), "", "")
    async with bed.shop._gate.store.transaction() as tx:
        await tx.put_message(message)
    return who


async def test_the_export_misses_no_table_of_the_store(tmp_path: Path) -> None:
    """AIT-18."""
    async with desk(tmp_path, "daminion") as bed:
        who = await planted(bed)
        await bed.shop.sequence_all()
        told = await bed.shop.export(who)
        with sqlite3.connect(tmp_path / "daminion.db") as file:
            here = {name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            here -= {name for name in here if name.startswith("sqlite_")}
            empty = {name for name in here & TABLES.keys() if not file.execute(f"SELECT 1 FROM {name}").fetchone()}
    assert unknown(here) == set()
    assert empty <= {"filed", "budget", "release"}
    assert [name for name, (_, holds) in TABLES.items() if holds is not None and not holds(told)] == []


def test_both_databases_have_the_tables_that_the_export_knows_and_a_new_one_is_noticed() -> None:
    for kind in ("sqlite", "postgres"):
        text = "\n".join(path.read_text() for path in sorted((SCHEMAS / kind).glob("*.sql")))
        tables = set(re.findall(r"CREATE TABLE (?:IF NOT EXISTS )?(\w+)", text))
        assert {"datum", "message"} <= tables
        assert unknown(tables) == set(), kind
    assert unknown({"datum", "diary"}) == {"diary"}
