"""Bad input of every kind: a clear error of the right family, nothing stored, nothing lost, nothing served unprotected.

Two tables. `REFUSED_AT_THE_DOOR`: a site that serves is asked what cannot be meant. `REFUSED_TO_START`: a site's files
are not as they must be; it does not open, says what to do, and opens whole once that was done.
"""

import shutil
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from avow.app import Avow
from avow.errors import (
    AvowError,
    BadValue,
    CallError,
    KeyFault,
    OperatorError,
    PolicyError,
    RolledBack,
    SecondWriter,
    Tampered,
    Unavailable,
    UnknownWord,
)
from avow.policy.parse import parse
from tests.servers import PostgresServer
from tests.shops import ADA, BEA, POLICY, Clock, opened

ADDRESS = "13 Hidden Lane"  # what no message may say
CARD = "4111111111111111"
LONGEST = 64 * 1024


def says_what_to_do(error: BaseException, *values: str) -> None:
    """Lower case, no full stop, more than a few words, and nothing personal."""
    told = str(error)
    assert told[:1] == "`" or told[:1].islower() or told[:1].isdigit(), told
    assert not told.endswith("."), told
    assert len(told.split()) > 4, told
    for value in (*ADA.values(), *BEA.values(), ADDRESS, CARD, *values):
        assert value not in told


# -- a site that serves --------------------------------------------------------------------------------------------------

Ask = Callable[[Avow, str], Awaitable[object]]


def _collect(**given: Any) -> Ask:
    return lambda shop, _: shop.collect("order", BEA | given)


async def _staff(shop: Avow, _: str) -> object:
    return shop.staff("kim", role="king")


async def _naive(shop: Avow, _: str) -> object:
    shop._clock._clock = datetime.now
    try:
        return await shop.collect("order", BEA)
    finally:
        shop._clock._clock = Clock()


REFUSED_AT_THE_DOOR = {
    "unknown category in a form": (_collect(shoes="44"), UnknownWord),
    "unknown category in a use": (lambda shop, who: shop.use(who, "shoes", purpose="order"), UnknownWord),
    "unknown category in a look-up": (lambda shop, _: shop.find("shoes", "44"), UnknownWord),
    "unknown category in a correction": (lambda shop, who: shop.correct(who, "shoes", "44"), UnknownWord),
    "unknown purpose in a use": (lambda shop, who: shop.use(who, "name", purpose="gossip"), UnknownWord),
    "unknown purpose in a consent": (lambda shop, who: shop.agree(who, "gossip", words="yes"), UnknownWord),
    "unknown role": (_staff, UnknownWord),
    "unknown form": (lambda shop, _: shop.collect("survey", BEA), UnknownWord),
    "unknown recipient": (
        lambda shop, who: shop.disclose(who, ["name"], recipient="carrier", purpose="order"),
        UnknownWord,
    ),
    "unknown kind of recipient": (
        lambda shop, who: shop.disclose(who, ["name"], recipient="pirate:Flint", purpose="order"),
        UnknownWord,
    ),
    "unknown channel": (lambda shop, who: shop.reach(who, "pigeon", purpose="order"), UnknownWord),
    "unknown service request": (lambda shop, who: shop.ask(who, "favour"), UnknownWord),
    "unknown event": (lambda shop, _: shop.happened("doomsday"), UnknownWord),
    "an id that is none": (lambda shop, _: shop.use("ada", "name", purpose="order"), UnknownWord),
    "naive datetime": (_naive, CallError),
    "nothing given": (lambda shop, _: shop.collect("order", {}), CallError),
    "no category asked for": (lambda shop, who: shop.use_all(who, (), purpose="order"), CallError),
    "something missing": (lambda shop, _: shop.collect("order", {"name": "Bea"}), CallError),
    "a consent without words": (lambda shop, who: shop.agree(who, "news", words=" "), BadValue),
    "an empty value": (_collect(name=" "), BadValue),
    "no text": (_collect(name=7), BadValue),
    "a byte too long": (_collect(name="n" * (LONGEST + 1)), BadValue),
    "a byte too long in another writing": (_collect(name="é" * (LONGEST // 2) + "n"), BadValue),
    "a byte too long in a correction": (lambda shop, who: shop.correct(who, "name", "n" * (LONGEST + 1)), BadValue),
    "a card in a correction": (lambda shop, who: shop.correct(who, "name", f"visa {CARD} 12/27"), BadValue),
    **{
        f"a card as {layout!r}": (_collect(name=f"Bea, visa {layout} exp 12/27"), BadValue)
        for layout in (
            CARD, "4111 1111 1111 1111", "4111-1111-1111-1111", "4111.1111.1111.1111", "4111\u00a01111\u00a01111\u00a01111",
            "3782 822463 10005", "5555555555554444", "４１１１１１１１１１１１１１１１", "6011 1111 1111 1117",
        )
    },
    "a clock moved where it may not": (lambda shop, _: shop.move_clock(timedelta(days=1)), CallError),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED_AT_THE_DOOR)
async def test_what_cannot_be_meant_is_refused_and_nothing_is_stored_or_lost(tmp_path: Path, case: str) -> None:
    ask, family = REFUSED_AT_THE_DOOR[case]
    async with opened(tmp_path) as shop:
        who = await shop.collect("order", ADA)
        before = await shop._gate.store.size()
        with pytest.raises(family) as raised:
            await ask(shop, who)
        says_what_to_do(raised.value)
        assert (await shop._gate.store.size()).rows == before.rows
        assert await shop.use_all(who, tuple(ADA), purpose="order") == ADA
        assert await shop.inspect(who) == []


async def test_a_value_of_exactly_the_longest_length_is_taken(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        who = await shop.collect("order", ADA | {"name": "n" * LONGEST})
        assert await shop.use(who, "name", purpose="order") == "n" * LONGEST


# -- a site that does not start --------------------------------------------------------------------------------------------


@dataclass
class House:
    """A closed site with Ada in it, an older copy of its files, and how the next opening is to be tried."""

    folder: Path
    older: Path
    ada: str
    clock: Clock = field(default_factory=Clock)
    more: dict[str, Any] = field(default_factory=dict)
    stack: list[Any] = field(default_factory=list)

    @property
    def avow(self) -> Path:
        return self.folder / "avow"

    def back(self, *names: str) -> None:
        """These as they were in the older copy."""
        for name in names:
            path, older = self.folder / name, self.older / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()
            shutil.copytree(older, path) if older.is_dir() else shutil.copy2(older, path)


async def built(folder: Path) -> House:
    """Ada in the older copy; Bea came and went since."""
    here = folder / "here"
    here.mkdir()
    async with opened(here) as shop:
        ada = await shop.collect("order", ADA)
    shutil.copytree(here, folder / "older")
    async with opened(here) as shop:
        bea = await shop.collect("order", BEA)
        await shop.erase(bea)
    return House(here, folder / "older", ada)


def _another_house(house: House, *names: str) -> None:
    """The same names out of another site's folder, made with the same policy."""
    other = house.older.with_name("other")
    for name in names:
        path, source = house.folder / name, other / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.copytree(source, path) if source.is_dir() else shutil.copy2(source, path)


def malformed_policy(house: House) -> None:
    path = house.folder / "privacy.yaml"
    path.write_text(POLICY.replace("categories: [entry]", "categories: [entree]"))
    house.more["policy"] = path


def policy_that_is_no_yaml(house: House) -> None:
    path = house.folder / "privacy.yaml"
    path.write_text("avow: [1\n")
    house.more["policy"] = path


def policy_that_is_not_there(house: House) -> None:
    house.more["policy"] = house.folder / "nothing.yaml"


def missing_root_key(house: House) -> None:
    (house.avow / "root.key").unlink()


def wrong_root_key(house: House) -> None:
    _another_house(house, "avow/root.key")


def cut_off_root_key(house: House) -> None:
    path = house.avow / "root.key"
    path.write_bytes(path.read_bytes()[:40])


def root_key_open_to_all(house: House) -> None:
    (house.avow / "root.key").chmod(0o644)


def keystore_open_to_all(house: House) -> None:
    (house.avow / "keys").chmod(0o755)


def missing_keystore(house: House) -> None:
    shutil.rmtree(house.avow / "keys")


def missing_epoch_key(house: House) -> None:
    (house.avow / "keys" / "epoch-1.key").unlink()


def missing_journal(house: House) -> None:
    (house.avow / "keys.journal").unlink()


def keystore_of_another_database(house: House) -> None:
    _another_house(house, "avow/keys", "avow/keys.journal", "avow/root.key")


def ledger_of_another_database(house: House) -> None:
    _another_house(house, "avow/ledger")


def checkpoints_of_another_database(house: House) -> None:
    _another_house(house, "avow/checkpoints")


def missing_ledger(house: House) -> None:
    shutil.rmtree(house.avow / "ledger")


def missing_checkpoints(house: House) -> None:
    shutil.rmtree(house.avow / "checkpoints")


def rolled_back_database(house: House) -> None:
    house.back("shop.db")


def rolled_back_ledger(house: House) -> None:
    house.back("avow/ledger")


def rolled_back_keystore(house: House) -> None:
    house.back("avow/keys")


def rolled_back_journal(house: House) -> None:
    house.back("avow/keys.journal")


def rolled_back_database_ledger_and_checkpoint_beside_it(house: House) -> None:
    house.back("shop.db", "avow/ledger")


def new_database_with_an_old_keystore(house: House) -> None:
    (house.folder / "shop.db").unlink()


def database_of_something_else(house: House) -> None:
    path = house.folder / "shop.db"
    path.unlink()
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE customer (name)")
    db.close()


def database_that_is_none(house: House) -> None:
    (house.folder / "shop.db").write_bytes(b"no database, but long enough to be one " * 100)


def another_site(house: House) -> None:
    """The policy of another site in this one's place."""
    house.more["policy"] = parse(POLICY.replace("site: corner", "site: harbour"), "harbour")


def naive_clock(house: House) -> None:
    house.clock = Clock(Clock().now.replace(tzinfo=None))


def demo_of_what_was_none(house: House) -> None:
    house.more["demo"] = True


def a_file_in_the_way_of_the_ledger(house: House) -> None:
    shutil.rmtree(house.avow / "ledger")
    (house.avow / "ledger").write_text("in the way")


def a_file_in_the_way_of_the_keys(house: House) -> None:
    shutil.rmtree(house.avow / "keys")
    (house.avow / "keys").write_text("in the way")


def a_folder_that_is_not_there(house: House) -> None:
    house.more["url"] = f"sqlite:///{house.folder}/nowhere/shop.db"


def an_unknown_kind_of_database(house: House) -> None:
    house.more["url"] = "mongodb://localhost/shop"


def a_policy_in_the_database_changed(house: House) -> None:
    """What people agreed to under an older version is made wider behind the gate."""
    import apsw  # noqa: PLC0415 - this case's alone

    db = apsw.Connection(str(house.folder / "shop.db"))
    db.execute("UPDATE policy SET source = replace(source, 'for: [credit]', 'for: [credit, marketing]')")
    db.close()


REFUSED_TO_START: dict[Callable[[House], None], type[AvowError]] = {
    malformed_policy: PolicyError,
    policy_that_is_no_yaml: PolicyError,
    policy_that_is_not_there: OperatorError,
    missing_root_key: KeyFault,
    wrong_root_key: KeyFault,
    cut_off_root_key: KeyFault,
    root_key_open_to_all: KeyFault,
    keystore_open_to_all: KeyFault,
    missing_keystore: KeyFault,
    missing_epoch_key: KeyFault,
    missing_journal: RolledBack,
    keystore_of_another_database: KeyFault,
    ledger_of_another_database: OperatorError,
    checkpoints_of_another_database: Tampered,
    missing_ledger: RolledBack,
    missing_checkpoints: RolledBack,
    rolled_back_database: RolledBack,
    rolled_back_ledger: RolledBack,
    rolled_back_keystore: RolledBack,
    rolled_back_journal: RolledBack,
    rolled_back_database_ledger_and_checkpoint_beside_it: RolledBack,
    new_database_with_an_old_keystore: RolledBack,
    database_of_something_else: OperatorError,
    database_that_is_none: OperatorError,
    another_site: OperatorError,
    naive_clock: CallError,
    demo_of_what_was_none: CallError,
    a_file_in_the_way_of_the_ledger: OperatorError,
    a_file_in_the_way_of_the_keys: OperatorError,
    a_folder_that_is_not_there: OperatorError,
    an_unknown_kind_of_database: OperatorError,
    a_policy_in_the_database_changed: Tampered,
}


@pytest.mark.parametrize("break_it", REFUSED_TO_START, ids=lambda one: one.__name__)
async def test_a_site_that_is_not_as_it_must_be_does_not_start_and_opens_whole_once_mended(
    tmp_path: Path, break_it: Callable[[House], None]
) -> None:
    house = await built(tmp_path)
    (tmp_path / "other").mkdir()
    async with opened(tmp_path / "other") as shop:
        await shop.collect("order", BEA)
    shutil.copytree(house.folder, tmp_path / "whole")
    break_it(house)
    with pytest.raises(REFUSED_TO_START[break_it]) as raised:
        async with opened(house.folder, house.clock, **house.more):
            pass
    if not isinstance(raised.value, PolicyError):
        says_what_to_do(raised.value)
    shutil.rmtree(house.folder)
    shutil.copytree(tmp_path / "whole", house.folder)
    async with opened(house.folder) as shop:
        assert await shop.use_all(house.ada, tuple(ADA), purpose="order") == ADA
        assert [*await shop.inspect(house.ada), *await shop.census()] == []


async def test_a_second_writer_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        with pytest.raises(SecondWriter) as raised:
            async with opened(tmp_path):
                pass
        says_what_to_do(raised.value)
        who = await shop.collect("order", ADA)
        assert await shop.use(who, "name", purpose="order") == ADA["name"]


async def test_a_second_writer_on_postgresql_is_refused_by_the_keys(tmp_path: Path, postgres_url: str) -> None:
    async with opened(tmp_path, url=postgres_url) as shop:
        with pytest.raises(SecondWriter):
            async with opened(tmp_path, url=postgres_url):
                pass
        with pytest.raises(KeyFault):  # from another folder: the database names its keystore
            async with opened(tmp_path / "elsewhere", url=postgres_url):
                pass
        who = await shop.collect("order", ADA)
        assert await shop.use(who, "name", purpose="order") == ADA["name"]


async def test_a_server_that_goes_away_is_unavailable_and_nothing_is_lost(tmp_path: Path) -> None:
    with PostgresServer() as server:
        url = server.new_database()
        async with opened(tmp_path, url=url) as shop:
            who = await shop.collect("order", ADA)
            server.stop("immediate")
            with pytest.raises(Unavailable) as raised:
                await shop.collect("order", BEA)
            says_what_to_do(raised.value)
            with pytest.raises(Unavailable):
                await shop.use(who, "name", purpose="order")
            with pytest.raises(Unavailable):
                async with opened(tmp_path / "two", url=url):
                    pass
            server.start()
        async with opened(tmp_path, url=url) as shop:
            assert await shop.find("email", BEA["email"]) == []
            assert await shop.use_all(who, tuple(ADA), purpose="order") == ADA
