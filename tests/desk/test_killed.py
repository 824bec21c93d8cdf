"""What the desk had begun when its process was killed is settled before the next one serves."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from avow.errors import Refused
from tests.desk.beds import desk
from tests.desk.dying import MAIL, NEW


def killed(folder: Path, moment: str) -> None:
    """A process that was killed at this moment."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.desk.dying", str(folder), moment], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "open\n"
        child.send_signal(signal.SIGKILL)


async def test_a_request_left_open_by_a_kill_while_a_code_was_sent_is_closed_at_the_start_and_no_other_is(
    tmp_path: Path,
) -> None:
    killed(tmp_path, "code")
    async with desk(tmp_path, "daminion") as bed:
        (who,) = await bed.shop.find("email", MAIL)
        asked = {one["kind"]: one["closed"] is None for one in (await bed.shop.export(who))["requests"]}
        assert asked == {"question": True, "rights-request": False}
        assert "request/rights-request" not in (await bed.shop.standing(who))[0]
        wish = await bed.shop.ask(who, "rights-request")  # of the person's own
    async with desk(tmp_path, "daminion") as bed:
        assert wish in [one.row.hex() for one in await bed.shop.queue.of(bytes.fromhex(who))]


@pytest.mark.parametrize("moment", ["untold", "telling", "form"])
async def test_a_change_that_nobody_was_told_of_is_told_to_every_address_at_the_start_and_once(
    tmp_path: Path, moment: str
) -> None:
    killed(tmp_path, moment)
    async with desk(tmp_path, "daminion") as bed:
        (who,) = await bed.shop.find("email", NEW)
        assert "request/rights-request" in (await bed.shop.standing(who))[0]  # by which the next start knows
        assert await bed.desk.resume() == 1
        assert sorted(one.to for one in bed.sent) == sorted((MAIL, NEW))
        assert "request/rights-request" not in (await bed.shop.standing(who))[0]
        assert await bed.desk.resume() == 0
    async with desk(tmp_path, "daminion") as bed:
        assert await bed.desk.resume() == 0
        assert bed.sent == []
        with pytest.raises(Refused):  # on hold all the while
            await bed.shop.export(who, by=bed.shop.person(who, bed.shop.now()))


async def test_the_link_of_such_a_notice_calls_the_change_off(tmp_path: Path) -> None:
    killed(tmp_path, "untold")
    async with desk(tmp_path, "daminion") as bed:
        await bed.desk.resume()
        text = next(one.text for one in bed.sent if one.to == MAIL)
        (link,) = re.findall(r"/undo/(\S+)", text)
        assert (await bed.desk.follow(link))["done"]
        assert await bed.shop.find("email", MAIL)
        assert await bed.shop.find("email", NEW) == []


@pytest.mark.parametrize("moment", ["untold", "form"])
async def test_a_change_whose_notice_does_not_go_at_the_start_either_is_called_off_but_not_one_by_a_form(
    tmp_path: Path, moment: str
) -> None:
    killed(tmp_path, moment)
    async with desk(tmp_path, "daminion") as bed:
        bed.sent.down = True
        assert await bed.desk.resume() == 1
        assert await bed.shop.find("email", MAIL)
        assert bool(await bed.shop.find("email", NEW)) is (moment == "form")


async def test_a_change_that_was_told_leaves_nothing_to_be_told(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        await bed.desk.collect("contact", {"email": MAIL, "message": "hello"})
        session = await bed.desk.enter("email", MAIL, await bed.code(MAIL))
        await bed.desk.correct(session, "email", NEW)
    async with desk(tmp_path, "daminion") as bed:
        assert await bed.desk.resume() == 0
        assert bed.sent == []
