"""A person and a new version, as the desk answers for it: what it means for them, and what they say to it."""

from pathlib import Path

import pytest

from avow.errors import Denied, Refused, UnknownWord
from tests.desk.beds import PASSWORD, desk
from tests.desk.test_telling import ADA, BEA, NEXT, ordered, published
from tests.policy.five import next_of

FIRST = "2012-11-29"
DIGEST = NEXT.digest.hex()
WORDS = "The words that stood beside the buttons"


async def test_a_person_sees_what_a_version_means_for_them_and_their_answer_is_theirs_to_change(tmp_path: Path) -> None:
    async with desk(tmp_path, "aitpro") as bed:
        (ada,) = await ordered(bed, ADA)
        session = await bed.desk.enter("email", ADA, await bed.code(ADA))
        assert await bed.desk.my_changes(session) == []
        await published(bed)
        (one,) = await bed.desk.my_changes(session)
        assert (one["digest"], one["version"], one["state"], one["answer"]) == (DIGEST, "2027-02-15", "to-come", "")
        assert one["categories"] == ["email", "message", "name"]
        assert "message" in one["more"]
        assert (one["notice"], one["sent"], one["lifted"]) == ("", None, False)
        await bed.desk.new_versions.round()
        (one,) = await bed.desk.my_changes(session)
        assert (one["notice"], one["sent"]) == ("sent", bed.shop.now())
        for agree, answer in ((True, "agreed"), (False, "declined"), (True, "agreed")):
            await bed.desk.answer_change(session, DIGEST, agree=agree, words=WORDS)
            (one,) = await bed.desk.my_changes(session)
            assert (one["answer"], one["lifted"]) == (answer, agree)
        consents = (await bed.desk.held(session))["consents"]
        assert {one["words"] for one in consents} == {WORDS}
        assert await bed.shop.meanings.answers(NEXT.digest[:16], 9) == (1, 0)
        assert await bed.shop.inspect(ada) == []


async def test_a_session_that_stands_for_several_ids_answers_for_all_of_them(tmp_path: Path) -> None:
    async with desk(tmp_path, "aitpro") as bed:
        await ordered(bed, ADA, ADA)
        await published(bed)
        session = await bed.desk.enter("email", ADA, await bed.code(ADA))
        await bed.desk.answer_change(session, DIGEST, agree=False, words=WORDS)
        (one,) = await bed.desk.my_changes(session)
        assert one["answer"] == "declined"
        assert await bed.shop.meanings.answers(NEXT.digest[:16], 9) == (0, len(await bed.shop.find("email", ADA)))


async def test_only_a_later_version_is_answered_and_only_by_who_is_signed_in(tmp_path: Path) -> None:
    async with desk(tmp_path, "aitpro") as bed:
        await ordered(bed, ADA)
        await published(bed)
        session = await bed.desk.enter("email", ADA, await bed.code(ADA))
        for digest in ("00" * 32, bed.policy.digest.hex(), DIGEST[:32], "x"):
            with pytest.raises(UnknownWord):
                await bed.desk.answer_change(session, digest, agree=True, words=WORDS)
        staff = await bed.staff("Mo", "support")
        for token in ("none", staff):
            with pytest.raises(Denied):
                await bed.desk.answer_change(token, DIGEST, agree=True, words=WORDS)
            with pytest.raises(Denied):
                await bed.desk.my_changes(token)
        with pytest.raises(Denied):
            await bed.desk.change_progress(session)
        with pytest.raises(Denied):
            await bed.desk.change_answers(session)


async def test_whoever_changed_the_address_a_moment_ago_may_decline_and_not_agree(tmp_path: Path) -> None:
    """Declining harms nobody; agreeing in another's name would."""
    coming = next_of("daminion")
    async with desk(tmp_path, "daminion") as bed:
        await bed.desk.register("registration", {"name": "Ada Quill", "email": ADA}, password=PASSWORD)
        await bed.desk.publish(coming.source, (await bed.desk.published())[-1]["digest"])
        session = await bed.desk.enter("email", ADA, await bed.code(ADA))
        bed.clock.forward(minutes=1)
        await bed.desk.correct(session, "email", BEA)
        bed.clock.forward(minutes=1)
        late = await bed.desk.sign_in("email", BEA, PASSWORD)
        digest = coming.digest.hex()
        with pytest.raises(Refused):
            await bed.desk.my_changes(late)
        with pytest.raises(Refused):
            await bed.desk.answer_change(late, digest, agree=True, words=WORDS)
        await bed.desk.answer_change(late, digest, agree=False, words=WORDS)
        assert [one["answer"] for one in await bed.desk.my_changes(session)] == ["declined"]


async def test_colleagues_see_counts_alone(tmp_path: Path) -> None:
    async with desk(tmp_path, "aitpro") as bed:
        await ordered(bed, ADA, BEA)
        await published(bed)
        await bed.desk.new_versions.round()
        session = await bed.desk.enter("email", ADA, await bed.code(ADA))
        await bed.desk.answer_change(session, DIGEST, agree=True, words=WORDS)
        staff = await bed.staff("Mo", "support")
        assert await bed.desk.change_answers(staff) == [{"digest": DIGEST, "agreed": 1, "declined": 0}]
        (told,) = await bed.desk.change_progress(staff)
        assert (told["people"], told["waiting"]) == (2, 2)
        assert ADA not in str([told, await bed.desk.change_answers(staff)])
