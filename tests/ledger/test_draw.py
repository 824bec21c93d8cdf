"""A draw can be checked by anybody, favours nobody, and shows every attempt to bend it."""

import json
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from functools import cache
from hashlib import sha256
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from avow.ledger import draw, tree
from avow.ledger.checkpoint import Checkpoint, Signer, sign
from avow.ledger.entry import Entry, encode
from avow.ledger.faults import Malformed
from avow.ledger.tree import leaf_hash, root_of
from tests.ledger import logs

SEED = bytes(range(32))
CONTEST = "c0" * 16
BEFORE = 5  # entries of the log before the closing
FIRST = 9  # entries when the checkpoint of the closing was given out
OTHER = Signer("log.example/other", b"o" * 32)
File = dict[str, Any]


def names(count: int, number: int = 1) -> list[bytes]:
    dice = Random(number)
    return sorted(draw.entry_id(dice.randbytes(16)) for _ in range(count))


def put(kind: str, at: int, commitment: bytes) -> bytes:
    chance = sha256(b"%d" % at).digest()
    return encode(
        Entry(chance[:16], at, kind, b"policy-of-16-bit", ("DAM-4",), "done", chance[16:], chance[:16], commitment)
    )


class Site:
    """Whoever holds the log's key, and makes a draw's file, honestly or not."""

    def __init__(self, signer: Signer = logs.SIGNER) -> None:
        self.signer = signer
        self.log = logs.entries(BEFORE)
        self.at = logs.START + 1_000_000

    def node(self, size: int) -> Callable[[int, int], bytes]:
        leaves = [leaf_hash(one) for one in self.log[:size]]
        return lambda level, number: root_of(leaves[number << level : (number + 1) << level])

    def root(self, size: int) -> bytes:
        return root_of([leaf_hash(one) for one in self.log[:size]])

    def note(self, size: int) -> str:
        return sign(Checkpoint(self.signer.key.name, size, self.root(size)), self.signer)

    def grow(self, count: int) -> None:
        for _ in range(count):
            self.at += 1
            self.log.append(put("use", self.at, bytes(32)))

    def drawn(self, entries: list[bytes], aside: list[bytes], count: int = 2, *, wait: int = draw.AFTER + 20) -> File:
        """The file of a whole draw."""
        statement = {
            "site": self.signer.key.name, "kind": "contest", "number": 1, "contest": CONTEST, "closed": self.at,
            "winners": count, "seed": draw.seed_hash(SEED).hex(), "entries": draw.listed(entries).hex(),
            "aside": draw.listed(aside).hex(),
        }  # fmt: skip
        index = len(self.log)
        self.log.append(put(draw.CLOSED, self.at + 1, draw.stated(statement)))
        self.grow(wait)
        size = draw.luck_size(index)
        root = self.root(size)
        won = draw.winners(SEED, root, entries, count)
        result = {
            "contest": CONTEST, "statement": draw.stated(statement).hex(), "size": size, "root": root.hex(),
            "seed": SEED.hex(), "winners": [one.hex() for one in won],
        }  # fmt: skip
        self.log.append(put(draw.DRAWN, self.at + 1, draw.resulted(result)))
        placed = len(self.log) - 1
        self.grow(3)
        return {
            "avow-draw": 1, "statement": statement, "entries": [one.hex() for one in entries],
            "aside": [one.hex() for one in aside], "result": result, "proof": self.proof(index, placed, size),
        }  # fmt: skip

    def proof(self, index: int, placed: int | None, size: int) -> File:
        whole = len(self.log)
        node = self.node(whole)

        def placing(at: int) -> File:
            return {"index": at, "entry": self.log[at].hex(), "path": hexed(tree.inclusion(at, whole, node))}

        return {
            "closed": placing(index), "drawn": None if placed is None else placing(placed),
            "root": [] if placed is None else hexed(tree.consistency(size, whole, node)),
            "first": {"checkpoint": self.note(FIRST), "path": hexed(tree.consistency(FIRST, whole, node))},
            "checkpoint": self.note(whole),
        }  # fmt: skip


def hexed(hashes: list[bytes]) -> list[str]:
    return [one.hex() for one in hashes]


@cache
def _sound() -> str:
    return json.dumps(Site().drawn(names(12)[:10], names(12)[10:]))


def sound() -> File:
    """A file with which all is well, the caller's own."""
    told: File = json.loads(_sound())
    return told


def check(told: File, held: tuple[str, ...] = (), entered: tuple[str, ...] = ()) -> draw.Drawn:
    return draw.verify_draw(json.dumps(told), logs.KEY, held, entered)


# -- what an honest draw is worth ---------------------------------------------------------------------------------------


def test_an_honest_draw_has_no_fault_and_says_how_much_can_be_claimed() -> None:
    told = sound()
    report = check(told)
    assert (report.claim, report.faults, report.early) == ("internally consistent", (), True)
    assert check(told, (told["proof"]["first"]["checkpoint"],)).claim == "consistent with a checkpoint held outside"
    assert check(told, (told["proof"]["checkpoint"],)).claim == "consistent with a checkpoint held outside"


def test_a_closing_is_checked_before_anything_is_drawn() -> None:
    site = Site()
    told = site.drawn(names(4), [])
    told |= {"result": None, "proof": site.proof(told["proof"]["closed"]["index"], None, 0)}
    report = check(told)
    assert (report.claim, report.result, report.entries) == ("internally consistent", None, 4)


def test_a_checkpoint_from_before_the_closing_claims_nothing_more() -> None:
    site = Site()
    early = site.note(BEFORE)
    told = site.drawn(names(4), [])
    told["proof"]["first"] = {
        "checkpoint": early,
        "path": hexed(tree.consistency(BEFORE, len(site.log), site.node(len(site.log)))),
    }
    assert [one.place for one in check(told).faults] == ["first"]


def test_a_list_that_was_given_out_only_after_the_luck_is_not_called_early() -> None:
    site = Site()
    told = site.drawn(names(4), [])
    told["proof"]["first"] = {"checkpoint": told["proof"]["checkpoint"], "path": []}
    report = check(told)
    assert (report.faults, report.early) == ((), False)


def test_with_fewer_entries_than_winners_everybody_wins() -> None:
    report = check(Site().drawn(names(2), [], 5))
    assert report.result is not None
    assert (report.faults, len(report.result["winners"])) == ((), 2)


# -- nobody is favoured -------------------------------------------------------------------------------------------------


def test_every_entry_wins_equally_often() -> None:
    """Chi-square over 5,000 draws of 3 out of 10: 9 degrees of freedom, 27.88 is passed once in a thousand by chance."""
    dice, entries, rounds, count = Random(4), names(10), 5_000, 3
    won = Counter(
        name for _ in range(rounds) for name in draw.winners(dice.randbytes(32), dice.randbytes(32), entries, count)
    )
    expected = rounds * count / len(entries)
    spread = sum((won[name] - expected) ** 2 / expected for name in entries) / (1 - count / len(entries)) * 0.9
    assert spread < 27.88


def test_a_draw_that_favours_somebody_fails_that_bound() -> None:
    dice, entries, rounds = Random(4), names(10), 20_000
    won = Counter(
        min(entries, key=lambda name: (sha256(chance + name).digest()[0] >> 2, name))
        for chance in (dice.randbytes(32) for _ in range(rounds))
    )
    expected = rounds / len(entries)
    assert sum((won[name] - expected) ** 2 / expected for name in entries) > 27.88


@given(some.sets(some.binary(min_size=16, max_size=16), max_size=40), some.integers(1, 50), some.randoms())
def test_winners_are_entries_none_twice_whatever_the_order_they_come_in(
    entries: set[bytes], count: int, dice: Random
) -> None:
    mixed = sorted(entries)
    dice.shuffle(mixed)
    won = draw.winners(SEED, bytes(32), mixed, count)
    assert won == draw.winners(SEED, bytes(32), sorted(entries), count)
    assert len(set(won)) == len(won) == min(count, len(entries))
    assert set(won) <= entries


# -- every attempt to bend it shows --------------------------------------------------------------------------------------

Bend = Callable[[File], object]


def drop_an_entry(told: File) -> None:
    del told["entries"][4]


def drop_a_winner_and_draw_anew(told: File) -> None:
    told["entries"].remove(told["result"]["winners"][0])
    redraw(told)


def redraw(told: File) -> None:
    result = told["result"]
    entries = [bytes.fromhex(name) for name in told["entries"]]
    won = draw.winners(
        bytes.fromhex(result["seed"]), bytes.fromhex(result["root"]), entries, told["statement"]["winners"]
    )
    result["winners"] = hexed(won)


def set_a_winner_aside(told: File) -> None:
    winner = told["result"]["winners"][0]
    told["entries"].remove(winner)
    told["aside"] = sorted([*told["aside"], winner])
    redraw(told)


def enter_late(told: File) -> None:
    told["entries"] = sorted([*told["entries"], "ee" * 16])
    redraw(told)


def enter_late_and_say_so(told: File) -> None:
    enter_late(told)
    told["statement"]["entries"] = draw.listed([bytes.fromhex(name) for name in told["entries"]]).hex()
    told["result"]["statement"] = draw.stated(told["statement"]).hex()


def enter_twice(told: File) -> None:
    told["entries"].insert(0, told["entries"][0])


def swap_the_seed(told: File) -> None:
    told["result"]["seed"] = "11" * 32
    redraw(told)


def swap_the_seed_and_its_hash(told: File) -> None:
    swap_the_seed(told)
    told["statement"]["seed"] = draw.seed_hash(bytes.fromhex("11" * 32)).hex()
    told["result"]["statement"] = draw.stated(told["statement"]).hex()


def swap_the_winners(told: File) -> None:
    told["result"]["winners"] = told["entries"][:2]


def turn_the_winners_round(told: File) -> None:
    told["result"]["winners"].reverse()


def more_winners(told: File) -> None:
    told["statement"]["winners"] += 1
    redraw(told)


def another_root(told: File) -> None:
    told["result"]["root"] = "22" * 32
    redraw(told)


def another_number(told: File) -> None:
    told["statement"]["number"] = 2


def an_older_result(told: File) -> None:
    told["proof"]["drawn"] = told["proof"]["closed"]


def another_contest(told: File) -> None:
    told["result"]["contest"] = "dd" * 16


@pytest.mark.parametrize(
    "bend",
    [
        drop_an_entry, drop_a_winner_and_draw_anew, set_a_winner_aside, enter_late, enter_late_and_say_so, enter_twice,
        swap_the_seed, swap_the_seed_and_its_hash, swap_the_winners, turn_the_winners_round, more_winners, another_root,
        another_number, an_older_result, another_contest,
    ],
)  # fmt: skip
def test_what_was_bent_afterwards_is_noticed(bend: Bend) -> None:
    told = sound()
    bend(told)
    report = check(told)
    assert report.claim is None
    assert report.faults


def test_the_luck_of_another_checkpoint_is_noticed_though_everything_else_fits() -> None:
    """Whoever holds the key makes the whole file anew with the root at a size that pleases them."""
    site = Site()
    told = site.drawn(names(6), [])
    size = told["result"]["size"] + 7
    root = site.root(size)
    result = told["result"] | {
        "size": size,
        "root": root.hex(),
        "winners": hexed(draw.winners(SEED, root, names(6), 2)),
    }
    site.log.append(put(draw.DRAWN, site.at + 1, draw.resulted(result)))
    told |= {"result": result, "proof": site.proof(told["proof"]["closed"]["index"], len(site.log) - 1, size)}
    assert [one.what for one in check(told).faults] == ["luck"]


def test_a_result_that_was_on_record_before_its_luck_is_noticed() -> None:
    site = Site()
    told = site.drawn(names(6), [])
    site.log.insert(BEFORE + 3, put(draw.DRAWN, site.at - 90, draw.resulted(told["result"])))
    told["proof"] = site.proof(BEFORE, BEFORE + 3, told["result"]["size"])
    assert "before its luck existed" in str(check(told).faults)


def test_a_whole_draw_made_anew_contradicts_the_checkpoint_that_an_entrant_kept() -> None:
    kept = sound()["proof"]["first"]["checkpoint"]
    forged = Site().drawn(names(12, number=2)[:10], [])
    assert check(forged).claim == "internally consistent"  # nothing in the file itself can show it
    report = check(forged, (kept,))
    assert (report.claim, [one.what for one in report.faults]) == (None, ["held"])


def test_a_checkpoint_of_a_size_that_the_file_does_not_prove_is_not_passed_over() -> None:
    with pytest.raises(Malformed, match="Verify the log itself"):
        check(sound(), (Site().note(3),))


def test_whoever_was_taken_in_and_is_left_out_shows_it_by_their_note() -> None:
    told = sound()
    text = draw.entry_text(logs.ORIGIN, "contest", 1, bytes.fromhex(told["entries"][0]), logs.START)
    mine = f"{text}\n{logs.SIGNER.sign(text)}"
    assert check(told, entered=(mine,)).claim == "internally consistent"
    lost = draw.entry_text(logs.ORIGIN, "contest", 1, draw.entry_id(bytes(16)), logs.START)
    report = check(told, entered=(mine, f"{lost}\n{logs.SIGNER.sign(lost)}"))
    assert [(one.what, one.place) for one in report.faults] == [("dropped", "entry 2 held outside")]


@pytest.mark.parametrize(
    ("number", "signer"), [(2, logs.SIGNER), (1, OTHER), (1, Signer(logs.ORIGIN, b"x" * 32))]
)  # fmt: skip
def test_a_note_of_another_contest_or_key_accuses_nobody(number: int, signer: Signer) -> None:
    text = draw.entry_text(logs.ORIGIN, "contest", number, draw.entry_id(bytes(16)), logs.START)
    with pytest.raises(Malformed):
        check(sound(), entered=(f"{text}\n{signer.sign(text)}",))


def test_a_file_of_another_log_is_not_believed() -> None:
    told = Site(OTHER).drawn(names(3), [])
    assert check(told).claim is None
    told = Site(Signer(logs.ORIGIN, b"x" * 32)).drawn(names(3), [])
    assert check(told).claim is None


def leaves(told: Any, way: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The ways to every plain value of a file."""
    if isinstance(told, dict | list):
        inside = told.items() if isinstance(told, dict) else enumerate(told)
        return [found for name, value in inside for found in leaves(value, (*way, name))]
    return [way]


@given(some.data())
def test_no_value_of_the_file_can_be_changed_unnoticed(data: some.DataObject) -> None:
    told = sound()
    way = data.draw(some.sampled_from(leaves(told)))
    inner: Any = told
    for step in way[:-1]:
        inner = inner[step]
    before = inner[way[-1]]
    if isinstance(before, int):
        changed: object = before + data.draw(some.integers(1, 300))
    else:
        at = data.draw(some.integers(0, len(before) - 1))
        letter = data.draw(some.sampled_from("0123456789abcdef").filter(lambda one: one != before[at]))
        changed = before[:at] + letter + before[at + 1 :]
    inner[way[-1]] = changed
    with suppress(Malformed):
        assert check(told).claim is None


@given(
    some.recursive(
        some.none() | some.booleans() | some.integers() | some.text(),
        lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner),
    ),
    some.sampled_from(leaves(json.loads(_sound()))),
)
def test_what_is_no_such_file_is_malformed_and_never_a_crash(junk: object, way: tuple[str | int, ...]) -> None:
    told = sound()
    inner: Any = told
    for step in way[:-1]:
        inner = inner[step]
    before = deepcopy(inner[way[-1]])
    inner[way[-1]] = junk
    with suppress(Malformed):
        assert check(told).claim is None or junk == before
    with pytest.raises(Malformed):
        draw.verify_draw(json.dumps(junk), logs.KEY)


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "{}", '{"avow-draw": 1}', '{"avow-draw": 2}', "9" * 10_000])
def test_text_that_is_no_file_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        draw.verify_draw(text, logs.KEY)
