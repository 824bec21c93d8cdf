"""DAM-4: a contest asks name, address, telephone and e-mail, to run it and to tell the winners; then entries are erased."""

import asyncio
import json
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from avow.app import Avow
from avow.errors import CallError, NotHeld, Refused, Tampered, Unavailable, UnknownWord
from avow.ledger.draw import Drawn, verify_draw
from avow.policy.parse import read
from avow.practices.entering import Entering
from tests.shops import Clock, opened

DAMINION = read(Path(__file__).parents[2] / "policies" / "daminion.yaml")


def site(folder: Path, clock: Clock | None = None, **more: Any) -> AbstractAsyncContextManager[Avow]:
    return opened(folder, clock, policy=DAMINION, private="attested", sequence_every=Clock.NEVER, **more)


def person(number: int) -> dict[str, str]:
    return {
        "name": f"Person Number{number}", "postal-address": f"{number} Lantern Lane",
        "phone": f"+44 20 7946 0{number:03}", "email": f"person{number}@quillfeather.example",
    }  # fmt: skip


async def entered(shop: Avow, count: int) -> list[str]:
    return [await shop.collect("contest", person(number)) for number in range(count)]


async def request_of(shop: Avow, who: str) -> bytes:
    (one,) = await shop.queue.of(bytes.fromhex(who))
    return one.row


async def name_of(shop: Avow, who: str) -> str:
    told = await shop.contests.entered(await request_of(shop, who))
    assert told is not None
    return str(told["entry"])


async def checked(shop: Avow, contest: str, held: tuple[str, ...] = (), notes: tuple[str, ...] = ()) -> Drawn:
    return verify_draw(json.dumps(await shop.contests.proof(contest)), shop.verifier_key, held, notes)


async def permitted(shop: Avow, who: str, purpose: str = "contest") -> list[str]:
    """The channels by which the site may reach a person."""
    out = []
    for channel in ("mail", "post", "phone"):
        try:
            await shop.reach(who, channel, purpose=purpose)
            out.append(channel)
        except Refused as refused:
            named = refused.promises
        else:
            continue
        assert purpose != "contest" or "DAM-4" in named
    return out


async def test_entries_are_drawn_from_winners_told_and_everything_erased_and_no_loser_is_ever_mailed(
    tmp_path: Path,
) -> None:
    """DAM-4."""
    clock = Clock()
    async with site(tmp_path, clock) as shop:
        people = await entered(shop, 6)
        names = {await name_of(shop, who): who for who in people}
        closed = await shop.contests.close("contest", 2)
        clock.forward(days=1)
        drawn = await shop.contests.draw("contest")
        winners = [names[name] for name in drawn["won"]]
        assert len(winners) == 2
        for who in people:  # broken: mail losers an offer
            expected = ["mail", "post", "phone"] if who in winners else []
            assert await permitted(shop, who) == expected
            for offer in ("mailing-list", "marketing", "partner-offers", "order-status"):
                assert await permitted(shop, who, offer) == []
        ended = await shop.contests.told("contest")
        assert ended["phase"] == "ended"
        for who in people:  # broken: keep entries after the end
            assert (await shop.export(who))["data"] == []
            assert await permitted(shop, who) == []
            with pytest.raises(Refused):
                await shop.use(who, "email", purpose="contest")
        assert await shop.find("email", person(0)["email"]) == []
        report = await checked(shop, drawn["contest"], (closed["checkpoint"],))
        assert (report.claim, report.faults, report.early) == ("consistent with a checkpoint held outside", (), True)
        assert await shop.census() == []
        for who in people:
            assert await shop.inspect(who) == []


async def test_the_file_that_anybody_gets_has_nothing_of_anybody(tmp_path: Path) -> None:
    async with site(tmp_path) as shop:
        people = await entered(shop, 3)
        rows = [(await request_of(shop, who)).hex() for who in people]
        await shop.contests.close("contest", 1)
        drawn = await shop.contests.draw("contest")
        told = json.dumps([await shop.contests.proof(drawn["contest"]), await shop.contests.known()])
        for number, who in enumerate(people):
            assert not [value for value in (*person(number).values(), who, rows[number]) if value in told]


async def test_the_same_contact_again_is_no_second_chance_however_it_is_spelled(tmp_path: Path) -> None:
    clock = Clock()
    async with site(tmp_path, clock) as shop:
        first, *_ = await entered(shop, 2)
        clock.forward(seconds=1)
        again = await shop.collect("contest", person(7) | {"email": "PERSON0@quillfeather.example "})
        await shop.collect("contest", person(0), who=first)
        closed = await shop.contests.close("contest", 5)
        assert (closed["entries"], closed["aside"]) == (2, 2)
        assert await permitted(shop, again) == []
        assert await permitted(shop, first) != []
        assert len((await shop.contests.draw("contest"))["won"]) == 2
        await shop.contests.told("contest", anyway=True)
        assert (await shop.export(again))["data"] == []


async def test_nobody_enters_after_the_closing_in_any_way(tmp_path: Path) -> None:
    async with site(tmp_path) as shop:
        who, _ = await entered(shop, 2)
        await shop.contests.close("contest", 1)
        with pytest.raises(Refused, match="DAM-4"):
            await shop.collect("contest", person(8))
        with pytest.raises(Refused, match="DAM-4"):
            await shop.collect("contest", person(8), who=who)
        with pytest.raises(Refused, match="DAM-4"):
            await shop.ask(who, "contest")
        assert (await shop.seen(who))[-1]["outcome"] == "refused"
        with pytest.raises(UnknownWord):
            await shop.ask(who, "contest/access/letter")
        await shop.collect("contact", {"email": "c@quillfeather.example", "message": "may I still enter?"})
    async with site(tmp_path) as shop:
        with pytest.raises(Refused, match="DAM-4"):
            await shop.collect("contest", person(8))


async def test_a_contest_closes_by_itself_at_the_moment_that_was_stated(tmp_path: Path) -> None:
    clock = Clock()
    async with site(tmp_path, clock) as shop:
        await entered(shop, 2)
        moment = shop.now() + 3_600_000
        assert (await shop.contests.close("contest", 1, moment))["phase"] == "announced"
        with pytest.raises(CallError, match="announced"):
            await shop.contests.close("contest", 1)
        clock.forward(hours=1)
        await shop.collect("contest", person(5))
    async with site(tmp_path, clock) as shop:
        await shop.collect("contest", person(6))
        clock.forward(milliseconds=1)
        with pytest.raises(Refused, match="closed"):
            await shop.collect("contest", person(7))
        await shop.upkeep.turn()
        told = await shop.contests.show("contest")
        assert (told["phase"], told["entries"], told["closes"]) == ("closed", 4, moment)


async def test_an_announced_contest_that_nobody_entered_ends_and_the_next_has_its_number(tmp_path: Path) -> None:
    clock = Clock()
    async with site(tmp_path, clock) as shop:
        await shop.contests.close("contest", 1, shop.now() + 1000)
        clock.forward(seconds=2)
        await shop.upkeep.turn()
        assert shop.upkeep.failing == 0
        await entered(shop, 1)
        assert (await shop.contests.close("contest", 1))["number"] == 1


async def test_closing_waits_for_who_is_entering_and_lets_nobody_follow() -> None:
    entering = Entering(DAMINION)
    with entering.inside((None, "contest")):
        closing = asyncio.create_task(entering.shut("contest"))
        await asyncio.sleep(0)
        with entering.inside(("contest",)):  # whoever comes now is refused inside
            assert entering.over("contest", 0) is not None
        await asyncio.sleep(0.01)
        assert not closing.done()
    await asyncio.wait_for(closing, 1)


async def test_everybody_who_enters_while_it_closes_is_in_it_or_refused(tmp_path: Path) -> None:
    async with site(tmp_path) as shop:
        await entered(shop, 1)
        others = [asyncio.create_task(shop.collect("contest", person(number))) for number in range(1, 30)]
        await asyncio.sleep(0.01)
        closed = await shop.contests.close("contest", 1)
        came = await asyncio.gather(*others, return_exceptions=True)
        taken = [one for one in came if isinstance(one, str)]
        assert closed["entries"] == 1 + len(taken)
        assert all(isinstance(one, str | Refused) for one in came)


async def test_whoever_enters_gets_a_note_and_finds_their_entry_in_the_draw(tmp_path: Path) -> None:
    async with site(tmp_path) as shop:
        who, _ = await entered(shop, 2)
        told = await shop.contests.entered(await request_of(shop, who))
        assert told is not None
        closed = await shop.contests.close("contest", 1)
        file = await shop.contests.proof(closed["contest"])
        assert told["entry"] in file["entries"]
        report = await checked(shop, closed["contest"], notes=(str(told["note"]),))
        assert (report.claim, report.result) == ("internally consistent", None)
        question = await shop.collect("contact", {"email": "c@quillfeather.example", "message": "hello there"})
        assert await shop.contests.entered(await request_of(shop, question)) is None
        assert await shop.contests.entered(bytes(16)) is None


async def test_winners_must_be_on_record_as_reached_before_it_ends(tmp_path: Path) -> None:
    async with site(tmp_path) as shop:
        people = await entered(shop, 3)
        names = {await name_of(shop, who): who for who in people}
        await shop.contests.close("contest", 2)
        first, second = (names[name] for name in (await shop.contests.draw("contest"))["won"])
        with pytest.raises(CallError, match="2 of the winners"):
            await shop.contests.told("contest")
        await shop.use(first, "phone", purpose="contest")  # a look at the number is no call
        with pytest.raises(CallError, match="2 of the winners"):
            await shop.contests.told("contest")
        await shop.reach(first, "phone", purpose="contest")
        await shop.erase(second)  # who has gone need not be told
        assert (await shop.contests.told("contest"))["phase"] == "ended"


async def test_a_winner_who_has_gone_is_not_drawn_anew(tmp_path: Path) -> None:
    async with site(tmp_path) as shop:
        people = await entered(shop, 3)
        closed = await shop.contests.close("contest", 3)
        await shop.erase(people[0])
        assert len((await shop.contests.draw("contest"))["won"]) == 3
        assert (await checked(shop, closed["contest"])).faults == ()
        told = await shop.contests.show("contest")
        assert len(told["requests"]) == 2


async def test_drawing_again_changes_nothing(tmp_path: Path) -> None:
    async with site(tmp_path) as shop:
        await entered(shop, 5)
        await shop.contests.close("contest", 1)
        first = await shop.contests.draw("contest")
        size = shop.log.size
        assert await shop.contests.draw("contest") == first
        assert shop.log.size == size


async def test_a_draw_that_is_not_in_the_log_yet_has_no_file_and_is_no_tampering(tmp_path: Path) -> None:
    async with site(tmp_path) as shop:
        await entered(shop, 2)
        closed = await shop.contests.close("contest", 1)
        state = await shop.contests._book.kept(closed["contest"])
        drawn = await shop.contests._draw(state)
        with pytest.raises(NotHeld, match="in a second"):
            await shop.contests.proof(closed["contest"])
        await shop.sequence_all()
        assert (await shop.contests.proof(closed["contest"]))["result"] == drawn["result"]


async def test_steps_come_in_their_order(tmp_path: Path) -> None:
    async with site(tmp_path) as shop:
        for step in (shop.contests.draw, shop.contests.told):
            with pytest.raises(CallError, match="is open"):
                await step("contest")
        with pytest.raises(CallError, match="nobody has entered"):
            await shop.contests.close("contest", 1)
        await entered(shop, 1)
        for wrong in (0, -1, 1_000_001):
            with pytest.raises(CallError, match="winners"):
                await shop.contests.close("contest", wrong)
        closed = await shop.contests.close("contest", 1)
        with pytest.raises(CallError, match="closed already"):
            await shop.contests.close("contest", 1)
        with pytest.raises(CallError, match="must be drawn"):
            await shop.contests.told("contest")
        with pytest.raises(NotHeld):
            await shop.contests.proof("00" * 16)
        for no_contest in ("order", "ada@quill.example"):
            with pytest.raises(UnknownWord) as told:
                await shop.contests.show(no_contest)
            assert "ada" not in str(told.value)
        assert (await shop.contests.proof(closed["contest"]))["result"] is None


async def test_the_next_contest_has_its_own_number_and_none_of_the_old_entries(tmp_path: Path) -> None:
    async with site(tmp_path) as shop:
        (before,) = await entered(shop, 1)
        old = await shop.contests.entered(await request_of(shop, before))
        await shop.contests.close("contest", 1)
        first = await shop.contests.draw("contest")
        await shop.contests.told("contest", anyway=True)
        assert old is not None
        await entered(shop, 2)
        assert (await shop.contests.show("contest")) == {"kind": "contest", "phase": "open", "entered": 2}
        second = await shop.contests.close("contest", 1)
        assert (first["number"], second["number"], second["entries"]) == (1, 2, 2)
        assert [one["number"] for one in await shop.contests.known()] == [2, 1]
        assert (await checked(shop, first["contest"])).faults == ()


async def test_nobody_is_entered_by_an_import(tmp_path: Path) -> None:
    """DAM-4: what an import brought would wait for the next end."""
    async with site(tmp_path) as shop:
        done = await shop.bring([(1, person(1))], form="contest", source="an old list")
        assert (done.people, len(done.faults)) == (0, 1)


async def alter(shop: Avow, contest: str, change: dict[str, Any]) -> None:
    async with shop._gate.store.transaction() as tx:
        state = json.loads(await tx.note(f"contest/{contest}") or "")
        await tx.set_note(f"contest/{contest}", json.dumps(state | change))


@pytest.mark.parametrize("way", ["entries", "statement"])
async def test_a_list_that_was_changed_in_the_database_is_not_drawn_from(tmp_path: Path, way: str) -> None:
    async with site(tmp_path) as shop:
        await entered(shop, 3)
        closed = await shop.contests.close("contest", 1)
        file = await shop.contests.proof(closed["contest"])
        change = (
            {"entries": file["entries"][1:]} if way == "entries" else {"statement": file["statement"] | {"winners": 3}}
        )
        await alter(shop, closed["contest"], change)
        with pytest.raises(Tampered, match="changed since it closed"):
            await shop.contests.draw("contest")
        assert (await checked(shop, closed["contest"])).claim is None


async def test_a_closing_whose_outcome_is_unknown_keeps_the_door_shut_until_it_is_known(tmp_path: Path) -> None:
    async with site(tmp_path) as shop:
        await entered(shop, 2)
        save = shop.contests._book.save

        async def lost(*_: object) -> None:
            raise Unavailable("the outcome is unknown")

        shop.contests._book.save = lost  # type: ignore[method-assign, assignment]  # a database that goes away
        with pytest.raises(Unavailable):
            await shop.contests.close("contest", 1)
        with pytest.raises(Refused):
            await shop.collect("contest", person(5))
        shop.contests._book.save = save  # type: ignore[method-assign]
        await shop.upkeep.turn()
        await shop.collect("contest", person(5))
        assert (await shop.contests.close("contest", 1))["entries"] == 3


async def test_a_restored_backup_from_before_the_end_brings_no_entry_back(tmp_path: Path) -> None:
    """DAM-4: keep entries after the end, by a backup."""
    url = f"sqlite:///{tmp_path}/shop.db"
    async with site(tmp_path, url=url) as shop:
        people = await entered(shop, 3)
        await shop.contests.close("contest", 1)
        drawn = await shop.contests.draw("contest")
        await shop.backup(tmp_path / "backup")
        await shop.contests.told("contest", anyway=True)
    await Avow.restore(DAMINION, url, tmp_path / "backup", folder=tmp_path / "avow", clock=Clock(), private="attested")
    async with site(tmp_path, url=url) as shop:
        for who in people:
            assert (await shop.export(who))["data"] == []
            assert await permitted(shop, who) == []
        assert (await shop.contests.told("contest"))["phase"] == "ended"
        assert (await checked(shop, drawn["contest"])).faults == ()
