"""A shop's old customers come in with their provenance, and no wider use than a form gives."""

from pathlib import Path

import pytest

from avow.errors import BadValue, Refused
from avow.practices.importing import rows
from tests.shops import ADA, BEA, opened

CSV = """name,mail,postal-address,collected,opt-out,shoe
Ada Quillfeather,ada@quillfeather.example,7 Lantern Lane,2025-05-01,,7
Bea Marrowstone,bea@marrowstone.example,9 Harbour Row,2025-06-01,mail post,8
Cy Tallow,card 4111 1111 1111 1111,1 Dock Street,2025-06-02,,9
Di Fenwick,di@fenwick.example,,not a day,,9
"""
COLUMNS = {"mail": "email", "shoe": ""}


async def test_each_record_comes_in_or_is_reported_by_its_line(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        done = await shop.bring(rows(CSV, "csv"), form="order", source="old shop", columns=COLUMNS)
        assert done.people == 2
        assert [line for line, _ in done.faults] == [5, 4]
        assert not any("4111" in message or "Cy" in message for _, message in done.faults)
        (ada,) = await shop.find("email", ADA["email"])
        told = await shop.export(ada)
        assert {one["source"] for one in told["data"]} == {"old shop"}
        assert told["requests"] == []
        with pytest.raises(Refused):
            await shop.use(ada, "name", purpose="order")  # nothing was asked for: no request is open


async def test_an_opt_out_in_the_file_holds_and_a_second_import_undoes_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        await shop.bring(rows(CSV, "csv"), form="order", source="old shop", columns=COLUMNS)
        (bea,) = await shop.find("email", "bea@marrowstone.example")
        again = await shop.bring(rows(CSV, "csv"), form="order", source="old shop", columns=COLUMNS)
        assert (again.people, again.known) == (0, 2)
        assert await shop.find("email", "bea@marrowstone.example") == [bea]
        await shop.ask(bea, "order")
        with pytest.raises(Refused):
            await shop.reach(bea, "mail", purpose="order")


async def test_an_erased_person_who_had_opted_out_comes_back_by_an_import_opted_out(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        await shop.bring(rows(CSV, "csv"), form="order", source="old shop", columns=COLUMNS)
        (bea,) = await shop.find("email", "bea@marrowstone.example")
        await shop.erase(bea)
        plain = "name,email,postal-address\nBea,bea@marrowstone.example,9 Harbour Row\n"
        await shop.bring(rows(plain, "csv"), form="order", source="old shop")
        (back,) = await shop.find("email", "bea@marrowstone.example")
        await shop.ask(back, "order")
        with pytest.raises(Refused):
            await shop.reach(back, "mail", purpose="order")


async def test_what_is_past_its_term_is_not_taken_in(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        old = [(1, {"visit-code": "an old click", "collected": "2025-01-01"})]
        done = await shop.bring(old, form="click", source="old shop")
        assert done.people == 0
        assert "C-5" in done.faults[0][1]


async def test_an_opt_out_in_the_file_holds_for_who_is_known_already(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        who = await shop.collect("order", ADA)
        await shop.agree(who, "news", words="Yes")
        done = await shop.bring([(2, ADA | {"opt-out": "mail"})], form="order", source="newsletter tool")
        assert (done.people, done.known) == (0, 1)
        with pytest.raises(Refused):
            await shop.reach(who, "mail", purpose="news")


async def test_an_opt_out_in_the_file_holds_for_an_address_that_comes_later(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        await shop.bring([(2, BEA | {"opt-out": "phone"})], form="order", source="old shop")
        (who,) = await shop.find("email", BEA["email"])
        await shop.collect("order", BEA | {"phone": "+1 555 0100"}, who=who)
        with pytest.raises(Refused):
            await shop.reach(who, "phone", purpose="order")


@pytest.mark.parametrize("day", ["2999-12-31", "9999-12-31"])
async def test_what_was_collected_on_a_day_to_come_is_left_out(tmp_path: Path, day: str) -> None:
    async with opened(tmp_path) as shop:
        clicks = [(1, {"visit-code": "a click", "collected": day}), (2, {"visit-code": "another"})]
        done = await shop.bring(clicks, form="click", source="old shop")
        assert done.people == 1
        assert [line for line, _ in done.faults] == [1]


async def test_a_value_that_is_no_text_leaves_out_its_record_only(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        done = await shop.bring([(2, ADA), (3, BEA | {"email": "\ud800@x"})], form="order", source="old shop")
        assert done.people == 1
        assert [line for line, _ in done.faults] == [3]


async def test_a_source_must_be_named(tmp_path: Path) -> None:
    """TOC-5."""
    async with opened(tmp_path) as shop:
        with pytest.raises(BadValue):
            await shop.bring([], form="order", source="person")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        pytest.param('{"name": "Ada"', "jsonl", id="no-json"),
        pytest.param('["Ada"]', "jsonl", id="no-object"),
        pytest.param("name,email\nAda\n", "csv", id="fields-missing"),
    ],
)
def test_a_file_that_is_none_is_refused_with_its_line(text: str, kind: str) -> None:
    with pytest.raises(BadValue, match="line"):
        list(rows(text, kind))


def test_json_lines_are_read() -> None:
    assert list(rows('{"name": "Ada"}\n\n{"name": "Bea"}\n', "jsonl")) == [(1, {"name": "Ada"}), (3, {"name": "Bea"})]
