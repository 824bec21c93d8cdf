"""Erase some of many people, then look for them in every byte: database, WAL, keystore, ledger, logs, backups.

Every value of everybody begins with one marker, so that a value of anybody in the clear is found in one pass, in any
of the writings that `avow.residue` knows. Of the erased, their keys (as they were in memory) and the wraps of these
keys (as they lay in the keystore) are looked for, too; the value must not be readable by whoever has all the files
and the root key. The others must be there, whole.
"""

import random
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import mkdtemp

from avow.app import Avow
from avow.demo.terminal import logged
from avow.errors import AvowError, KeyGone, Refused
from avow.gate import Actor
from avow.practices.collecting import Submission
from avow.residue import scan
from avow.rows import unpack
from tests.shops import Clock, opened

MARK = "Qanaryx"
Plant = Callable[[Avow, Path], None]


def given(number: int) -> dict[str, str]:
    """What person `number` gives; every value begins with the marker."""
    return {
        "name": f"{MARK} Person {number:06}",
        "email": f"{MARK}{number:06}@residue.example",
        "postal-address": f"{MARK} Street {number}",
    }


async def run(count: int, seed: int, people: int = 0, plant: Plant | None = None) -> dict[str, object]:
    """Erase `count` of `people` (ten times as many, if not said); figures, with `ok`."""
    people = people or 10 * count
    dice = random.Random(seed)
    folder = Path(mkdtemp(prefix="avow-residue-"))
    try:
        with logged(folder / "everything.log"):
            return await _run(folder, people, dice.sample(range(people), count), plant)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _run(folder: Path, people: int, chosen: list[int], plant: Plant | None) -> dict[str, object]:
    clock = Clock()
    wrong: list[str] = []
    async with opened(folder, clock) as shop:
        ids = await _collect(shop, people)
        doomed = {ids[number] for number in chosen}
        needles = await keys_of(shop, doomed)
        await shop.backup(folder / "backup")
        if plant:
            plant(shop, folder)
        for who in doomed:
            await shop.erase(who)
        await shop.sweep()
        wrong += _scan(folder, needles, "while serving")
        wrong += await _people(shop, ids, doomed, "after erasing")
    wrong += _scan(folder, needles, "at rest")
    url = f"sqlite:///{folder}/shop.db"
    await Avow.restore(shop.policy, url, folder / "backup", clock=clock, folder=folder / "avow")
    wrong += _scan(folder, needles, "after restoring an older backup")
    async with opened(folder, clock) as shop:
        wrong += await _people(shop, ids, doomed, "after restoring an older backup")
        wrong += await shop.census()
    _, size = scan(folder, {})
    return {
        "people": people, "erased": len(doomed), "bytes": size, "found": len(wrong), "wrong": wrong[:20],
        "ok": not wrong,
    }  # fmt: skip


async def _collect(shop: Avow, people: int) -> list[str]:
    ids: list[str] = []
    for start in range(0, people, 100):
        batch = [
            Submission("order", given(number), Actor("person", "person"))
            for number in range(start, min(start + 100, people))
        ]
        ids += [subject.hex() for subject in await shop._collecting.collect(batch)]
    return ids


async def keys_of(shop: Avow, doomed: Iterable[str]) -> dict[str, bytes]:
    """The secret and the wrap of every key of the doomed, labelled; what must be nowhere afterwards."""
    needles: dict[str, bytes] = {}
    async with shop._gate.store.transaction() as tx:
        for row in await tx.subjects(sorted(bytes.fromhex(who) for who in doomed)):
            assert row is not None
            for key_id in unpack(row.keys).values():
                needles[f"key {key_id.hex()}"] = shop.keystore.get(key_id, shop._gate.now())._secret
                wrap = shop.keystore._wraps.get(key_id)
                assert wrap is not None
                needles[f"wrap {key_id.hex()}"] = wrap
    return needles


def _scan(folder: Path, needles: dict[str, bytes], when: str) -> list[str]:
    """Values in any writing, by their marker; keys and wraps as bytes and in hexadecimal."""
    found, _ = scan(folder, {"value": MARK.encode()})
    exact, _ = scan(folder, needles, writings=lambda value: iter((value, value.hex().encode())))
    return [f"{when}: a {one.label.split()[0]} is in {one.file.name}" for one in (*found, *exact)]


async def _people(shop: Avow, ids: list[str], doomed: set[str], when: str) -> list[str]:
    """The erased are refused and unfindable, and no key of theirs opens; everybody else is whole."""
    wrong = []
    for number, who in enumerate(ids):
        expected = given(number)
        if who not in doomed:
            try:
                if await shop.use_all(who, tuple(expected), purpose="order") != expected:
                    wrong.append(f"{when}: a person who was not erased has other values")
            except AvowError as error:
                wrong.append(f"{when}: a person who was not erased is unreadable: {error}")
            continue
        try:
            await shop.use_all(who, tuple(expected), purpose="order")
            wrong.append(f"{when}: an erased person is readable")
        except Refused:
            pass
        if await shop.find("email", expected["email"]):
            wrong.append(f"{when}: an erased person is found by a look-up")
        wrong += [f"{when}: {one}" for one in await _openable(shop, bytes.fromhex(who))]
    return wrong


async def _openable(shop: Avow, subject: bytes) -> list[str]:
    """Try to open whatever sealed data are left of an erased person, as a thief with every key would."""
    async with shop._gate.store.transaction() as tx:
        left = await tx.held(subject)
    wrong = []
    for datum in left:
        try:
            shop._gate.open(datum, shop._gate.now())
            wrong.append("a value of an erased person opens")
        except KeyGone:
            pass
    return wrong
