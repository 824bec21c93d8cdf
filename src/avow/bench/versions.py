"""Ratio 26: deciding about data that came under ten versions of the policy, against data that all came under one."""

from contextlib import AbstractAsyncContextManager
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Final

from avow.app import Avow
from avow.bench.ratio import MICROSECONDS, Measured, Scale, Side, faults, in_turn
from avow.bench.reads import orders
from avow.bench.shop import NEVER, PURPOSE, READ, gate_of, invented, move_in, policy
from avow.decide.facts import Circumstances
from avow.decide.request import Allow, Request
from avow.gate import Actor, Gate, Look
from avow.policy.model import Policy
from avow.policy.parse import parse
from avow.store.interface import Datum, Subject
from avow.store.terms import POLICY

LIVE: Final = 10
PEOPLE: Final = 1_000
_FIRST: Final = date(2026, 1, 1)
_DAY: Final = timedelta(days=1)
_Held = list[tuple[Look, Subject, list[Datum]]]


async def live(folder: Path, scale: Scale) -> Measured:
    """26: what the gate does between a row as it is read and a value that is opened: believe the row, and decide.

    Everybody agreed to news under the version that they came under, so that lines differ by version as data do.
    """
    count, rounds = max(LIVE, scale.of(PEOPLE)), scale.rounds * 20  # short ones: whatever else runs meets both
    turns = orders(count, rounds, scale.of(1_000))
    for versions in (1, LIVE):
        await _people(folder / str(versions), versions, count)
    async with _opened(folder / "1", _FIRST) as one, _opened(folder / str(LIVE), _FIRST + LIVE * _DAY) as ten:
        held = [await _held(gate_of(shop)) for shop in (one, ten)]
        found: tuple[list[int], list[int]] = [], []
        shops = zip((one, ten), held, found, strict=True)
        slow, fast = await in_turn(rounds, *(_side(gate_of(shop), of, turns, kept) for shop, of, kept in shops))
    came = [len({datum.terms[POLICY] for _, _, data in of for datum in data}) for of in held]
    asked = sum(map(len, turns))
    why = faults(
        [
            ("people", [len(of) for of in held], [count, count]),
            ("versions that data came under", came, [1, LIVE]),
            ("allowed", [sum(kept) for kept in found], [asked, asked]),
        ]
    )
    return Measured(slow * 1e6, fast * 1e6, rounds, not why, MICROSECONDS, why)


def _version(number: int) -> Policy:
    day = _FIRST + number * _DAY
    return parse(policy().source.replace(f"version: {_FIRST}", f"version: {day}"), f"version {number}")


def _opened(folder: Path, day: date) -> AbstractAsyncContextManager[Avow]:
    """The site of this folder, at noon of a day."""
    folder.mkdir(exist_ok=True)
    noon = datetime.combine(day, time(12), UTC)
    return Avow.open(
        _version(0), f"sqlite:///{folder}/ours.db", folder=folder / "avow", clock=lambda: noon, sequence_every=NEVER
    )


async def _people(folder: Path, versions: int, count: int) -> None:
    """People who come under one version after the other, as many under each."""
    for number in range(versions):
        async with _opened(folder, _FIRST + number * _DAY) as shop:
            share = range(count)[number::versions]
            for one in await move_in(shop, [invented(n, 1)[0] for n in share]):
                await shop.agree(one.who, "news", words="Yes, send me news")
            if number + 1 < versions:
                await shop.publishing.publish(_version(number + 1), shop.publishing.versions()[-1].digest)


async def _held(gate: Gate) -> _Held:
    ask, actor = Request("use", "fulfilment", PURPOSE, (READ,)), Actor("fulfilment", "kim", standing=True)
    here, after = Circumstances(standing=True), b""
    out: _Held = []
    while True:
        async with gate.store.transaction() as tx:
            page = await tx.everybody(READ, after, 100)
        if not page:
            return out
        out += [(Look(row.subject, ask, actor, here), row, data) for row, data in page]
        after = page[-1][0].subject


def _side(gate: Gate, held: _Held, turns: list[list[int]], found: list[int]) -> Side:
    async def side(number: int) -> int:
        allowed = 0
        for n in turns[number]:
            look, row, data = held[n]
            at = gate.now()
            _, line = gate.standing(row, at)
            allowed += isinstance(gate.answer(look, line, data, at), Allow)
        found.append(allowed)
        return len(turns[number])

    return side
