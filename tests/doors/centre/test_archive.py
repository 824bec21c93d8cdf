"""The archive that a person takes home: whole, readable without a network, and no spreadsheet calculates with it."""

import csv
import io
import json
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from avow.doors.centre.archive import FORMULA, cell, table
from tests.doors.centre.beds import centre


@given(some.text(max_size=40))
def test_no_cell_begins_like_a_formula_and_nothing_of_it_is_lost(text: str) -> None:
    made = cell(text)
    assert not made.lstrip(" \n").startswith(FORMULA)
    assert made in (text, f"'{text}")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", " =", "\n@", "=cmd|' /C calc'!A0"])
def test_each_way_to_begin_a_formula_is_defused(start: str) -> None:
    assert cell(f"{start}1+1").startswith("'")


def test_a_table_has_every_field_of_every_row() -> None:
    rows = list(csv.reader(io.StringIO(table([{"a": 1, "b": None}, {"b": 'x,\n"y', "c": ["p", "q"]}]))))
    assert rows == [["a", "b", "c"], ["1", "", ""], ["", 'x,\n"y', "p q"]]
    assert list(csv.reader(io.StringIO(table(["-1"])))) == [["value"], ["'-1"]]


async def test_the_archive_has_everything_thrice_and_asks_for_nothing_from_the_network(tmp_path: Path) -> None:
    async with centre(tmp_path, "aitpro") as (bed, _, ada):
        await bed.desk.collect("contact", {"email": "ada@quill.example", "message": "=HYPERLINK(1)"})
        await ada.come_in()
        held = await bed.desk.held(ada.token)
        answer = await ada.post("/download", session=ada.token, **{"as": "zip"})
        assert answer.headers["content-type"] == "application/zip"
        assert answer.headers["content-disposition"] == 'attachment; filename="aitpro-your-data.zip"'
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            files = {name: archive.read(name).decode("utf-8-sig") for name in archive.namelist()}
    told = json.loads(files["everything.json"])
    assert told["data"] == held["data"]
    page = files["everything.html"]
    assert "<script" not in page
    assert "src=" not in page
    assert "http" not in page.replace("http-equiv", "")
    rows = list(csv.DictReader(io.StringIO(files["tables/data.csv"])))
    assert [one["category"] for one in rows] == [one["category"] for one in held["data"]]
    assert "'=HYPERLINK(1)" in {one["value"] for one in rows}
    for one in held["data"]:
        assert one["value"].replace("'", "&#39;") in page
