"""A colleague's day at the console, over the five real policies."""

import re
from pathlib import Path

import pytest

from avow.desk.interface import LOOKS
from tests.desk.beds import PASSWORD, SITES
from tests.doors.console.robot import AGREEMENT, POLICY_PAGE, Robot, console, origin

ADA = "ada@quill.example"
LETTER = "When do you open on Sundays?"
QUESTION = {"email": ADA, "message": LETTER}
QUOTE = {
    "name": "Bea Marrow",
    "email": "bea@marrow.example",
    "message": "A site with a shop?",
    "phone": "+44 20 7946 0991",
}
HIDDEN = ("/queue", "/find", "/task", "/look", "/close", "/record", "/staff", "/invite", "/dismiss", "/account",
          "/cases", "/cases/new", "/cases/propose", "/cases/agree", "/cases/close", "/cases/package", "/pass-on",
          "/passkeys", "/passkeys/new", "/agreement", "/sign-out", "/passkey", "/passkey/answer")  # fmt: skip


@pytest.mark.parametrize("site", SITES)
async def test_a_question_is_taken_up_looked_at_and_closed_at_every_site(tmp_path: Path, site: str) -> None:
    async with console(tmp_path, site, wired=True) as at:
        await at.desk.collect("contact", QUESTION)
        kim = await at.join("kim", "support")
        assert kim.status == 200
        assert "A question" in kim.says
        await kim.submit("/task", {"purpose": "answer"})
        assert ADA not in kim.text
        assert LETTER not in kim.text
        await kim.submit("/look", category=["message"])
        assert LETTER in kim.text
        assert ADA not in kim.text
        assert "This look is on record" in kim.says
        await kim.submit("/close", answered="yes")
        assert "The request is closed" in kim.says
        assert "Nothing waits" in kim.says


async def test_the_person_sees_who_looked_and_who_was_refused(tmp_path: Path) -> None:
    """AUD-5."""
    async with console(tmp_path, "aitpro") as at:
        await at.desk.collect("quote", QUOTE)
        kim = await at.join("kim", "support")
        await kim.submit("/task", {"purpose": "quote"})
        await kim.submit("/look", category=["email"])
        assert QUOTE["email"] in kim.text
        await kim.submit("/look", {}, category="postal-address")
        assert kim.status == 403
        session = await at.desk.enter("email", QUOTE["email"], await at.bed.code(QUOTE["email"]))
        seen = [one for one in await at.desk.seen(session) if one["role"] == "support"]
        assert [(one["purpose"], one["outcome"]) for one in seen] == [("quote", "done"), ("quote", "refused")]


async def test_a_telephone_number_stays_hidden_until_it_is_asked_for(tmp_path: Path) -> None:
    async with console(tmp_path, "aitpro") as at:
        await at.desk.collect("quote", QUOTE)
        kim = await at.join("kim", "support")
        for action, having in (("/account", {}), ("/queue", {}), ("/task", {"purpose": "quote"})):
            await kim.submit(action, having)
            assert QUOTE["phone"] not in kim.text
        await kim.submit("/look", category=["name", "email"])
        assert QUOTE["phone"] not in kim.text
        await kim.send("/look", {**kim.form("/look").fields, "category": "phone"})  # as no page offers it
        assert (kim.status, "hidden until you ask" in kim.says) == (400, True)
        assert QUOTE["phone"] not in kim.text
        await kim.submit("/queue")
        await kim.submit("/task", {"purpose": "quote"})
        await kim.submit("/reach", {"channel": "phone"})
        assert QUOTE["phone"] in kim.text
        await kim.submit("/queue")
        assert QUOTE["phone"] not in kim.text


async def test_a_refusal_is_told_in_full_with_who_may_instead(tmp_path: Path) -> None:
    async with console(tmp_path, "audiomidi") as at:
        who = {"name": "Ada", "email": ADA, "postal-address": "1 Lantern Lane", "phone": "+44 20 7946 0991"}
        await at.desk.collect("order", who)
        kim = await at.join("kim", "fulfilment")
        await kim.submit("/task", {"purpose": "order"})
        fields = kim.form("/look").fields
        await kim.send("/look", {**fields, "category": ["name", "phone"]})
        assert kim.status == 403
        assert "Fulfilment may not see this" in kim.says
        assert "Asked for: Name, Phone. Nothing was shown." in kim.says
        assert "Phone: our policy shows it to Support for answer." in kim.says
        assert "AUD-11" in kim.says
        assert who["phone"] not in kim.text
        await kim.submit("/task", {"purpose": "order"})
        assert kim.status == 200


async def test_somebody_is_found_by_what_they_gave_and_nothing_of_theirs_is_released(tmp_path: Path) -> None:
    async with console(tmp_path, "aitoc") as at:
        await at.desk.collect("contact", QUESTION)
        await at.desk.collect("contact", {"email": "bea@marrow.example", "message": "Another letter"})
        kim = await at.join("kim", "support")
        await kim.submit("/find")
        await kim.submit("/find", category="email", value=" ADA@quill.example ")
        assert sum(form.action == "/task" for form in kim.forms) == 1
        assert LETTER not in kim.text
        assert ADA not in kim.text
        await kim.submit("/find", category="email", value="nobody@quill.example")
        assert "No open request" in kim.says


async def test_requests_stand_in_the_order_of_their_age_and_only_those_of_the_role(tmp_path: Path) -> None:
    async with console(tmp_path, "daminion") as at:
        for hours in (30, 2, 0):
            await at.desk.collect("contact", QUESTION)
            at.bed.clock.forward(hours=hours)
        kim = await at.join("kim", "support")
        assert re.findall(r"1 day|2 hours|1 hour|less than a minute", kim.says) == [
            "1 day",
            "2 hours",
            "less than a minute",
        ]
        ann = await at.join("ann", "marketing")
        assert "No request has to do with your role" in ann.says
        assert not any(form.action == "/task" for form in ann.forms)


async def test_no_bulk_reading_looks_are_counted_and_there_is_no_page_of_many_people(tmp_path: Path) -> None:
    async with console(tmp_path, "daminion") as at:
        for number in range(3):
            await at.desk.collect("contact", {"email": f"p{number}@quill.example", "message": "Hello"})
        kim = await at.join("kim", "support")
        tasks = [form.fields for form in kim.forms if form.action == "/task"]
        seen = set()
        for look in range(LOOKS + 30):
            await kim.send("/task", {**tasks[look % 3], "session": kim.session})
            await kim.submit("/look", category=["email"])
            if kim.status == 429:
                break
            found = re.findall(r"p\d@quill.example", kim.text)
            assert len(found) == 1
            seen.add(found[0])
        assert look == LOOKS
        assert kim.answer.headers["retry-after"] == "3600"
        assert f"reads or looks up {LOOKS} times an hour at most" in kim.says
        assert len(seen) == 3


async def test_the_agreement_is_signed_before_anything_is_seen_and_again_when_it_changes(tmp_path: Path) -> None:
    async with console(tmp_path, "aitoc") as at:
        await at.desk.collect("contact", QUESTION)
        kim = await at.join("kim", "support", sign=False)
        assert "What I read at work I keep to myself." in kim.says
        assert {form.action for form in kim.forms} == {"/agreement", "/sign-out"}
        for path in ("/queue", "/find", "/record", "/account", "/staff"):
            await kim.send(path, {"session": kim.session})
            assert kim.status == 403
            assert "Before you see anything" in kim.says
        await kim.submit("/agreement")
        assert (kim.status, "Tick the box" in kim.says) == (400, True)
        await kim.submit("/agreement", agreed="yes")
        assert "A question" in kim.says
        await kim.submit("/task", {"purpose": "answer"})
        look = kim.form("/look").fields
        await at.bed.desk.set_agreement("A stricter text.")
        await kim.send("/look", {**look, "category": "message"})
        assert kim.status == 403
        assert LETTER not in kim.text
        assert "A stricter text." in kim.says
        await at.bed.desk.set_agreement("The strictest text.")
        await kim.submit("/agreement", agreed="yes")  # what was shown is not what is in force
        assert kim.status == 400
        assert "The text has changed meanwhile" in kim.says
        await kim.submit("/agreement", agreed="yes")
        assert "A question" in kim.says


async def test_without_an_agreement_in_force_nobody_sees_anything_where_the_policy_asks_for_one(tmp_path: Path) -> None:
    async with console(tmp_path, "aitoc", agreement="") as at:
        await at.desk.collect("contact", QUESTION)
        kim = await at.join("kim", "support")
        assert "There is no agreement to sign yet" in kim.says
        await kim.send("/queue", {"session": kim.session})
        assert (kim.status, "A question" in kim.says) == (403, False)


async def test_an_admin_invites_and_dismisses_and_nobody_else_does(tmp_path: Path) -> None:
    async with console(tmp_path, "aitpro") as at:
        await at.desk.collect("contact", QUESTION)
        pat, kim = await at.join("pat", "admin"), await at.join("kim", "support")
        assert not any(form.action == "/staff" for form in kim.forms)
        for path, fields in (("/invite", {"name": "mo", "role": "admin"}), ("/dismiss", {"leaver": "pat"})):
            await kim.send(path, {"session": kim.session, **fields})
            assert (kim.status, "Refused" in kim.says) == (403, True)
        await pat.submit("/staff")
        await pat.submit("/invite", name="mo", role="support")
        found = re.search(r'<code id="invitation">([^<]+)</code>', pat.text)
        assert found
        mo = await Robot(at.client).open("/accept")
        await mo.submit("/accept", invitation=f" {found[1]}\n", password=PASSWORD, again=PASSWORD)
        assert "Signed in as mo" in mo.says
        late = await Robot(at.client).open("/accept")
        await late.submit("/accept", invitation=found[1], password=PASSWORD, again=PASSWORD)
        assert (late.status, "This invitation does not hold" in late.says) == (400, True)
        await pat.submit("/dismiss", leaver="mo")
        assert "has no access any more" in pat.says
        await mo.submit("/queue")
        assert (mo.status, "You are not signed in" in mo.says) == (403, True)
        await mo.sign_in("mo")
        assert mo.status == 403
        await pat.submit("/dismiss", leaver="PAT")
        assert "Nobody dismisses themself" in pat.says


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"password": "short", "again": "short"}, "A password has at least 12 characters"),
        ({"password": PASSWORD, "again": PASSWORD + "!"}, "The two passwords differ"),
        ({"password": "aaaaaaaaaaaaaaaa", "again": "aaaaaaaaaaaaaaaa"}, "repeats itself too much"),
    ],
)
async def test_a_weak_password_is_told_and_the_invitation_stays_good(
    tmp_path: Path, fields: dict[str, str], says: str
) -> None:
    async with console(tmp_path, "aimini") as at:
        invitation = await at.bed.desk.invite_first("kim", "support")
        kim = await Robot(at.client).open("/accept")
        await kim.submit("/accept", invitation=invitation, **fields)
        assert (kim.status, says in kim.says) == (400, True)
        await kim.submit("/accept", invitation=invitation, password=PASSWORD, again=PASSWORD)
        assert kim.status == 200


async def test_the_record_tells_the_newest_checkpoint_and_sounds_the_alarm_when_sweeps_stop(tmp_path: Path) -> None:
    async with console(tmp_path, "audiomidi") as at:
        kim = await at.join("kim", "support")
        await at.bed.shop.sequence_all()
        await kim.submit("/record")
        assert at.bed.shop.log.root.hex() in kim.says
        assert at.bed.shop.log.checkpoint().strip().splitlines()[-1] in kim.says
        assert "overdue" not in kim.says
        at.bed.shop._swept = None  # as if upkeep had stopped
        at.bed.clock.forward(hours=3)
        await kim.sign_in("kim")
        await kim.submit("/record")
        assert "A sweep is overdue" in kim.says
        assert 'role="alert"' in kim.text


async def test_an_account_tells_what_the_role_may_see_and_by_which_promises(tmp_path: Path) -> None:
    async with console(tmp_path, "audiomidi") as at:
        kim = await at.join("kim", "fulfilment")
        await kim.submit("/account")
        assert "An order Order “to fill your order” Name, Postal address, Items AUD-5" in kim.says
        ann = await at.join("ann", "admin")
        await ann.submit("/account")
        assert "your role reads nobody's data" in ann.says


async def test_pages_are_never_stored_run_no_script_set_no_cookie_and_keep_tokens_out_of_addresses(
    tmp_path: Path,
) -> None:
    async with console(tmp_path, "aimini") as at:
        await at.desk.collect("contact", QUESTION)
        kim = await at.join("kim", "admin")
        bea = await at.join("bea", "support")
        answers = [kim.answer, bea.answer]
        for robot, path in ((kim, "/staff"), (kim, "/record"), (kim, "/account"), (bea, "/find"), (bea, "/queue")):
            answers.append((await robot.submit(path)).answer)
        answers += [(await bea.submit("/task")).answer, (await bea.submit("/look", category=["message"])).answer]
        answers += [(await bea.open(path)).answer for path in ("/", "/accept", *HIDDEN, "/nothing", "/passkey.js")]
        sheet = re.search(r'href="(/design/[^"]+)"', kim.text)
        assert sheet
        answers.append((await bea.open(sheet[1])).answer)
        for answer in answers:
            assert answer.headers["cache-control"] == "no-store"
            assert "set-cookie" not in answer.headers
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            scripted = answer.request.url.path in {"/passkey", "/passkeys/new"}
            assert ("script-src 'none'" in policy) is not scripted
            assert answer.headers["strict-transport-security"]
            for address in re.findall(r'(?:href|action|src)="([^"]*)"', answer.text):
                assert address == POLICY_PAGE or re.fullmatch(
                    r"(?:/[a-z/-]*|/design/design\.[0-9a-f]+\.css|/passkey\.js|data:,|#[a-z-]+)", address
                )


@pytest.mark.parametrize("site", SITES)
async def test_the_guard_finds_nothing_in_a_colleagues_day_and_every_page_leads_to_the_policy(
    tmp_path: Path, site: str
) -> None:
    """AIM-2, AUD-12, TOC-1."""
    async with console(tmp_path, site) as at:
        await at.desk.collect("contact", QUESTION)
        kim = await at.join("kim", "support")
        pages = [kim.text]
        pages += [(await kim.submit(path)).text for path in ("/find", "/record", "/account", "/queue", "/task")]
        pages.append((await kim.submit("/look", category=["message"])).text)
        pages += [(await kim.open(path)).text for path in ("/", "/accept")]
        assert all(f'<a href="{POLICY_PAGE}">' in one and at.bed.policy.version.isoformat() in one for one in pages)
        assert at.reports == []


@pytest.mark.parametrize("path", ["/find", "/look", "/sign-out", "/", "/accept", "/passkey/answer"])
async def test_a_card_number_gets_into_no_form_of_the_console(tmp_path: Path, path: str) -> None:
    """AIM-9, DAM-17: nobody in the house types one in, either."""
    async with console(tmp_path, "daminion") as at:
        kim = await at.join("kim", "support")
        fields = {"session": kim.session, "category": "email", "value": "4242 4242 4242 4242", "name": "kim"}
        answer = await at.client.post(path, data=fields)
        assert (answer.status_code, "take the card number out" in answer.text) == (422, True)
        assert "4242" not in answer.text
        assert {one.kind for one in at.reports} == {"card"}
        assert (await kim.submit("/queue")).status == 200  # the token was not even spent


async def test_over_plain_http_the_console_takes_nothing(tmp_path: Path) -> None:
    """AUD-3, DAM-15."""
    async with console(tmp_path, "daminion") as at:
        kim = await at.join("kim", "support")
        plain = origin(at.bed.policy).replace("https:", "http:")
        refused = await at.client.post(f"{plain}/queue", data={"session": kim.session})
        assert refused.status_code == 403
        assert (await at.client.get(f"{plain}/")).headers["location"].startswith("https://")
        assert (await kim.submit("/queue")).status == 200


async def test_a_visitor_by_address_gets_the_page_to_sign_in_and_nothing_else(tmp_path: Path) -> None:
    async with console(tmp_path, "aimini") as at:
        robot = Robot(at.client)
        for path in HIDDEN:
            await robot.open(path)
            assert (robot.status, "Sign in" in robot.says) == (200, True)
        await robot.open("/nothing")
        assert robot.status == 404
        assert origin(at.bed.policy) == "https://console.aimini.example"
        assert AGREEMENT not in robot.text


async def test_a_role_without_business_is_refused_the_task_by_the_promises_and_on_record(tmp_path: Path) -> None:
    async with console(tmp_path, "audiomidi") as at:
        taken = await at.desk.collect("order", {"name": "Ada", "email": ADA, "postal-address": "1 Lantern Lane"})
        ann = await at.join("ann", "marketing")
        await ann.send("/task", {"session": ann.session, "request": taken["request"], "purpose": "order"})
        assert (ann.status, "Marketing may not do this" in ann.says) == (403, True)
        assert "AUD-5 Even our own people see only what the task in hand needs" in ann.says
        session = await at.desk.enter("email", ADA, await at.bed.code(ADA))
        seen = [(one["role"], one["outcome"]) for one in await at.desk.seen(session)]
        assert ("marketing", "refused") in seen
