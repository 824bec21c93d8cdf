"""The contract of the store, second half: agreements, the record, many at once, backups."""

import asyncio

import pytest

from avow.errors import OperatorError, Unavailable
from avow.store.interface import Consent, Credential, Leaf, LogState, LookUp, ServiceRequest, Suppression, Trace
from tests.store.contract import KIM, LOU, NOW, Bed, case, datum, fill, held, id_, person, row_of

# -- agreements, requests, look-ups ------------------------------------------------------------------------------------


@case
async def agreements_and_requests_are_kept_with_their_end(bed: Bed) -> None:
    store = await bed.open()
    first = Consent(KIM, id_(2), "consent/news", NOW, None, b"p" * 16, b"words")
    second = Consent(KIM, id_(1), "consent/news", NOW + 1, None, b"p" * 16, b"other words")
    order = ServiceRequest(KIM, id_(2), "order", NOW, None)
    quote = ServiceRequest(KIM, id_(1), "quote", NOW + 1, None)
    async with store.transaction() as tx:
        for consent in (second, first, first._replace(withdrawn=NOW + 5)):
            await tx.put_consent(consent)
        for request in (quote, order, order._replace(closed=NOW + 6)):
            await tx.put_request(request)
    async with store.transaction() as tx:
        assert await tx.consents(KIM) == [first._replace(withdrawn=NOW + 5), second]
        assert await tx.requests(KIM) == [order._replace(closed=NOW + 6), quote]
        assert (await tx.consents(LOU), await tx.requests(LOU)) == ([], [])


@case
async def open_requests_are_found_without_their_person(bed: Bed) -> None:
    store = await bed.open()
    late, early = ServiceRequest(KIM, id_(2), "order", NOW + 1, None), ServiceRequest(LOU, id_(1), "quote", NOW, None)
    async with store.transaction() as tx:
        for request in (late, early, ServiceRequest(LOU, id_(3), "order", NOW, NOW + 1)):
            await tx.put_request(request)
        assert await tx.open_requests(("order", "quote"), 9) == [early, late]
        assert await tx.open_requests(("order", "quote"), 1) == [early]
        assert await tx.open_requests(("order",), 1) == [late]
        assert await tx.open_requests((), 9) == []
        assert [await tx.open_request(id_(n)) for n in (1, 3, 4)] == [early, None, None]


@case
async def credentials_are_kept_by_owner_and_kind_and_go_with_the_person(bed: Bed) -> None:
    store = await bed.open()
    old, new = Credential(KIM, "passkey", id_(2), NOW, b"a"), Credential(KIM, "passkey", id_(1), NOW + 1, b"b")
    colleague = Credential(id_(7), "password", id_(0), NOW, b"c")
    await fill(store)
    async with store.transaction() as tx:
        for one in (new, old, colleague, old._replace(sealed=b"d")):
            await tx.put_credential(one)
    async with store.transaction() as tx:
        assert await tx.credentials(KIM, "passkey") == [old._replace(sealed=b"d"), new]
        assert await tx.credentials(KIM, "password") == []
        assert await tx.drop_credential(KIM, "passkey", id_(1))
        assert not await tx.drop_credential(KIM, "passkey", id_(1))
        await tx.drop_subject(KIM)
    async with store.transaction() as tx:
        assert await tx.credentials(KIM, "passkey") == []
        assert await tx.credentials(id_(7), "password") == [colleague]


@case
async def a_wish_to_leave_keeps_its_moment_and_can_be_taken_back(bed: Bed) -> None:
    store = await bed.open()
    await fill(store)
    async with store.transaction() as tx:
        await tx.put_leaving(KIM, NOW)
        await tx.put_leaving(KIM, NOW + 9)
        await tx.put_leaving(LOU, NOW - 1)
        assert await tx.leaving_due(NOW, 9) == [LOU]
        assert await tx.leaving_due(NOW + 1, 9) == [LOU, KIM]
        assert await tx.leaving_due(NOW + 1, 1) == [LOU]
        await tx.drop_leaving(LOU)
        await tx.drop_subject(KIM)
        assert await tx.leaving_due(NOW + 1, 9) == []


@case
async def several_people_may_share_a_look_up(bed: Bed) -> None:
    store = await bed.open()
    hash_ = b"h" * 32
    await fill(store, subjects=(person(), person(LOU)._replace(created=NOW - 1)))
    async with store.transaction() as tx:
        await tx.put_lookups([LookUp("email", hash_, KIM), LookUp("email", hash_, LOU), LookUp("phone", hash_, KIM)])
        await tx.put_lookups([LookUp("email", hash_, KIM)])
        await tx.put_lookups([])
        assert await tx.find("email", hash_) == [LOU, KIM]
        assert await tx.find("email", b"x" * 32) == []
        await tx.drop_lookups(KIM, "email")
        assert await tx.find("email", hash_) == [LOU]
        assert await tx.find("phone", hash_) == [KIM]


@case
async def a_do_not_contact_entry_keeps_its_older_date_and_outlives_the_person(bed: Bed) -> None:
    store = await bed.open()
    await fill(store)
    entry = Suppression("email", b"h" * 32, NOW)
    async with store.transaction() as tx:
        await tx.suppress(entry)
        await tx.suppress(entry._replace(since=NOW + 5))
        await tx.suppress(Suppression("post", b"h" * 32, NOW + 1))
        await tx.drop_subject(KIM)
    async with store.transaction() as tx:
        assert await tx.suppressions() == [entry, Suppression("post", b"h" * 32, NOW + 1)]
        assert await tx.suppressed("email", b"h" * 32)
        assert not await tx.suppressed("email", b"i" * 32)
        await tx.unsuppress("email", b"h" * 32)
        assert not await tx.suppressed("email", b"h" * 32)
        assert await tx.suppressed("post", b"h" * 32)


# -- the record --------------------------------------------------------------------------------------------------------


@case
async def the_record_is_pending_in_order_until_sequenced(bed: Bed) -> None:
    store = await bed.open()
    leaves = [Leaf(id_(n), b"entry %d" % n) for n in (5, 3, 4, 1)]
    async with store.transaction() as tx:
        await tx.record(leaves[:1], [Trace(KIM, id_(5), b"opening")])
        await tx.record(leaves[1:], [Trace(KIM, id_(n), b"opening") for n in (3, 4)])
        await tx.record([], [])
    store = await bed.reopen()
    async with store.transaction() as tx:
        await tx.record([Leaf(id_(0), b"last")], [Trace(KIM, id_(0), b"opening")])
        waiting = await tx.pending(10)
        assert [one[1:] for one in waiting] == [*leaves, (id_(0), b"last")]
        assert len({one.ticket for one in waiting}) == 5
        assert await tx.pending(2) == waiting[:2]
        assert [one.event for one in await tx.traces(KIM)] == [id_(n) for n in (5, 3, 4, 0)]
        before = await tx.log_state()
        await tx.sequenced(before, LogState(3, b"r" * 32), [one.ticket for one in waiting[:3]])
    async with store.transaction() as tx:
        assert await tx.pending(10) == waiting[3:]
        assert await tx.log_state() == LogState(3, b"r" * 32)


@case
async def a_persons_events_are_found_before_they_are_filed_and_after(bed: Bed) -> None:
    store = await bed.open()
    async with store.transaction() as tx:
        await tx.record([Leaf(id_(n), b"entry") for n in range(1, 6)], [Trace(KIM, id_(n), b"opening") for n in (1, 4)])
        await tx.record([Leaf(id_(6), b"entry")], [Trace(LOU, id_(6), b"opening")])
        theirs = [Trace(KIM, id_(1), b"opening"), Trace(KIM, id_(4), b"opening")]
        assert await tx.traces(KIM) == theirs
    for _ in range(6):
        async with store.transaction() as tx:
            await tx.file(1)
            assert await tx.traces(KIM) == theirs
            assert await tx.has_event(id_(4), KIM)
            assert not await tx.has_event(id_(77), KIM)
    async with store.transaction() as tx:
        assert not await tx.file(1)
        await tx.record([Leaf(id_(7), b"entry")], [Trace(KIM, id_(7), b"opening")])
        assert await tx.traces(KIM) == [*theirs, Trace(KIM, id_(7), b"opening")]
    store = await bed.reopen()
    async with store.transaction() as tx:
        assert [one.event for one in await tx.traces(KIM)] == [id_(1), id_(4), id_(7)]
        assert len(await tx.pending(10)) == 7


@case
async def an_erased_persons_entry_waits_for_the_log_all_the_same(bed: Bed) -> None:
    store = await bed.open()
    await fill(store)
    async with store.transaction() as tx:
        await tx.record([Leaf(id_(n), b"entry") for n in (1, 2)], [Trace(KIM, id_(n), b"opening") for n in (1, 2)])
        before, (first, _) = await tx.log_state(), await tx.pending(9)
        await tx.sequenced(before, LogState(1, b"r" * 32), [first.ticket])
    async with store.transaction() as tx:
        await tx.drop_subject(KIM)
        while await tx.purge(1):
            pass
        assert await tx.traces(KIM) == []
        before, waiting = await tx.log_state(), await tx.pending(9)
        assert [(one.event, one.entry) for one in waiting] == [(id_(2), b"entry")]
        await tx.sequenced(before, LogState(2, b"s" * 32), [waiting[0].ticket])
        assert await tx.pending(9) == []


@case
async def a_new_log_is_empty(bed: Bed) -> None:
    store = await bed.open()
    async with store.transaction() as tx:
        state = await tx.log_state()
    assert state.size == 0
    assert state.root.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"  # RFC 6962, 2.1


@case
async def the_log_moves_only_from_where_it_stands(bed: Bed) -> None:
    store = await bed.open()
    async with store.transaction() as tx:
        await tx.record([Leaf(id_(1), b"entry")], [])
    async with store.transaction() as tx:
        start, waiting = await tx.log_state(), await tx.pending(9)
    for wrong in (LogState(1, start.root), LogState(0, b"x" * 32)):
        with pytest.raises(Unavailable, match="moved"):
            async with store.transaction() as tx:
                await tx.sequenced(wrong, LogState(1, b"r" * 32), [waiting[0].ticket])

    async def race(root: bytes) -> bool:
        try:
            async with store.transaction() as tx:
                await tx.sequenced(start, LogState(1, root), [waiting[0].ticket])
        except Unavailable:
            return False
        return True

    won = await asyncio.gather(*(race(bytes([n]) * 32) for n in range(6)))
    assert sum(won) == 1
    async with store.transaction() as tx:
        assert await tx.log_state() == LogState(1, bytes([won.index(True)]) * 32)
        assert await tx.pending(9) == []


@case
async def an_event_is_found_by_its_person_or_while_pending(bed: Bed) -> None:
    store = await bed.open()
    async with store.transaction() as tx:
        await tx.record([Leaf(id_(1), b"entry"), Leaf(id_(2), b"entry")], [Trace(KIM, id_(1), b"opening")])
        assert await tx.has_event(id_(1), KIM)
        assert await tx.has_event(id_(2))
        tickets = [one.ticket for one in await tx.pending(9)]
        await tx.sequenced(await tx.log_state(), LogState(2, b"r" * 32), tickets)
    async with store.transaction() as tx:
        assert await tx.has_event(id_(1), KIM)
        assert not await tx.has_event(id_(1), LOU)
        assert not await tx.has_event(id_(2))
        assert not await tx.has_event(id_(3), KIM)


# -- the site ----------------------------------------------------------------------------------------------------------


@case
async def the_site_remembers_policies_and_notes(bed: Bed) -> None:
    store = await bed.open()
    async with store.transaction() as tx:
        await tx.put_policy(b"b" * 16, "2", "text 2", NOW + 1)
        await tx.put_policy(b"a" * 16, "1", "text 1", NOW)
        await tx.put_policy(b"a" * 16, "1", "forged", NOW + 7)
        await tx.set_note("origin", "here")
        await tx.set_note("origin", "there")
    store = await bed.reopen()
    async with store.transaction() as tx:
        assert await tx.policies() == [(b"a" * 16, "1", "text 1", NOW), (b"b" * 16, "2", "text 2", NOW + 1)]
        assert await tx.note("origin") == "there"
        assert await tx.note("else") is None


# -- concurrency -------------------------------------------------------------------------------------------------------


@case
async def a_change_waits_for_those_who_read(bed: Bed) -> None:
    store = await bed.open()
    await fill(store, datum(1))
    said: list[str] = []
    reading = asyncio.Event()

    async def reader() -> None:
        async with store.transaction() as tx:
            await tx.read([(KIM, ("email",))])
            reading.set()
            await asyncio.sleep(0.1)
            said.append("read")
            await tx.record([Leaf(id_(1), b"entry")], [])

    async def changer() -> None:
        await reading.wait()
        async with store.transaction() as tx:
            ((row),) = await tx.subjects([KIM], "change")
            said.append("changing")
            assert row is not None
            assert await tx.pending(9), "the reader's record must be there before anything changes"
            await tx.change_subject(row._replace(version=row.version + 1))

    await asyncio.gather(reader(), changer())
    assert said == ["read", "changing"]


@case
async def who_reads_while_a_change_is_under_way_sees_it_done(bed: Bed) -> None:
    store = await bed.open()
    await fill(store, datum(1))
    changing = asyncio.Event()

    async def changer() -> None:
        async with store.transaction() as tx:
            await tx.subjects([KIM], "change")
            changing.set()
            await asyncio.sleep(0.1)
            await tx.change_subject(person(facts="", version=2))
            await tx.put([datum(1, version=2, sealed=b"corrected")])

    async def reader(categories: tuple[str, ...]) -> str:
        await changing.wait()
        async with store.transaction() as tx:
            ((row, data),) = await tx.read([(KIM, categories)])
        assert row is not None
        return f"{row.version} {data[0].sealed.decode()}"

    _, *seen = await asyncio.gather(changer(), reader(("email",)), reader(("email", "phone")))
    assert seen == ["2 corrected", "2 corrected"]


@case
async def changes_to_one_person_are_never_lost(bed: Bed) -> None:
    store = await bed.open()
    await fill(store, subjects=(person(), person(LOU)))

    async def add(n: int) -> None:
        async with store.transaction() as tx:
            people = await tx.subjects([KIM, LOU] if n % 2 else [LOU, KIM], "change")
            for row in people:
                assert row is not None
                await tx.change_subject(row._replace(facts=f"{row.facts} {n}", version=row.version + 1))

    await asyncio.gather(*(add(n) for n in range(20)))
    for who in (KIM, LOU):
        row = await row_of(store, who)
        assert row is not None
        assert (row.version, len(set(row.facts.split()))) == (21, 21)


@case
async def many_at_once_all_land(bed: Bed) -> None:
    store = await bed.open()

    async def one(n: int) -> None:
        async with store.transaction() as tx:
            await tx.add_subjects([person(id_(n))])
            await tx.put([datum(1, subject=id_(n))])
            await tx.record([Leaf(id_(n), b"entry")], [Trace(id_(n), id_(n), b"opening")])

    await asyncio.gather(*(one(n) for n in range(50)))
    async with store.transaction() as tx:
        assert sorted(leaf.event for leaf in await tx.pending(100)) == [id_(n) for n in range(50)]
        answers = await tx.read([(id_(n), ("email",)) for n in range(50)])
    assert [len(data) for _, data in answers] == [1] * 50


# -- the whole ---------------------------------------------------------------------------------------------------------


@case
async def a_backup_is_one_moment_and_comes_back_whole(bed: Bed) -> None:
    store = await bed.open()
    await fill(store, *(datum(n) for n in range(200)), subjects=(person(), person(LOU)))
    async with store.transaction() as tx:
        await tx.put_consent(Consent(KIM, id_(1), "consent/news", NOW, None, b"p" * 16, b"words"))
        await tx.put_request(ServiceRequest(KIM, id_(2), "order", NOW, None))
        await tx.put_lookups([LookUp("email", b"h" * 32, KIM)])
        await tx.suppress(Suppression("email", b"h" * 32, NOW))
        await tx.record([Leaf(id_(n), b"entry") for n in range(9)], [Trace(KIM, id_(n), b"opening") for n in range(9)])
        await tx.put_policy(b"a" * 16, "1", "text", NOW)
        await tx.set_note("origin", "here")
        await tx.sequenced(
            await tx.log_state(), LogState(4, b"r" * 32), [one.ticket for one in (await tx.pending(9))[:4]]
        )

    async def alter() -> None:  # while the backup is made: always both or neither
        for n in range(20):
            async with store.transaction() as tx:
                await tx.put([datum(1000 + n), datum(2000 + n)])
            await asyncio.sleep(0)

    await asyncio.gather(store.backup(bed.folder / "copy"), alter())
    async with store.transaction() as tx:
        await tx.drop_subject(KIM)
        await tx.unsuppress("email", b"h" * 32)
        await tx.set_note("origin", "elsewhere")
        last = [one.ticket for one in await tx.pending(99)]
    await store.restore(bed.folder / "copy")
    store = await bed.reopen()
    rows = {one.row for one in await held(store)}
    assert {id_(n) for n in range(200)} <= rows
    assert all((id_(1000 + n) in rows) == (id_(2000 + n) in rows) for n in range(20))
    async with store.transaction() as tx:
        assert await tx.subjects([KIM, LOU]) == [person(), person(LOU)]
        assert [len(await tx.consents(KIM)), len(await tx.requests(KIM)), len(await tx.traces(KIM))] == [1, 1, 9]
        assert await tx.find("email", b"h" * 32) == [KIM]
        assert await tx.suppressed("email", b"h" * 32)
        assert [one.event for one in await tx.pending(99)] == [id_(n) for n in range(4, 9)]
        assert await tx.policies() == [(b"a" * 16, "1", "text", NOW)]
        assert (await tx.note("origin"), await tx.log_state()) == ("here", LogState(4, b"r" * 32))
        await tx.record([Leaf(id_(99), b"entry")], [Trace(KIM, id_(99), b"opening")])
        assert (await tx.pending(99))[-1].ticket > max(last)
        assert (await tx.traces(KIM))[-1].event == id_(99)


@case
async def a_backup_goes_into_an_empty_folder_and_comes_out_of_a_whole_one(bed: Bed) -> None:
    store = await bed.open()
    await fill(store)
    folder = bed.folder / "copy"
    folder.mkdir()
    with pytest.raises(OperatorError, match="backup of"):
        await store.restore(folder)
    (folder / "letter.txt").write_text("mine")
    with pytest.raises(OperatorError, match="not empty"):
        await store.backup(folder)
    assert [path.name for path in folder.iterdir()] == ["letter.txt"]
    assert await row_of(store) == person()


@case
async def the_size_counts_rows_and_bytes(bed: Bed) -> None:
    store = await bed.open()
    await fill(store, datum(1), datum(2))
    await store.scrub()
    size = await store.size()
    assert size.bytes > 1000
    assert (size.rows["subject"], size.rows["datum"], size.rows["consent"]) == (1, 2, 0)
    assert await held(store) == [datum(1), datum(2)]


@case
async def a_store_that_is_closed_serves_nothing(bed: Bed) -> None:
    store = await bed.open()
    await bed.close()
    with pytest.raises(Unavailable, match="closed"):
        await held(store)
