"""What an erasure leaves is told promise by promise, out of the policy and of what is held on the person."""

from pathlib import Path
from unittest.mock import patch

from avow.policy.retention import RECORD, Retention
from avow.practices import collecting
from tests.desk.beds import desk

MAIL = "ada@quill.example"


async def test_of_who_opted_out_by_one_way_a_mark_for_that_way_stays(tmp_path: Path) -> None:
    async with desk(tmp_path, "aitpro") as bed:
        who = await bed.shop.collect("contact", {"email": MAIL, "message": "Hello"})
        before = await bed.shop.staying(who)
        assert [one.what for one in before] == ["record"]
        await bed.shop.opt_out(who, "mail", "post")  # no postal address is held, so there is nothing to be marked
        mark, record = await bed.shop.staying(who)
        assert (mark.what, mark.about) == ("do-not-contact", ("mail",))
        assert mark.promises == ("AIT-11",)
        assert record == before[0]
        assert (await bed.shop.erase(who)).stays == (mark, record)


async def test_an_address_that_is_on_the_list_leaves_its_mark_without_an_opt_out_of_the_person(tmp_path: Path) -> None:
    async with desk(tmp_path, "aitpro") as bed:
        first = await bed.shop.collect("contact", {"email": MAIL, "message": "Hello"})
        await bed.shop.opt_out(first, "mail")
        await bed.shop.erase(first)
        again = await bed.shop.collect("contact", {"email": MAIL, "message": "Hello"})
        assert [one.what for one in (await bed.shop.erase(again)).stays] == ["do-not-contact", "record"]


async def test_what_is_kept_for_the_record_stays_with_the_promise_that_keeps_it(tmp_path: Path) -> None:
    async with desk(tmp_path, "aitpro") as bed:
        with patch.object(collecting, "term", lambda *_: Retention(RECORD, None, "", "")):
            who = await bed.shop.collect("contact", {"email": MAIL, "message": "Hello"})
        (data, _) = (await bed.shop.erase(who)).stays
        assert (data.what, sorted(data.about)) == ("data", ["email", "message"])
        assert data.law == "GDPR, Article 17(3)(b)"


async def test_who_cannot_be_read_any_more_is_erased_all_the_same(tmp_path: Path) -> None:
    """A row that was changed outside keeps nobody from being erased."""
    async with desk(tmp_path, "aitpro") as bed:
        who = await bed.shop.collect("contact", {"email": MAIL, "message": "Hello"})
        async with bed.shop._gate.store.transaction() as tx:
            (mail,) = [one for one in await tx.held(bytes.fromhex(who)) if one.category == "email"]
            await tx.put([mail._replace(version=2, sealed=bytes(len(mail.sealed)))])
        assert [one.what for one in (await bed.shop.erase(who)).stays] == ["record"]
