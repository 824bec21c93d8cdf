"""What a person can see and decide, over a real desk."""

import json
from pathlib import Path

import pytest

from avow.desk.interface import HOLD
from avow.errors import Refused
from tests.desk.beds import SITES
from tests.doors.centre.beds import MAIL, centre, text_of
from tests.outside import gets

ADA = {"name": "Ada Quill", "email": MAIL, "postal-address": "1 Lantern Lane"}


async def test_each_datum_is_shown_with_its_source_its_uses_its_end_and_its_policy(tmp_path: Path) -> None:
    """AUD-12."""
    async with centre(tmp_path, "aitpro") as (bed, _, ada):
        await ada.come_in()
        page = text_of(await ada.go("/held"))
        for words in (
            MAIL,
            "When do you open?",
            "the contact form",
            "to answer you",
            f"the policy of {bed.policy.version}",
        ):
            assert words in page


async def test_who_looked_and_what_was_refused_is_told_in_words_newest_first(tmp_path: Path) -> None:
    async with centre(tmp_path, "daminion") as (bed, _, ada):
        session = await bed.staff("Mo", "support")
        task = await bed.desk.task(session, (await bed.desk.queue(session))[0]["request"], "answer")
        await bed.desk.look(session, task["task"], ["message"])
        await ada.come_in()
        who = (await bed.desk.held(ada.token))["subject"]
        with pytest.raises(Refused):
            await gets(bed.shop, who, ["email"], "list-broker:Names Ltd", "marketing")
        page = await ada.go("/seen")
        told = text_of(page)
        assert "read what you write to us, to answer you" in told
        assert "refused Our system wanted to pass your e-mail address on to an address-list company" in told
        assert told.index("wanted to pass") < told.index("read what you write")
        assert 'href="/promises#DAM-' in page.text


async def test_long_histories_have_pages(tmp_path: Path) -> None:
    async with centre(tmp_path, "aitoc") as (_, _, ada):
        await ada.come_in()
        for _ in range(15):
            await ada.go("/reach", channel="mail", answer="no")
            await ada.go("/reach", channel="mail", answer="yes")
        first = await ada.go("/seen")
        assert "Page 1 of" in text_of(first)
        assert "You became known" not in text_of(first)
        assert "You became known" in text_of(await ada.go("/seen", page="99999"))
        for odd in ("-1", "x", "1e9", "٣", "9" * 50):
            assert (await ada.go("/seen", page=odd)).status_code == 200


@pytest.mark.parametrize("site", ["aitoc", "aitpro", "audiomidi", "daminion"])
async def test_the_words_that_are_shown_are_the_words_on_record_and_declining_is_as_easy(
    tmp_path: Path, site: str
) -> None:
    async with centre(tmp_path, site) as (bed, _, ada):
        if site == "audiomidi":
            await bed.desk.collect("order", ADA)
        await ada.come_in()
        for choice in await bed.desk.choices(ada.token):
            page = text_of(await ada.go("/choices", choice=choice["id"], answer="yes"))
            given = [one for one in (await bed.desk.held(ada.token))["consents"] if one["withdrawn"] is None]
            assert given
            assert all(one["words"] in page for one in given)
            assert (await ada.go("/choices", choice=choice["id"], answer="no")).status_code == 200
            assert all(one["withdrawn"] for one in (await bed.desk.held(ada.token))["consents"])
        assert not any(one["given"] for one in await bed.desk.choices(ada.token))


async def test_a_sale_is_called_a_sale(tmp_path: Path) -> None:
    async with centre(tmp_path, "daminion") as (_, _, ada):
        await ada.come_in()
        page = text_of(await ada.go("/choices"))
        assert "may sell your name to" in page
        assert "may pass your name and your e-mail address on to" in page


async def test_withdrawal_stops_the_next_disclosure(tmp_path: Path) -> None:
    async with centre(tmp_path, "audiomidi", asked=False) as (bed, _, ada):
        await bed.desk.collect("order", ADA)
        await ada.come_in()
        who = (await bed.desk.held(ada.token))["subject"]
        (choice,) = [one for one in await bed.desk.choices(ada.token) if one["way"] == "share"]
        await ada.go("/choices", choice=choice["id"], answer="yes")
        assert await gets(bed.shop, who, ["name"], "gear-makers", "partner-offers")
        await ada.go("/choices", choice=choice["id"], answer="no")
        with pytest.raises(Refused, match="AUD-9"):
            await gets(bed.shop, who, ["name"], "gear-makers", "partner-offers")


@pytest.mark.parametrize("fields", [{"choice": "X.y", "answer": "yes"}, {"choice": "", "answer": "no"}, {"choice": "TOC-5.newsletter", "answer": "perhaps"}])  # fmt: skip
async def test_an_answer_to_no_choice_is_refused(tmp_path: Path, fields: dict[str, str]) -> None:
    async with centre(tmp_path, "aitoc") as (bed, _, ada):
        await ada.come_in()
        assert (await ada.go("/choices", **fields)).status_code == 400
        assert (await bed.desk.held(ada.token))["consents"] == []


@pytest.mark.parametrize("site", SITES)
async def test_an_opt_out_holds_at_once_and_is_taken_back_as_easily(tmp_path: Path, site: str) -> None:
    async with centre(tmp_path, site) as (bed, _, ada):
        await ada.come_in()
        assert "Nothing more by e-mail" in text_of(await ada.go("/reach", channel="mail", answer="no"))
        assert await bed.desk.opted_out(ada.token) == ["mail"]
        assert (await ada.go("/reach", channel="pigeon", answer="no")).status_code == 400
        await ada.go("/reach", channel="mail", answer="yes")
        assert await bed.desk.opted_out(ada.token) == []


async def test_a_wrong_value_is_put_right_and_what_may_not_be_held_is_not_taken(tmp_path: Path) -> None:
    async with centre(tmp_path, "daminion") as (bed, _, ada):
        await ada.come_in()
        form = await ada.go("/correct", category="message")
        assert "When do you open?" in form.text
        for bad in ("", "   ", "4111 1111 1111 1111", "x" * 9000, "a\x07b"):
            assert (await ada.go("/correct", category="message", value=bad)).status_code == 400
        assert (await ada.go("/correct", category="shipping-address", value="x")).status_code == 400
        assert (await ada.go("/correct", category="no-such", value="x")).status_code == 400
        doubtful = await ada.go("/correct", category="message", value="Serial 30569309025904")
        assert doubtful.status_code == 400
        assert 'name="no_card"' in doubtful.text
        told = await ada.go("/correct", category="message", value="Serial 30569309025904", no_card="yes")
        assert told.status_code == 200
        assert "put right" in text_of(await ada.go("/correct", category="message", value="When do you close?"))
        values = [one["value"] for one in (await bed.desk.held(ada.token))["data"]]
        assert "When do you close?" in values
        assert "When do you open?" not in values


async def test_the_copy_is_whole_for_machines_and_for_people(tmp_path: Path) -> None:
    async with centre(tmp_path, "aitpro") as (bed, _, ada):
        await ada.come_in()
        held = await bed.desk.held(ada.token)
        for kind in ("json", "html"):
            answer = await ada.post("/download", session=ada.token, **{"as": kind})
            assert answer.headers["content-disposition"] == f'attachment; filename="aitpro-your-data.{kind}"'
            assert answer.headers["cache-control"] == "no-store"
            for one in held["data"]:
                assert one["value"] in answer.text
            if kind == "json":
                told = json.loads(answer.text)
                assert {name: told[name] for name in held if name != "events"} == {
                    name: held[name] for name in held if name != "events"
                }
                assert [one["event"] for one in held["events"]] == [one["event"] for one in told["events"]][: len(held["events"])]  # fmt: skip
            else:
                assert "src=" not in answer.text
                assert "href=" not in answer.text
        assert (await ada.go("/overview")).status_code == 200  # the page behind the file still works


async def test_an_erasure_waits_can_be_taken_back_and_then_is_final(tmp_path: Path) -> None:
    async with centre(tmp_path, "daminion") as (bed, _, ada):
        await ada.come_in()
        before = text_of(await ada.go("/erase"))
        assert "That somebody was erased, and when" in before
        assert "GDPR, Article 5(2)" in before
        assert "a mark made from your address" not in before
        await bed.desk.opt_out(ada.token, "mail")
        page = text_of(await ada.go("/erase", answer="erase"))
        assert "will be erased on 4 March 2026" in page
        assert "That you want no e-mails: a mark made from your address" in page
        assert "You asked to be erased" in text_of(await ada.go("/overview"))
        assert "You stay" in text_of(await ada.go("/erase", answer="keep"))
        await ada.go("/erase", answer="erase")
        bed.clock.forward(milliseconds=HOLD + 1)
        await bed.desk.sweep()
        assert (await ada.go("/held")).status_code == 403
        assert await bed.shop.find("email", MAIL) == []


async def test_a_complaint_opens_a_request_with_its_deadline_and_names_outside_offices(tmp_path: Path) -> None:
    """AIT-23."""
    async with centre(tmp_path, "aitpro") as (bed, _, ada):
        await ada.come_in()
        form = text_of(await ada.go("/complain"))
        assert "within 30 days" in form
        assert "the Better Business Bureau of your region" in form
        assert (await ada.go("/complain", text="")).status_code == 400
        assert (await ada.go("/complain", text="card 4111111111111111")).status_code == 400
        assert "is with us" in text_of(await ada.go("/complain", text="You called me."))
        assert "complaint" in {one["kind"] for one in (await bed.desk.held(ada.token))["requests"]}


@pytest.mark.parametrize("site", SITES)
async def test_a_complaint_is_taken_at_every_site(tmp_path: Path, site: str) -> None:
    async with centre(tmp_path, site) as (bed, _, ada):
        await ada.come_in()
        before = len([one for one in (await bed.desk.held(ada.token))["requests"] if not one["closed"]])
        await ada.go("/complain", text="You kept me waiting.")
        held = await bed.desk.held(ada.token)
        opened = [one for one in held["requests"] if not one["closed"]]
        assert len(opened) == before + 1
        assert "complain" in {one["right"] for one in opened}
        assert "You kept me waiting." in {one["value"] for one in held["data"]}
