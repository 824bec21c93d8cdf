"""Who came when is to be joined to who bought what, by somebody who has every file and every key.

What is on the side of the visits is read without knowing what it should be: every table of every SQLite file in their folder,
row by row, the operational log opened with its keys, and every line of every log. A row that counts `n` visits is `n` records
that nobody can tell apart. For each person the attacker takes the records whose time covers that of their order (the cell:
where the truth is, too, so nothing is lost by this), and chooses one, by what they have in common, in this order: words and
numbers that stand in both, an exact time that is nearest, the same place in the order of rows and in the order of people;
what is alike is drawn by lot.
"""

import json
import random
import re
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import apsw

from avow.store.visits import Addresses
from avow.visits import Counted, Files
from avow.visits.log import Log
from tests.linkage.world import HOUR, SITE, Person, World
from tests.visits.beds import policy

WEEK: Final = 7 * 24 * HOUR
_WORD: Final = re.compile(r"[A-Za-z0-9_-]{8,}")


@dataclass(frozen=True, slots=True)
class Record:
    """One visit, as far as the disk knows it. `kind`: where it stood; `place`: the how-manieth of its cell it is."""

    kind: str
    since: int
    until: int
    exact: int | None
    words: frozenset[str]
    place: int
    truth: str | None  # the address, where the record has one or a defect gave it one; None: one of a count


def records(world: World) -> list[Record]:
    """Everything that can be read about visits."""
    return [*_tables(world.folder / "visits"), *_log(world.folder / "visits"), *_lines(world)]


def _tables(folder: Path) -> Iterator[Record]:
    for path in sorted(folder.glob("*.db")):
        db = apsw.Connection(str(path), apsw.SQLITE_OPEN_READONLY)
        for (name,) in list(db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")):
            if name in {"about", "entries"}:
                continue
            columns = [row[1] for row in db.execute(f"PRAGMA table_info({name})")]
            for place, row in enumerate(db.execute(f"SELECT * FROM {name}")):
                told = dict(zip(columns, row, strict=True))
                for _ in range(next((int(told[name]) for name in ("visits", "visitors", "times") if name in told), 1)):
                    yield _record(f"{path.name}:{name}", told, place)
        db.close()


def _record(kind: str, told: dict[str, Any], place: int) -> Record:
    exact = next((value for name, value in told.items() if name == "at"), None)
    since = int(next(told[name] for name in ("since", "day", "hour", "at") if name in told))
    if "said" in told:
        kind += f" {', '.join(json.loads(told['said'])) or 'in all'}"
    width = told["hours"] * HOUR if "hours" in told else 24 * HOUR if "day" in told else HOUR
    words = frozenset(word for value in told.values() for word in _words(value))
    return Record(kind, since // HOUR * HOUR, since // HOUR * HOUR + width, exact, words, place, told.get("truth"))


def _words(value: object) -> set[str]:
    text = value.hex() if isinstance(value, bytes) else str(value)
    return set(_WORD.findall(text)) if not isinstance(value, int) else set()


def _log(folder: Path) -> Iterator[Record]:
    files = Files(folder, SITE)
    log = Log(Addresses.beside(files.addresses, SITE), files.keys, WEEK * 1000, random.randbytes)
    places = Counter[int]()
    for entry in log.entries(0 + WEEK * 1000):
        places[entry.since] += 1
        until = entry.since + entry.hours * HOUR
        words = frozenset({entry.address, entry.word})
        yield Record("operational log", entry.since, until, None, words, places[entry.since], entry.address)
    log.store.close()


def _lines(world: World) -> Iterator[Record]:
    """Lines of logs that name an address which came."""
    known = {address for hour in world.visitors.values() for address in hour}
    for path in sorted(world.folder.rglob("*.log")):
        for place, line in enumerate(path.read_text(errors="replace").splitlines()):
            for address in known & set(re.findall(r"\d+\.\d+\.\d+\.\d+", line)):
                yield Record(f"log {path.name}", 0, 1 << 60, None, frozenset(_WORD.findall(line)), place, address)


@dataclass(slots=True)
class Outcome:
    """Of one kind of record: how many choices were right, and how many would be by a uniform choice in the same cell."""

    hits: int
    chances: list[float]

    @property
    def expected(self) -> float:
        return sum(self.chances)

    @property
    def unlikely(self) -> float:
        """How likely as many hits or more are, if every choice is uniform: exactly (Poisson binomial)."""
        spread = [1.0]
        for chance in self.chances:
            spread = [
                (spread[n] if n < len(spread) else 0) * (1 - chance) + (spread[n - 1] if n else 0) * chance
                for n in range(len(spread) + 1)
            ]
        return min(1.0, sum(spread[self.hits :]))


def attack(world: World, seed: int) -> dict[str, Outcome]:
    """Choose for everybody, by every kind of record there is."""
    dice = random.Random(seed)
    rare = Counter(word for person in world.people for word in _all_words(person))
    outcomes: dict[str, Outcome] = {}
    found = records(world)
    for kind in sorted({one.kind for one in found}):
        of_kind = [one for one in found if one.kind == kind]
        outcome = Outcome(0, [])
        for person in world.people:
            cell = [one for one in of_kind if one.since <= person.at < one.until]
            if cell:
                chosen = _choose(person, cell, world.people, rare, dice)
                outcome.hits += _right(chosen, cell, person, dice)
                outcome.chances.append(_chance(cell, person))
        if outcome.chances:
            outcomes[kind] = outcome
    return outcomes


def _all_words(person: Person) -> set[str]:
    return {word for value in (person.export, *person.order) for word in _words(value)}


def _choose(
    person: Person, cell: Sequence[Record], people: Sequence[Person], rare: Counter[str], dice: random.Random
) -> Record:
    own = {word for word in _all_words(person) if rare[word] == 1}
    beside = sorted(one.at for one in people if cell[0].since <= one.at < cell[0].until)
    rank = (beside.index(person.at) + 0.5) / len(beside)
    most = max(one.place for one in cell) + 1
    least = min(one.place for one in cell)

    def likeness(one: Record) -> tuple[float, ...]:
        near = -abs(one.exact - person.at) if one.exact is not None else 0
        place = -abs((one.place - least + 0.5) / (most - least) - rank)
        return len(own & one.words), near, place, dice.random()

    return max(cell, key=likeness)


def _right(chosen: Record, cell: Sequence[Record], person: Person, dice: random.Random) -> bool:
    """Whether it is theirs. Of records that are a mere count, each is as likely to be, and a lot says which it is."""
    if chosen.truth is not None:
        return chosen.truth == person.address
    return dice.random() < 1 / len(cell)


def _chance(cell: Sequence[Record], person: Person) -> float:
    """Of a uniform choice among the records of the cell."""
    if any(one.truth is not None for one in cell):
        return sum(one.truth == person.address for one in cell) / len(cell)
    return 1 / len(cell)


def shared_bytes(world: World) -> set[bytes]:
    """The runs of 12 bytes, such as a number or a key may leave, that stand in files of both sides, in whatever form.

    Not counting what stands in the files of a site that nobody has visited, nor the site's name with whatever follows it.
    """
    visits, without = world.folder / "visits", world.folder / "nobody"
    Counted.open(policy(SITE), without, random=bytes, now=0).close()
    empty = {run for path in without.glob("*.db") for run in _runs(path.read_bytes())}
    ours = {run for path in visits.rglob("*") if path.is_file() for run in _runs(path.read_bytes())} - empty
    ours = {run for run in ours if SITE.encode() not in run}
    shutil.rmtree(without)
    others = (path for path in world.folder.rglob("*") if path.is_file() and visits not in path.parents)
    return {run for path in others if path.suffix != ".log" for run in _runs(path.read_bytes()) if run in ours}


def _runs(raw: bytes) -> Iterator[bytes]:
    """Those that are no plain words, and no mere structure of a file, which is full of zeros."""
    for at in range(len(raw) - 11):
        run = raw[at : at + 12]
        if (
            len(set(run)) >= 8
            and run.count(0) < 2
            and sum(byte < 32 or byte > 126 or 48 <= byte <= 57 for byte in run) >= 4
        ):
            yield run
