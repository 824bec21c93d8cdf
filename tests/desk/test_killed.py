"""What the desk had begun when its process was killed is settled before the next one serves."""

import signal
import subprocess
import sys
from pathlib import Path

from tests.desk.beds import desk
from tests.desk.dying import MAIL


async def test_a_request_left_open_by_a_kill_while_a_code_was_sent_is_closed_at_the_start_and_no_other_is(
    tmp_path: Path,
) -> None:
    with subprocess.Popen(  # noqa: ASYNC220 - there is nothing else to be done meanwhile
        [sys.executable, "-m", "tests.desk.dying", str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "open\n"
        child.send_signal(signal.SIGKILL)
    async with desk(tmp_path, "daminion") as bed:
        (who,) = await bed.shop.find("email", MAIL)
        asked = {one["kind"]: one["closed"] is None for one in (await bed.shop.export(who))["requests"]}
        assert asked == {"question": True, "rights-request": False}
        assert "request/rights-request" not in (await bed.shop.standing(who))[0]
        wish = await bed.shop.ask(who, "rights-request")  # of the person's own
    async with desk(tmp_path, "daminion") as bed:
        assert wish in [one.row.hex() for one in await bed.shop.queue.of(bytes.fromhex(who))]
