"""Letters and calls: may I, what came of it, and what people say by letter or telephone, under the five real policies."""

from collections.abc import Awaitable
from pathlib import Path
from typing import Any, get_args

import pytest

from avow.app import Avow
from avow.decide.decide import decide
from avow.decide.request import Allow, Facts, Request
from avow.desk.interface import LOOKS
from avow.desk.interface.work import CameOfIt
from avow.errors import BadValue, CallError, Denied, NotHeld, Refused, TooMany, UnknownWord
from avow.policy.model import CONTACT, Condition, Right
from avow.wire import Client, serving
from tests.desk.beds import POLICIES, SITES, Bed, desk
from tests.policy.five import table_of

MAIL, PHONE, ADDRESS = "ada@quill.example", "+1 805 555 0134", "1 Lantern Lane\nVentura"
QUOTE = {
    "name": "Ada Quill",
    "email": MAIL,
    "message": "What would a shop cost?",
    "phone": PHONE,
    "postal-address": ADDRESS,
}
ORDER = {"name": "Ada Quill", "email": MAIL, "items": "A shop", "phone": PHONE, "postal-address": ADDRESS}


async def asked(bed: Bed, form: str = "quote", given: dict[str, str] | None = None) -> tuple[str, str]:
    """Somebody who wrote, and the request that it opened."""
    request = (await bed.desk.collect(form, given or QUOTE))["request"]
    assert request is not None
    return (await bed.shop.find("email", (given or QUOTE)["email"]))[-1], request


async def task(bed: Bed, session: str, request: str, purpose: str) -> str:
    return (await bed.desk.task(session, request, purpose))["task"]


async def refusal(act: Awaitable[Any]) -> tuple[str, ...]:
    """The promises that refused."""
    with pytest.raises(Refused) as told:
        await act
    return told.value.promises


async def states(bed: Bed, session: str) -> list[tuple[str, str, str]]:
    """What went out, oldest first."""
    return [(m["channel"], m["state"], m["sender"]) for m in (await bed.desk.messages(session))[::-1]]


async def seen(bed: Bed, who: str) -> list[tuple[str, str, str, str]]:
    return [(one["action"], one["role"], one["purpose"], one["outcome"]) for one in await bed.shop.seen(who)]


# -- may I ------------------------------------------------------------------------------------------------------------


async def test_a_number_is_hidden_without_an_open_request_and_the_refusal_is_on_record_for_the_person(
    tmp_path: Path,
) -> None:
    """AIT-14 and AIT-13."""
    async with desk(tmp_path, "aitpro") as bed:
        who, request = await asked(bed)
        kim = await bed.staff("kim", "support")
        await bed.desk.close(kim, request)
        for purpose in ("quote", "order", "answer", "order-status", "updates", "marketing", "new-use"):
            promises = await refusal(bed.desk.may_reach_found(kim, "email", MAIL, "phone", purpose))
            assert {"AIT-13", "AIT-14"} <= set(promises), purpose
        assert ("call", "support", "quote", "refused") in await seen(bed, who)
        assert ("call", "support", "quote", "done") not in await seen(bed, who)
        messages = await bed.desk.messages(kim)
        assert len(messages) == 7
        assert {(m["channel"], m["state"]) for m in messages} == {("phone", "refused")}
        assert all("AIT-14" in m["promises"] and m["reason"] for m in messages)
        assert PHONE not in str(messages)


async def test_with_an_open_quote_the_number_is_given_and_the_call_is_on_record(tmp_path: Path) -> None:
    """AIT-14"""
    async with desk(tmp_path, "aitpro") as bed:
        who, request = await asked(bed)
        kim = await bed.staff("kim", "support")
        taken = await task(bed, kim, request, "quote")
        with pytest.raises(CallError, match="hidden until you ask"):
            await bed.desk.look(kim, taken, ["phone"])
        reached = await bed.desk.may_reach(kim, taken, "phone")
        assert (reached["value"], reached["name"], reached["purpose"]) == (PHONE, "Ada Quill", "quote")
        assert ("call", "support", "quote", "done") in await seen(bed, who)
        assert await states(bed, kim) == [("phone", "handing", "kim")]
        await bed.desk.came_of_it(kim, reached["contact"], "not-reached")
        (message,) = await bed.desk.messages(kim)
        assert (message["state"], message["reason"]) == ("sent", "nobody answered the call")
        with pytest.raises(CallError):  # said already
            await bed.desk.came_of_it(kim, reached["contact"], "reached")
        assert await bed.shop.inspect(who) == []


async def test_a_number_that_was_not_given_is_told_from_one_that_may_not_be_had(tmp_path: Path) -> None:
    async with desk(tmp_path, "aitpro") as bed:
        bare = {name: value for name, value in QUOTE.items() if name not in {"phone", "postal-address"}}
        _, request = await asked(bed, given=bare)
        kim = await bed.staff("kim", "support")
        taken = await task(bed, kim, request, "quote")
        with pytest.raises(NotHeld):
            await bed.desk.may_reach(kim, taken, "phone")
        with pytest.raises(NotHeld):
            await bed.desk.may_reach_found(kim, "email", "nobody@quill.example", "phone", "quote")
        for channel in ("mail", "telex", ""):
            with pytest.raises(CallError):
                await bed.desk.may_reach(kim, taken, channel)


async def test_post_goes_only_for_what_the_address_was_given_for(tmp_path: Path) -> None:
    """AIT-12: no label for a mailing; and a label only while the matter is open."""
    async with desk(tmp_path, "aitpro") as bed:
        _, request = await asked(bed, "order", ORDER)
        fay = await bed.staff("fay", "fulfilment")
        for purpose in ("marketing", "updates", "commission", "traffic", "new-use"):
            promises = await refusal(bed.desk.may_reach_found(fay, "email", MAIL, "post", purpose))
            assert "AIT-12" in promises, purpose
        reached = await bed.desk.may_reach(fay, await task(bed, fay, request, "order"), "post")
        assert (reached["value"], reached["name"]) == (ADDRESS, "Ada Quill")
        typed = f"{reached['contact'][:5].lower()}-\u2003{reached['contact'][5:]}"
        assert await bed.desk.letter_address(fay, typed) == reached
        kim = await bed.staff("kim", "support")  # whose business no post is
        assert await refusal(bed.desk.letter_address(kim, reached["contact"]))
        await bed.desk.close(fay, request)
        assert "AIT-13" in await refusal(bed.desk.letter_address(fay, reached["contact"]))


async def test_a_letter_that_comes_back_is_known_by_its_number_however_it_is_typed(tmp_path: Path) -> None:
    async with desk(tmp_path, "aitpro") as bed:
        _, request = await asked(bed, "order", ORDER)
        fay = await bed.staff("fay", "fulfilment")
        contact = (await bed.desk.may_reach(fay, await task(bed, fay, request, "order"), "post"))["contact"]
        await bed.desk.came_of_it(fay, contact, "posted")
        typed = f" {contact[:5].lower()}-{contact[5:]} "
        await bed.desk.came_of_it(fay, typed, "returned")
        (message,) = await bed.desk.messages(fay)
        assert (message["state"], message["reason"]) == ("bounced", "the letter came back")
        for number in ("", "AAAAAAAAAA", contact[:-1], "\ud800", "x" * 600):
            with pytest.raises(CallError):
                await bed.desk.came_of_it(fay, number, "returned")
        with pytest.raises(CallError):
            await bed.desk.letter_address(fay, contact)


async def test_an_outcome_fits_what_it_is_the_outcome_of(tmp_path: Path) -> None:
    async with desk(tmp_path, "aitpro") as bed:
        _, request = await asked(bed)
        kim = await bed.staff("kim", "support")
        for outcome in (*get_args(CameOfIt), "sent", ""):
            contact = (await bed.desk.may_reach(kim, await task(bed, kim, request, "quote"), "phone"))["contact"]
            if outcome in {"reached", "not-reached", "dropped"}:
                await bed.desk.came_of_it(kim, contact, outcome)
            else:
                with pytest.raises(CallError):
                    await bed.desk.came_of_it(kim, contact, outcome)
        assert [state for _, state, _ in await states(bed, kim)].count("handing") == 4


@pytest.mark.parametrize("site", SITES)
async def test_who_may_be_reached_by_whom_for_what_is_as_the_policy_says(tmp_path: Path, site: str) -> None:
    """AIT-13: each channel, by each role, for each purpose, with and without an open request."""
    async with desk(tmp_path, site) as bed:
        await bed.desk.set_agreement("What I read here stays here.")
        who, request = await asked(bed, "contact", {"email": MAIL, "message": "A question"})
        channels = [c for c in ("phone", "post") if any(one.channel == c for one in bed.policy.categories.values())]
        for closed in (False, True):
            for role in bed.policy.roles:
                session = await bed.staff(f"{role}{closed}", role)
                for channel in channels:
                    for purpose in bed.policy.purposes:
                        category = next(n for n, one in bed.policy.categories.items() if one.channel == channel)
                        held: set[Condition] = {"standing", "in-time", "no-opt-out"}
                        if not closed and purpose in bed.policy.requests["question"].serves:
                            held.add("request")
                        ask = Request(CONTACT[channel], role, purpose, (category,))
                        allowed = isinstance(decide(table_of(site), ask, Facts.of(*held)), Allow)
                        with pytest.raises(NotHeld if allowed else Refused):  # they gave no number
                            await bed.desk.may_reach_found(session, "email", MAIL, channel, purpose)
                        bed.desk._room.sessions._looked.clear()
                        session = await bed.desk.staff_sign_in(f"{role}{closed}", "correct horse battery staple")
            if not closed:
                await bed.shop.close_request(who, request)


async def test_so_many_are_reached_an_hour_and_no_more(tmp_path: Path) -> None:
    """DAM-12: nobody carries addresses away one by one."""
    async with desk(tmp_path, "aitpro") as bed:
        _, request = await asked(bed)
        kim = await bed.staff("kim", "support")
        taken = await task(bed, kim, request, "quote")
        for _ in range(LOOKS):
            await bed.desk.may_reach(kim, taken, "phone")
        with pytest.raises(TooMany):
            await bed.desk.may_reach(kim, taken, "phone")
        with pytest.raises(TooMany):
            await bed.desk.stop(kim, "phone", "phone", PHONE, ["phone"])


async def test_nothing_of_it_is_anybodys_but_a_colleagues(tmp_path: Path) -> None:
    async with desk(tmp_path, "aitpro") as bed:
        await asked(bed)
        customer = await bed.desk.enter("email", MAIL, await bed.code(MAIL))
        for session in (customer, "A" * 43, ""):
            for act in (
                bed.desk.may_reach(session, "A", "phone"),
                bed.desk.may_reach_found(session, "email", MAIL, "phone", "quote"),
                bed.desk.letter_address(session, "AAAAAAAAAA"),
                bed.desk.came_of_it(session, "AAAAAAAAAA", "posted"),
                bed.desk.take_down(session, "phone", "contact", {"email": MAIL, "message": "x"}),
                bed.desk.ask_for(session, "phone", "access", "email", MAIL),
                bed.desk.stop(session, "phone", "phone", PHONE, ["phone"]),
                bed.desk.messages(session),
            ):
                with pytest.raises(Denied):
                    await act


# -- stop ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("through", ["phone", "letter"])
@pytest.mark.parametrize(("channel", "promise"), [("mail", "AIT-11"), ("phone", "AIT-15")])
async def test_a_stop_by_telephone_or_letter_is_effective_at_once_and_nothing_undoes_it(
    tmp_path: Path, through: str, channel: str, promise: str
) -> None:
    """AIT-11 and AIT-15: neither an import, nor a correction, nor erasure and coming back, nor a restored backup."""
    url, fresh = f"sqlite:///{tmp_path}/aitpro.db", {"mail": MAIL, "phone": PHONE}[channel]
    category = {"mail": "email", "phone": "phone"}[channel]

    async def refused(shop: Avow, who: str) -> tuple[str, ...]:
        return await refusal(shop.reach(who, channel, purpose="quote", by=shop.staff("kim", "support")))

    async with desk(tmp_path, "aitpro") as bed:
        who, _ = await asked(bed)
        kim = await bed.staff("kim", "support")
        assert await bed.shop.reach(who, channel, purpose="quote", by=bed.shop.staff("kim", "support")) == fresh
        await bed.shop.backup(tmp_path / "backup")
        assert await bed.desk.stop(kim, through, category, fresh, [channel]) == [channel]
        assert promise in await refused(bed.shop, who)
        routes = [(one["right"], one["through"]) for one in (await bed.shop.export(who))["requests"] if one["right"]]
        assert ("opt-out", through) in routes  # the person sees which way it was asked for
        await bed.shop.bring([(1, QUOTE)], form="quote", source="an old list")
        assert promise in await refused(bed.shop, who)
        changed = {"mail": "ada@elsewhere.example", "phone": "+1 805 555 0199"}[channel]
        await bed.shop.correct(who, category, changed)
        assert promise in await refused(bed.shop, who)
        other = await bed.shop.collect("quote", QUOTE)  # somebody gives the same address
        assert promise in await refused(bed.shop, other)
        await bed.shop.erase(other)
        again = await bed.shop.collect("quote", QUOTE)
        assert promise in await refused(bed.shop, again)
    await Avow.restore(
        POLICIES / "aitpro.yaml", url, tmp_path / "backup", folder=tmp_path / "aitpro", clock=bed.clock, private=True
    )
    async with desk(tmp_path, "aitpro") as bed:
        back = await bed.shop.collect("quote", QUOTE)
        assert promise in await refused(bed.shop, back)
        assert promise in await refused(bed.shop, who)  # whom the backup knew from before


async def test_a_stop_of_all_ends_all_and_a_number_that_nobody_is_held_under_stays_out(tmp_path: Path) -> None:
    async with desk(tmp_path, "aitpro") as bed:
        who, _ = await asked(bed)
        kim = await bed.staff("kim", "support")
        assert await bed.desk.stop(kim, "letter", "phone", PHONE, ["mail", "post", "phone"]) == [
            "mail",
            "post",
            "phone",
        ]
        assert {"opt-out/mail", "opt-out/post", "opt-out/phone"} <= (await bed.shop.standing(who))[0]
        stranger = "+1 805 555 0177"
        assert await bed.desk.stop(kim, "phone", "phone", stranger, ["mail", "phone"]) == ["phone"]
        later = await bed.shop.collect("quote", QUOTE | {"phone": "+1 (805) 555-0177", "email": "zoe@x.example"})
        assert "AIT-15" in await refusal(
            bed.shop.reach(later, "phone", purpose="quote", by=bed.shop.staff("kim", "support"))
        )
        assert await bed.shop.reach(later, "mail", purpose="quote") == "zoe@x.example"


async def test_an_address_that_people_are_not_found_by_stops_whoever_is_held_with_it(tmp_path: Path) -> None:
    """A letter with a postal address and no more."""
    async with desk(tmp_path, "aitpro") as bed:
        who, _ = await asked(bed)
        fay = await bed.staff("fay", "fulfilment")
        member = bed.shop.staff("fay", "fulfilment")
        assert await bed.shop.reach(who, "post", purpose="quote", by=member) == ADDRESS
        assert await bed.desk.stop(fay, "letter", "postal-address", "1 lantern lane, VENTURA.", ["post"]) == ["post"]
        assert await refusal(bed.shop.reach(who, "post", purpose="quote", by=member))


async def test_a_stop_that_says_nothing_is_told_so(tmp_path: Path) -> None:
    async with desk(tmp_path, "aitpro") as bed:
        kim = await bed.staff("kim", "support")
        for fault, category, value, channels in (
            (UnknownWord, "shoe-size", "9", ["mail"]), (UnknownWord, "email", MAIL, []),
            (UnknownWord, "email", MAIL, ["telex"]), (UnknownWord, "email", MAIL, ["mail", "telex"]),
            (CallError, "name", "Ada", ["mail"]), (CallError, "postal-address", ADDRESS, ["mail"]),
            (BadValue, "email", " ", ["mail"]), (BadValue, "email", "\ud800", ["mail"]),
        ):  # fmt: skip
            with pytest.raises(fault):
                await bed.desk.stop(kim, "phone", category, value, channels)
        for through in ("mail", "", "fax"):
            with pytest.raises(UnknownWord):
                await bed.desk.stop(kim, through, "email", MAIL, ["mail"])


# -- what they ask for ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("through", ["phone", "letter"])
async def test_a_question_is_taken_down_where_the_policy_lets_people_ask_that_way_and_nowhere_else(
    tmp_path: Path, site: str, through: str
) -> None:
    """TOC-5: what people did not send themselves, by a route that is theirs, is not taken in."""
    async with desk(tmp_path, site) as bed:
        await bed.desk.set_agreement("What I read here stays here.")
        kim = await bed.staff("kim", "support")
        routes = {
            route for promise in bed.policy.promises for clause in promise.clauses
            if isinstance(clause, Right) and "ask" in clause.rights for route in clause.routes
        }  # fmt: skip
        given = {"email": MAIL, "message": "Do you ship to Orkney?"}
        if through not in routes:
            promises = await refusal(bed.desk.take_down(kim, through, "contact", given))
            if site == "aitoc":
                assert "TOC-5" in promises
            assert await bed.shop.find("email", MAIL) == []
            return
        request = await bed.desk.take_down(kim, through, "contact", given)
        assert request in {one["request"] for one in await bed.desk.queue(kim)}
        (who,) = await bed.shop.find("email", MAIL)
        export = await bed.shop.export(who)
        assert {one["source"] for one in export["data"]} == {"a telephone call of the person"}
        assert ("register", "support", "", "done") in await seen(bed, who)
        assert await bed.shop.inspect(who) == []


async def test_what_is_taken_down_makes_somebody_new_and_opens_nothing_of_whoever_is_held(tmp_path: Path) -> None:
    async with desk(tmp_path, "aitpro") as bed:
        who, request = await asked(bed)
        kim = await bed.staff("kim", "support")
        await bed.desk.close(kim, request)
        made = await bed.desk.take_down(kim, "phone", "quote", {"email": MAIL, "message": "It is me, Ada"})
        taken = await task(bed, kim, made, "quote")
        with pytest.raises(NotHeld):
            await bed.desk.may_reach(kim, taken, "phone")
        assert await bed.desk.look(kim, taken, ["message", "email"]) == {"message": "It is me, Ada", "email": MAIL}
        assert "request/quote" not in (await bed.shop.standing(who))[0]


async def test_somebody_who_gives_a_number_alone_is_called_back(tmp_path: Path) -> None:
    async with desk(tmp_path, "aitpro") as bed:
        kim = await bed.staff("kim", "support")
        made = await bed.desk.take_down(kim, "phone", "contact", {"phone": PHONE, "message": "Call me back"})
        assert (await bed.desk.may_reach(kim, await task(bed, kim, made, "answer"), "phone"))["value"] == PHONE
        for given in ({"message": "Who am I?"}, {}):
            with pytest.raises(CallError):
                await bed.desk.take_down(kim, "phone", "contact", given)


async def test_what_is_taken_down_is_checked_like_anything_else(tmp_path: Path) -> None:
    async with desk(tmp_path, "aitpro") as bed:
        kim = await bed.staff("kim", "support")
        card = {"email": MAIL, "message": "My card is 4111 1111 1111 1111"}
        doubt = {"email": MAIL, "message": "It is order 4012 8888 8888 1881"}
        for form, given, fault in (
            ("contact", card, BadValue), ("contact", doubt, BadValue), ("contact", {"email": MAIL, "message": " "}, BadValue),
            ("contact", {"email": MAIL, "items": "A shop"}, Refused), ("card-page", {"email": MAIL}, CallError),
            ("payment-notice", {"payment-reference": "P-1", "email": MAIL}, CallError), ("nothing", card, UnknownWord),
            ("contact", {"email": MAIL, "shoe-size": "9"}, UnknownWord),
        ):  # fmt: skip
            with pytest.raises(fault):
                await bed.desk.take_down(kim, "phone", form, given)
        assert await bed.desk.take_down(kim, "phone", "contact", doubt, ["message"])


async def test_a_right_is_asked_for_in_somebodys_name_and_nothing_is_released_by_it(tmp_path: Path) -> None:
    """AIT-18 and AIT-23: by telephone and letter."""
    async with desk(tmp_path, "aitpro") as bed:
        who, _ = await asked(bed)
        kim = await bed.staff("kim", "support")
        for through in ("phone", "letter"):
            for right in ("access", "correct", "erase", "complain"):
                assert await bed.desk.ask_for(kim, through, right, "phone", PHONE) == 1
        rights = [
            (one["right"], one["through"]) for one in await bed.desk.queue(kim) if one["kind"] == "rights-request"
        ]
        assert len(rights) == len(set(rights)) == 8
        assert all(one["due"] for one in await bed.desk.queue(kim) if one["right"] == "access")
        assert (await bed.shop.export(who))["data"]  # nobody was erased by it
        with pytest.raises(NotHeld):
            await bed.desk.ask_for(kim, "letter", "access", "email", "nobody@quill.example")
        for right, category in (("opt-out", "email"), ("", "email"), ("access", "name"), ("access", "shoe-size")):
            with pytest.raises(UnknownWord):
                await bed.desk.ask_for(kim, "letter", right, category, MAIL)


async def test_all_of_it_goes_over_the_wire(tmp_path: Path) -> None:
    async with desk(tmp_path, "aitpro") as bed:
        _, request = await asked(bed)
        kim = await bed.staff("kim", "support")
        address = str(tmp_path / "run" / "desk.sock")
        async with serving(bed.desk, address), Client(address) as far:
            reached = await far.may_reach(kim, await task(bed, kim, request, "quote"), "phone")
            assert reached["value"] == PHONE
            await far.came_of_it(kim, reached["contact"], "reached")
            assert (await far.messages(kim))[0]["state"] == "sent"
            with pytest.raises(Refused) as told:
                await far.may_reach_found(kim, "email", MAIL, "post", "marketing")
            assert "AIT-12" in told.value.promises
            assert await far.take_down(kim, "phone", "contact", {"phone": PHONE, "message": "Hello"})
            assert await far.ask_for(kim, "phone", "access", "email", MAIL) == 1
            assert await far.stop(kim, "phone", "phone", PHONE, ["phone"]) == ["phone"]
