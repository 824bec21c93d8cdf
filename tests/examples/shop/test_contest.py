"""DAM-4: "A contest asks your name, address, telephone and e-mail, to run it and to tell the winners. Then the entries are
erased." A whole contest, from the shop's form to an empty database, with every attempt to break it.
"""

import json
import re
from pathlib import Path

import httpx
import pytest

from avow.doors.centre import make_centre
from avow.errors import CallError, Denied, Refused
from avow.ledger.draw import verify_draw
from avow.ledger.folder import files
from avow.ledger.verify import verify_log
from tests.examples.shop.beds import Bed, form, on_disk, shop

PEOPLE = 5
CHANNELS = ("mail", "post", "phone")
OFFERS = ("mailing-list", "marketing", "partner-offers", "order-status", "account", "answer", "service-issue")


def person(number: int) -> dict[str, str]:
    return {
        "name": f"Quentin Lanternfold{number}", "postal-address": f"{number} Farwater Reach",
        "phone": f"+44 20 7946 0{number:03}", "email": f"lanternfold{number}@quill.example",
    }  # fmt: skip


async def enter(bed: Bed, given: dict[str, str]) -> httpx.Response:
    page = (await bed.browser.get("/contest")).text
    return await bed.send(form(page, "/contest"), **given)


def entry_in(page: str) -> tuple[str, str]:
    """The name of an entry and the note, as a person finds them on the page."""
    name, note = re.findall(r"<code>([0-9a-f]{32})</code>", page), re.findall(r"<pre>(.*?)</pre>", page, re.DOTALL)
    return name[0], note[0]


async def reached(bed: Bed, who: str, purpose: str) -> list[str]:
    found = []
    for channel in CHANNELS:
        try:
            await bed.desk.shop.reach(who, channel, purpose=purpose)
        except Refused as refused:
            named = refused.promises
            assert purpose != "contest" or named == ("DAM-4",), named
        else:
            found.append(channel)
    return found


async def over(bed: Bed) -> None:
    """Broken: enter after the closing."""
    page = await bed.browser.get("/contest")
    assert ("Entering is over" in page.text, "<input" in page.text) == (True, False)
    assert (await bed.browser.post("/contest", data=person(7) | {"once": "x"})).status_code == 400
    with pytest.raises(Refused) as refused:
        await bed.desk.desk.collect("contest", person(7))
    assert refused.value.promises == ("DAM-4",)
    assert await bed.desk.shop.find("email", person(7)["email"]) == []


async def losers_are_left_alone(bed: Bed, people: list[str], winners: set[str]) -> None:
    """Broken: mail losers an offer, or anything; and winners an offer."""
    for who in people:
        for purpose in (*OFFERS, *(() if who in winners else ("contest",))):
            assert await reached(bed, who, purpose) == []


async def staff_tell_the_winners_and_nobody_else(bed: Bed) -> tuple[str, str]:
    """Broken: staff look winners up for something else; a colleague with other work does; it ends before they were told.

    Their session, and one of their tasks.
    """
    desk = bed.desk.desk
    staff, marketing = await bed.desk.staff("kim", "contest-desk"), await bed.desk.staff("max", "marketing")
    waiting = await desk.queue(staff)
    assert (len(waiting), await desk.queue(marketing)) == (2, [])
    with pytest.raises((Refused, CallError)):
        await desk.task(staff, waiting[0]["request"], "marketing")
    with pytest.raises(Refused):
        await desk.task(marketing, waiting[0]["request"], "contest")
    task = ""
    for one, channel in zip(waiting, ("phone", "post"), strict=True):
        with pytest.raises(CallError, match="no mail, letter or call"):
            await desk.contest_told("contest")
        task = (await desk.task(staff, one["request"], "contest"))["task"]
        assert (await desk.look(staff, task, ["name"]))["name"].startswith("Quentin")
        await desk.may_reach(staff, task, channel)
    return staff, task


async def nothing_is_left(bed: Bed, people: list[str], folder: Path) -> None:
    """Broken: keep entries after the end."""
    for number, who in enumerate(people):
        assert (await bed.desk.shop.export(who))["data"] == []
        assert await bed.desk.shop.find("email", person(number)["email"]) == []
        assert await reached(bed, who, "contest") == []
    disk = on_disk(folder)
    assert not [value for number in range(PEOPLE) for value in person(number).values() if value.encode() in disk]


async def test_a_contest_is_run_winners_are_told_losers_are_left_alone_and_nothing_is_kept(tmp_path: Path) -> None:
    """DAM-4."""
    async with shop(tmp_path, "daminion", over_a_socket=True) as bed:
        desk, avow = bed.desk.desk, bed.desk.shop
        entries = [entry_in((await enter(bed, person(number))).text) for number in range(PEOPLE)]
        people = [(await avow.find("email", person(number)["email"]))[0] for number in range(PEOPLE)]
        bed.desk.clock.forward(minutes=1)
        again = entry_in((await enter(bed, person(9) | {"email": person(0)["email"].upper()})).text)
        closed = await desk.contest_close("contest", 2)
        assert (closed["entries"], closed["aside"]) == (PEOPLE, 1)  # a second chance by the same address
        await over(bed)

        drawn = await desk.contest_draw("contest")
        names = {name: who for (name, _), who in zip(entries, people, strict=True)}
        await losers_are_left_alone(bed, people, {names[name] for name in drawn["won"]})
        session, task = await staff_tell_the_winners_and_nobody_else(bed)
        assert (await desk.contest_told("contest"))["phase"] == "ended"
        with pytest.raises((Denied, CallError, Refused)):
            await desk.look(session, task, ["name"])
        await nothing_is_left(bed, people, tmp_path)
        assert "<input" in (await bed.browser.get("/contest")).text  # the next one may be entered

        told = json.dumps(await desk.draw(drawn["contest"]))
        report = verify_draw(told, avow.verifier_key, [closed["checkpoint"]], [note for _, note in (*entries, again)])
        assert (report.claim, report.faults, report.early) == ("consistent with a checkpoint held outside", (), True)
        assert {name for name, _ in entries} == set(json.loads(told)["entries"])
        await avow.sequence_all()
        assert verify_log(files(avow.places.ledger), avow.verifier_key, [closed["checkpoint"]]).faults == ()


async def test_the_centre_shows_every_draw_with_the_file_to_check_it_by(tmp_path: Path) -> None:
    async with shop(tmp_path, "daminion") as bed:
        app = make_centre(bed.desk.desk, bed.policy, shop_url="https://shop.example")
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://privacy.example") as web:
            assert "No contest has closed yet" in (await web.get("/contests")).text
            for number in range(3):
                await enter(bed, person(number))
            moment = bed.desk.shop.now() + 60_000
            await bed.desk.desk.contest_close("contest", 1, moment)
            assert "Enter until" in (await web.get("/contests")).text
            bed.desk.clock.forward(minutes=2)
            await bed.desk.shop.upkeep.turn()
            drawn = await bed.desk.desk.contest_draw("contest")
            page = (await web.get("/contests")).text
            for shown in (drawn["won"][0], bed.desk.shop.verifier_key, "DAM-4", "Contest 1"):
                assert shown in page
            link = re.findall(r'href="(/contests/[0-9a-f]+)"', page)[0]
            answer = await web.get(link)
            assert answer.headers["content-disposition"] == 'attachment; filename="contest-1.json"'
            assert verify_draw(answer.text, bed.desk.shop.verifier_key).claim == "internally consistent"
            for nothing in ("/contests/none", "/contests/" + "00" * 16, "/contests/" + "x" * 2000):
                assert (await web.get(nothing)).status_code in (400, 404)


async def test_a_policy_without_a_contest_has_no_such_page(tmp_path: Path) -> None:
    async with shop(tmp_path, "aitoc") as bed:
        app = make_centre(bed.desk.desk, bed.policy, shop_url="https://shop.example")
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://privacy.example") as web:
            assert (await web.get("/contests")).status_code == 404
            assert "Contests" not in (await web.get("/policy")).text
