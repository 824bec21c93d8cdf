"""The contract of the store: messages, and who is to get a mailing."""

from avow.store.interface import Consent, Message
from tests.store.contract import KIM, LOU, NOW, Bed, case, fill, id_, person

NOBODY = bytes(16)
MAIL = Message(KIM, id_(1), "mail", "order", "shop", "handing", NOW, "C-1 C-2", "")


@case
async def a_message_is_remembered_by_its_person_and_name_and_the_newest_state_counts(bed: Bed) -> None:
    store = await bed.open()
    other = MAIL._replace(subject=LOU, channel="phone", state="refused", reason="no open request")
    async with store.transaction() as tx:
        for one in (MAIL, other, MAIL._replace(state="sent", at=NOW + 1)):
            await tx.put_message(one)
    store = await bed.reopen()
    async with store.transaction() as tx:
        assert await tx.message(KIM, id_(1)) == MAIL._replace(state="sent", at=NOW + 1)
        assert await tx.message(LOU, id_(1)) == other
        assert (await tx.message(KIM, id_(2)), await tx.message(NOBODY, id_(1))) == (None, None)
        assert await tx.messages_named(id_(1)) == [other, MAIL._replace(state="sent", at=NOW + 1)]
        assert await tx.messages_named(id_(9)) == []


@case
async def messages_are_shown_newest_first_and_no_page_ends_within_a_millisecond(bed: Bed) -> None:
    store = await bed.open()
    async with store.transaction() as tx:
        for n in range(6):
            await tx.put_message(MAIL._replace(message=id_(n), at=NOW + n // 2))
        assert await tx.messages(9, NOW) == []
        assert [one.at - NOW for one in await tx.messages(9, NOW + 9)] == [2, 2, 1, 1, 0, 0]
        assert [one.at - NOW for one in await tx.messages(3, NOW + 9)] == [2, 2, 1, 1]
        assert [one.at - NOW for one in await tx.messages(2, NOW + 2)] == [1, 1]


@case
async def messages_go_with_their_person_and_when_they_are_old(bed: Bed) -> None:
    store = await bed.open()
    await fill(store, subjects=(person(), person(LOU)))
    async with store.transaction() as tx:
        for n in range(4):
            await tx.put_message(MAIL._replace(subject=LOU, message=id_(n), at=NOW + n))
        await tx.put_message(MAIL)
        await tx.put_message(MAIL._replace(subject=NOBODY))
        await tx.drop_subject(KIM)
        assert await tx.message(KIM, id_(1)) is None
        assert await tx.message(NOBODY, id_(1)) is not None
        assert await tx.purge_messages(NOW + 3, 2) == 2
        assert await tx.purge_messages(NOW + 3, 9) == 2
        assert await tx.purge_messages(NOW + 3, 9) == 0
    store = await bed.reopen()
    async with store.transaction() as tx:
        assert await tx.messages(9, NOW + 9) == [MAIL._replace(subject=LOU, message=id_(3), at=NOW + 3)]


@case
async def some_messages_of_people_are_kept_until_the_person_is_erased(bed: Bed) -> None:
    store = await bed.open()
    kept = MAIL._replace(subject=KIM, message=id_(7), sender="new-use")
    async with store.transaction() as tx:
        await tx.add_subjects([person()])
        for one in (kept, kept._replace(subject=NOBODY), kept._replace(message=id_(8), sender="other")):
            await tx.put_message(one)
        assert await tx.purge_messages(NOW + 9, 9, "new-use") == 2
        assert await tx.messages(9, NOW + 9) == [kept]
        await tx.drop_subject(KIM)
        assert await tx.messages(9, NOW + 9) == []


@case
async def who_agreed_is_found_page_by_page_and_once(bed: Bed) -> None:
    store = await bed.open()
    async with store.transaction() as tx:
        for n in (3, 1, 2):
            for row in (1, 2):
                await tx.put_consent(Consent(id_(n), id_(row), "consent/news", NOW, None, b"p" * 16, b""))
        await tx.put_consent(Consent(id_(4), id_(1), "consent/news", NOW, NOW + 1, b"p" * 16, b""))
        await tx.put_consent(Consent(id_(5), id_(1), "consent/news/more", NOW, None, b"p" * 16, b""))
        assert await tx.consenting("consent/news", b"", 2) == [id_(1), id_(2)]
        assert await tx.consenting("consent/news", id_(2), 2) == [id_(3)]
        assert await tx.consenting("consent/news", id_(3), 2) == []


@case
async def the_messages_of_one_person_come_oldest_first_and_nobody_elses(bed: Bed) -> None:
    store = await bed.open()
    async with store.transaction() as tx:
        for row, at in ((1, NOW + 2), (2, NOW), (3, NOW + 1)):
            await tx.put_message(MAIL._replace(message=id_(row), at=at))
        await tx.put_message(MAIL._replace(subject=id_(99), message=id_(4)))
        assert [one.message for one in await tx.messages_of(MAIL.subject)] == [id_(2), id_(3), id_(1)]
        assert await tx.messages_of(id_(98)) == []


@case
async def messages_are_in_a_backup(bed: Bed) -> None:
    store = await bed.open()
    async with store.transaction() as tx:
        await tx.put_message(MAIL)
    await store.backup(bed.folder / "backup")
    async with store.transaction() as tx:
        await tx.put_message(MAIL._replace(message=id_(2)))
    await store.restore(bed.folder / "backup")
    async with store.transaction() as tx:
        assert await tx.messages(9, NOW + 1) == [MAIL]
