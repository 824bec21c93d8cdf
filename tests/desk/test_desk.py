"""The desk over the five real policies: who is verified may, who is not may not, and nobody learns who is held."""

import asyncio
import inspect
from collections.abc import Callable
from pathlib import Path

import pytest

from avow.desk.desk import Desk
from avow.desk.interface import HOLD, IDLE, LOOKS, TRIES, Operator
from avow.desk.interface import Desk as Contract
from avow.errors import BadValue, CallError, Denied, Refused, TooMany, UnknownWord
from tests.desk.beds import PASSWORD, SITES, desk

MAIL = "ada@quill.example"
ADA = {"name": "Ada Quill", "email": MAIL, "postal-address": "1 Lantern Lane"}
ACCOUNT = {"name": "Ada Quill", "email": MAIL}


def test_the_desk_has_every_method_of_its_contract_with_the_same_parameters() -> None:
    for contract in (Contract, Operator):
        for name, method in inspect.getmembers(contract, inspect.isfunction):
            if name.startswith("_"):
                continue
            ours, theirs = inspect.signature(getattr(Desk, name)), inspect.signature(method)
            assert [(p.kind, p.default) for p in ours.parameters.values()] == [
                (p.kind, p.default) for p in theirs.parameters.values()
            ], name


async def test_a_new_customer_sees_what_was_given_and_who_looked(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        session = await bed.desk.register("registration", ACCOUNT, password=PASSWORD)
        held = await bed.desk.held(session)
        assert {one["category"]: one["value"] for one in held["data"]} == ACCOUNT
        assert next(one["action"] for one in await bed.desk.seen(session)) == "register"
        again = await bed.desk.sign_in("email", MAIL.upper(), PASSWORD)
        assert (await bed.desk.held(again))["subject"] == held["subject"]


async def test_a_guest_gets_in_by_a_code_and_an_account_by_its_receipt(tmp_path: Path) -> None:
    async with desk(tmp_path, "audiomidi") as bed:
        taken = await bed.desk.collect("cart", {"items": "2 strings"})
        taken = await bed.desk.collect("order", ADA, receipt=taken["receipt"])
        assert taken["request"] is not None
        await bed.desk.collect("payment-notice", {"payment-reference": "P-1"}, receipt=taken["receipt"])
        session = await bed.desk.enter("email", MAIL, await bed.code(MAIL))
        assert {one["category"] for one in (await bed.desk.held(session))["data"]} == {
            *ADA,
            "items",
            "payment-reference",
        }
        await bed.desk.protect(PASSWORD, receipt=taken["receipt"])
        with pytest.raises(Denied):
            await bed.desk.protect("another good long one", receipt=taken["receipt"])
        signed_in = await bed.desk.sign_in("email", MAIL, PASSWORD)
        assert await bed.desk.prefill(signed_in, "order") == ADA


@pytest.mark.parametrize("site", SITES)
async def test_a_code_reaches_whoever_is_held_and_nobody_else_at_every_site(tmp_path: Path, site: str) -> None:
    async with desk(tmp_path, site) as bed:
        await bed.desk.collect("contact", {"email": MAIL, "message": "When do you open?"})
        code = await bed.code(MAIL)
        assert [one.to for one in bed.sent] == [MAIL]
        await bed.desk.send_code("email", "nobody@quill.example")
        await bed.desk.settle()
        assert len(bed.sent) == 1
        session = await bed.desk.enter("email", MAIL, code)
        assert (await bed.desk.held(session))["data"]
        with pytest.raises(Denied):  # single use
            await bed.desk.enter("email", MAIL, code)


async def test_of_a_thousand_guesses_exactly_as_many_are_heard_as_may_be(tmp_path: Path) -> None:
    """AUD-4."""
    async with desk(tmp_path, "audiomidi") as bed:
        await bed.desk.collect("order", ADA)
        code = await bed.code(MAIL)
        guesses = [f"{n:08d}" for n in range(1000) if f"{n:08d}" != code]
        told = await asyncio.gather(
            *(bed.desk.enter("email", MAIL, guess) for guess in guesses), return_exceptions=True
        )
        assert sum(isinstance(one, Denied) for one in told) == TRIES
        assert sum(isinstance(one, TooMany) for one in told) == len(guesses) - TRIES
        with pytest.raises(TooMany):  # the right one, too, until the ten minutes are over
            await bed.desk.enter("email", MAIL, code)


async def test_a_wrong_password_an_unknown_person_and_one_without_an_account_are_told_the_same(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        await bed.desk.register("registration", ACCOUNT, password=PASSWORD)
        await bed.desk.collect("contact", {"email": "guest@quill.example", "message": "Hello"})
        told = set()
        for value in (MAIL, "guest@quill.example", "nobody@quill.example"):
            with pytest.raises(Denied) as denied:
                await bed.desk.sign_in("email", value, "not the right one at all")
            told.add(str(denied.value))
        assert len(told) == 1


async def test_a_renewed_token_is_the_only_one_and_idle_sessions_end(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        old = await bed.desk.register("registration", ACCOUNT, password=PASSWORD)
        new = await bed.desk.renew(old)
        with pytest.raises(Denied):
            await bed.desk.held(old)
        assert await bed.desk.choices(new)
        bed.clock.forward(milliseconds=IDLE + 1)
        with pytest.raises(Denied):
            await bed.desk.held(new)
        session = await bed.desk.sign_in("email", MAIL, PASSWORD)
        await bed.desk.sign_out(session)
        with pytest.raises(Denied):
            await bed.desk.held(session)
        for token in ("", "x" * 43, "\0", "é" * 9):
            with pytest.raises((Denied, BadValue)):
                await bed.desk.held(token)


async def test_a_session_reads_only_so_often_an_hour_however_its_token_is_renewed(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        session = await bed.desk.register("registration", ACCOUNT, password=PASSWORD)
        for _ in range(LOOKS):
            await bed.desk.prefill(session, "order")
        session = await bed.desk.renew(session)
        with pytest.raises(TooMany):
            await bed.desk.held(session)


@pytest.mark.parametrize("site", SITES)
async def test_every_choice_of_every_policy_can_be_agreed_to_and_taken_back(tmp_path: Path, site: str) -> None:
    async with desk(tmp_path, site) as bed:
        await bed.desk.collect("contact", {"email": MAIL, "message": "Hello"})
        session = await bed.desk.enter("email", MAIL, await bed.code(MAIL))
        choices = await bed.desk.choices(session)
        assert not any(one["given"] for one in choices)
        for one in choices:
            await bed.desk.agree(session, one["id"], "Yes, please.")
            given = {each["id"]: each for each in await bed.desk.choices(session)}[one["id"]]
            assert given["given"], one["id"]
            await bed.desk.withdraw(session, one["id"])
            assert not {each["id"]: each for each in await bed.desk.choices(session)}[one["id"]]["given"]
        assert len(choices) == {"aimini": 0, "aitoc": 1, "aitpro": 1, "audiomidi": 3, "daminion": 3}[site]


async def test_an_opt_out_stands_until_it_is_taken_back(tmp_path: Path) -> None:
    async with desk(tmp_path, "aitpro") as bed:
        await bed.desk.collect("contact", {"email": MAIL, "message": "Hello"})
        session = await bed.desk.enter("email", MAIL, await bed.code(MAIL))
        await bed.desk.opt_out(session, "mail")
        assert await bed.desk.opted_out(session) == ["mail"]
        await bed.desk.opt_in(session, "mail")  # the code has proved the address
        assert await bed.desk.opted_out(session) == []


async def test_a_password_alone_proves_no_address_so_a_listed_one_stays_listed(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        session = await bed.desk.register("registration", ACCOUNT, password=PASSWORD)
        await bed.desk.opt_out(session, "mail")
        with pytest.raises(CallError):
            await bed.desk.opt_in(session, "mail")


async def test_what_a_person_corrects_is_corrected_and_a_card_number_is_not_taken(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        session = await bed.desk.register("registration", ACCOUNT, password=PASSWORD)
        await bed.desk.correct(session, "name", "Ada Quillfeather")
        assert "Ada Quillfeather" in [one["value"] for one in (await bed.desk.held(session))["data"]]
        with pytest.raises(BadValue):
            await bed.desk.correct(session, "name", "card 4111 1111 1111 1111")
        with pytest.raises(UnknownWord):
            await bed.desk.correct(session, "shoe-size", "40")


async def test_an_erasure_waits_can_be_taken_back_and_then_takes_everything(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        session = await bed.desk.register("registration", ACCOUNT, password=PASSWORD)
        due = await bed.desk.erase(session)
        assert due == (await bed.desk.about())["now"] + HOLD
        assert await bed.desk.leaving(session) == due
        await bed.desk.keep(session)
        assert await bed.desk.leaving(session) is None
        await bed.desk.erase(session)
        bed.clock.forward(milliseconds=HOLD + 1)
        await bed.desk.sweep()
        with pytest.raises(Denied):
            await bed.desk.sign_in("email", MAIL, PASSWORD)


@pytest.mark.parametrize("site", SITES)
async def test_a_complaint_opens_a_request_at_every_site(tmp_path: Path, site: str) -> None:
    async with desk(tmp_path, site) as bed:
        await bed.desk.collect("contact", {"email": MAIL, "message": "Hello"})
        session = await bed.desk.enter("email", MAIL, await bed.code(MAIL))
        request = await bed.desk.complain(session, "You wrote to me twice.")
        assert request in [one["id"] for one in (await bed.desk.held(session))["requests"] if one["closed"] is None]


async def test_a_complaint_that_nobody_could_answer_is_not_taken_as_if_it_were(tmp_path: Path) -> None:
    async with desk(tmp_path, "audiomidi") as bed:
        nameless = await bed.shop.collect("cart", {"items": "2 strings"})
        session = bed.desk._room.sessions.person((nameless,), bed.shop.now())
        with pytest.raises(CallError, match="no e-mail address"):
            await bed.desk.complain(session, "You wrote to me twice.")


async def test_who_shows_an_address_sees_all_that_is_held_under_it_and_an_account_only_its_own(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        await bed.desk.collect("contact", {"email": MAIL, "message": "As a guest"})
        bed.clock.forward(seconds=1)
        account = await bed.desk.register("registration", ACCOUNT, password=PASSWORD)
        assert "message" not in {one["category"] for one in (await bed.desk.held(account))["data"]}
        proved = await bed.desk.enter("email", MAIL, await bed.code(MAIL))
        assert "message" in {one["category"] for one in (await bed.desk.held(proved))["data"]}
        people = await bed.shop.find("email", MAIL)
        await bed.shop.erase(people[0])  # the guest goes, the account is still seen
        assert {one["category"] for one in (await bed.desk.held(proved))["data"]} == {*ACCOUNT}
        await bed.shop.erase(people[1])
        for late in (proved, account):
            with pytest.raises((Denied, Refused)):
                await bed.desk.held(late)


# -- staff ----------------------------------------------------------------------------------------------------------


async def test_a_colleague_sees_what_the_task_needs_and_nothing_more(tmp_path: Path) -> None:
    async with desk(tmp_path, "audiomidi") as bed:
        taken = await bed.desk.collect("cart", {"items": "2 strings"})
        await bed.desk.collect("order", ADA, receipt=taken["receipt"])
        kim = await bed.staff("kim", "fulfilment")
        (waiting,) = await bed.desk.queue(kim)
        assert (waiting["kind"], waiting["tasks"]) == ("order", ["order"])
        task = await bed.desk.task(kim, waiting["request"], "order")
        assert await bed.desk.look(kim, task["task"], ["postal-address"]) == {"postal-address": "1 Lantern Lane"}
        with pytest.raises(Refused) as refused:
            await bed.desk.look(kim, task["task"], ["email"])
        assert "AUD-5" in refused.value.promises
        with pytest.raises(Refused):
            await bed.desk.task(kim, waiting["request"], "order-status")
        await bed.desk.close(kim, waiting["request"])
        with pytest.raises(Denied):
            await bed.desk.look(kim, task["task"], ["postal-address"])
        session = await bed.desk.enter("email", MAIL, await bed.code(MAIL))
        assert "fulfilment" in {one["role"] for one in await bed.desk.seen(session)}


async def test_nothing_is_seen_before_the_agreement_is_signed_and_a_new_text_asks_again(tmp_path: Path) -> None:
    async with desk(tmp_path, "aitoc") as bed:
        await bed.desk.set_agreement("Keep what you see to yourself.")
        session = await bed.desk.accept(await bed.desk.invite_first("Kim", "support"), PASSWORD)
        with pytest.raises(Refused) as refused:
            await bed.desk.queue(session)
        assert refused.value.promises == ("TOC-13",)
        with pytest.raises(CallError):
            await bed.desk.sign(session, "Keep some of it to yourself.")
        await bed.desk.sign(session, (await bed.desk.colleague(session))["agreement"])
        assert await bed.desk.queue(session) == []
        await bed.desk.set_agreement("Keep what you see to yourself, always.")
        with pytest.raises(Refused):
            await bed.desk.queue(session)


async def test_an_invitation_serves_once_and_not_for_ever(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        invitation = await bed.desk.invite_first("kim", "support")
        told = await asyncio.gather(*(bed.desk.accept(invitation, PASSWORD) for _ in range(5)), return_exceptions=True)
        assert sorted(type(one).__name__ for one in told) == ["Denied"] * 4 + ["str"]
        late = await bed.desk.invite_first("lou", "support")
        bed.clock.forward(days=4)
        with pytest.raises(Denied):
            await bed.desk.accept(late, PASSWORD)


async def test_who_leaves_is_out_at_once_and_only_an_admin_sends_away(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        kim, boss = await bed.staff("kim", "support"), await bed.staff("boss", "admin")
        for refused in (bed.desk.dismiss(kim, "boss"), bed.desk.invite(kim, "lou", "support")):
            with pytest.raises(Refused):
                await refused
        assert await bed.desk.invite(boss, "lou", "support")
        await bed.desk.dismiss(boss, "KIM ")
        with pytest.raises(Denied):
            await bed.desk.queue(kim)
        with pytest.raises(Denied):
            await bed.desk.staff_sign_in("kim", PASSWORD)
        assert (await bed.desk.record(boss))["faults"] == []


async def test_a_customers_token_opens_no_staff_room_and_a_colleagues_no_customers(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        ada = await bed.desk.register("registration", ACCOUNT, password=PASSWORD)
        kim = await bed.staff("kim", "support")
        tries: list[Callable[[], object]] = [
            lambda: bed.desk.queue(ada), lambda: bed.desk.colleague(ada), lambda: bed.desk.record(ada),
            lambda: bed.desk.held(kim), lambda: bed.desk.seen(kim), lambda: bed.desk.choices(kim),
        ]  # fmt: skip
        for one in tries:
            with pytest.raises(Denied):
                await one()  # type: ignore[misc]  # each of them makes an awaitable


async def test_no_site_takes_another_sites_receipt(tmp_path: Path) -> None:
    """TOC-4, DAM-25."""
    async with desk(tmp_path, "daminion") as one, desk(tmp_path, "aitoc") as other:
        taken = await one.desk.collect("contact", {"email": MAIL, "message": "Hello"})
        with pytest.raises(Denied):
            await other.desk.collect("contact", {"email": MAIL, "message": "Hello"}, receipt=taken["receipt"])


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaaaaaaaa", "x" * 200])
async def test_a_weak_password_is_refused_and_nothing_is_taken_in(tmp_path: Path, password: str) -> None:
    async with desk(tmp_path, "daminion") as bed:
        with pytest.raises(BadValue):
            await bed.desk.register("registration", ACCOUNT, password=password)
        assert await bed.shop.find("email", MAIL) == []


async def test_what_is_ticked_on_a_form_is_agreed_to_with_it_and_an_unknown_tick_takes_nothing_in(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path, "audiomidi") as bed:
        agreed = {"AUD-11.interest-news": "Yes, send me news"}
        await bed.desk.collect("order", ADA | {"interest": "harps"}, agreed=agreed)
        session = await bed.desk.enter("email", MAIL, await bed.code(MAIL))
        assert [one["id"] for one in await bed.desk.choices(session) if one["given"]] == list(agreed)
        with pytest.raises(UnknownWord):
            await bed.desk.collect("order", ADA | {"email": "bea@quill.example"}, agreed={"AUD-99.all": "Yes"})
        assert await bed.shop.find("email", "bea@quill.example") == []


async def test_a_choice_to_be_confirmed_by_mail_holds_once_a_code_has_come_by_mail_and_not_before(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path, "aitoc") as bed:
        choice, words = "TOC-6.newsletter", "Yes, send me the newsletter"
        await bed.desk.collect("newsletter", {"email": MAIL})
        session = await bed.desk.enter("email", MAIL, await bed.code(MAIL))
        await bed.desk.agree(session, choice, words)
        (who,) = await bed.shop.find("email", MAIL)
        assert await bed.shop.reach(who, "mail", purpose="newsletter") == MAIL
    async with desk(tmp_path, "aitpro") as bed:
        choice = "AIT-13.updates"
        await bed.desk.collect("contact", {"email": MAIL, "message": "hello"}, agreed={choice: words})
        (who,) = await bed.shop.find("email", MAIL)
        with pytest.raises(Refused):
            await bed.shop.reach(who, "mail", purpose="updates")
        session = await bed.desk.enter("email", MAIL, await bed.code(MAIL))
        assert [one["given"] for one in await bed.desk.choices(session)] == [False]
        await bed.desk.agree(session, choice, words)
        assert await bed.shop.reach(who, "mail", purpose="updates") == MAIL


async def test_a_session_ends_when_its_person_is_erased_by_whomever(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        session = await bed.desk.register("registration", ACCOUNT, password=PASSWORD)
        await bed.shop.erase((await bed.desk.held(session))["subject"], asked="by the site")
        with pytest.raises(Denied):
            await bed.desk.protect("another good long one", session=session)
        with pytest.raises(Denied):
            await bed.desk.renew(session)
