"""A newsletter through a vault that is killed, from the command line, to a real SMTP server; small."""

from typing import TYPE_CHECKING

from tests.serve.newsletters import run

PATIENCE = 20.0  # seconds, on a machine that does much beside; the campaign holds it to two

if TYPE_CHECKING:
    from tests.servers import PostgresServer


async def test_a_vault_killed_in_the_middle_sends_to_nobody_twice_and_leaves_nobody_out() -> None:
    found = await run(60, 7, soon_enough=PATIENCE)
    assert found["ok"], found
    assert "it has gone out to everybody" in found["said"]


async def test_the_same_on_postgres(postgres: "PostgresServer") -> None:
    found = await run(40, 11, postgres.new_database(), PATIENCE)
    assert found["ok"], found
