"""A colleague's day at the console, over the five real policies."""

from pathlib import Path

import pytest

from tests.desk.beds import SITES
from tests.doors.console.robot import console

ADA = "ada@quill.example"
LETTER = "When do you open on Sundays?"


@pytest.mark.parametrize("site", SITES)
async def test_a_question_is_found_looked_at_and_closed_at_every_site(tmp_path: Path, site: str) -> None:
    async with console(tmp_path, site) as at:
        await at.desk.collect("contact", {"email": ADA, "message": LETTER})
        kim = await at.join("kim", "support")
        assert kim.status == 200, kim.says
        assert ADA not in kim.text
        await kim.submit("/task", purpose="answer")
        assert ADA not in kim.text
        assert LETTER not in kim.text
        await kim.submit("/look", category=["message"])
        assert LETTER in kim.text
        assert ADA not in kim.text
        await kim.submit("/close", answered="yes")
        assert "closed" in kim.says
        assert "Nothing waits" in kim.says
