"""What goes out at the console: cases that two colleagues stand for, and what a person agreed to."""

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from avow.vault.package import unpack
from tests.desk.beds import Bed
from tests.doors.console.robot import Robot, Site, console

ADA = {
    "name": "Ada Quillfeather", "email": "ada@quillfeather.example", "postal-address": "7 Lantern Lane, Farwater",
    "items": "2 bundles",
}  # fmt: skip
PAPER = {
    "category": "email", "value": ADA["email"], "purpose": "fraud", "ground": "investigate", "reference": "Az. 12/2026",
    "covers": ["name", "email"], "until": "2026-03-14",
}  # fmt: skip
IDS = re.compile(r'class="badge brand">([A-Z]+-\d+)<')


async def put_forward(robot: Robot, recipient: str = "agency", **other: Any) -> Robot:
    """By the pages, as a colleague would."""
    await robot.submit("/cases")
    await robot.submit("/cases/new", {"recipient": recipient})
    return await robot.submit("/cases/propose", **PAPER | other)


async def fetch(robot: Robot) -> str:
    """The package of the one open case; the page that the robot is on stays."""
    page = robot.answer
    await robot.submit("/cases/package")
    answer, robot.answer = robot.answer, page
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/jose"
    assert re.fullmatch(r'attachment; filename="package-[0-9a-f]{8}\.jose"', answer.headers["content-disposition"])
    assert answer.headers["cache-control"] == "no-store"
    assert not {*ADA.values()} & set(re.findall(r"[^.]+", answer.text))
    return answer.text.strip()


async def read_by(bed: Bed, private: Mapping[str, Any] | None, recipient: str, package: str) -> Any:
    return unpack(package, private or {}, await bed.desk.package_key(), recipient=recipient)["avow"]


async def two(at: Site, role: str = "fraud-desk") -> tuple[Robot, Robot]:
    return await at.join("fay", role), await at.join("finn", role)


async def test_toc_10_one_puts_forward_another_agrees_and_a_file_goes_out_once(tmp_path: Path) -> None:
    """TOC-10: which of the three grounds, the agency, the scope, and a second colleague."""
    async with console(tmp_path, "aitoc", wired=True) as at:
        await at.desk.collect("order", ADA)
        filed = await at.bed.desk.add_recipient("agency")
        fay, finn = await two(at)
        await put_forward(fay)
        assert "The case is put forward. Nothing goes out before another colleague has agreed." in fay.says
        assert "waits for a second colleague" in fay.says
        assert "Yours: another colleague has to agree." in fay.says
        assert not {"/cases/agree", "/cases/package"} & {one.action for one in fay.forms}
        await finn.submit("/cases")
        for said in ("waits for you", "Az. 12/2026", "a government agency", "to look into fraud that took place",
                     "your name, your e-mail address", "is told when it goes out", "15 March 2026, 00:00 UTC"):  # fmt: skip
            assert said in finn.says, said
        assert not [value for value in ADA.values() if value in finn.text]
        await finn.submit("/cases/agree", read="yes", category="email", value=ADA["email"])
        assert "You agreed. Its package can be fetched now, once." in finn.says
        package = await fetch(finn)
        told = await read_by(at.bed, filed["private"], "agency", package)
        assert told["data"] == {"name": ADA["name"], "email": ADA["email"]}
        await finn.submit("/cases/package")
        assert (finn.status, "TOC-10" in IDS.findall(finn.text)) == (403, True)
        assert "an open legal case that two colleagues approved" in finn.says
        await fay.submit("/cases")
        assert "passed on" in fay.says
        assert "The person was told" in fay.says
        session = await at.desk.enter("email", ADA["email"], await at.bed.code(ADA["email"]))
        (went,) = (await at.desk.held(session))["disclosures"]
        assert (went["recipient"], went["case"]["reference"]) == ("agency", "Az. 12/2026")


async def test_toc_10_whoever_put_a_case_forward_gets_no_further_alone(tmp_path: Path) -> None:
    """TOC-10, broken: one approver; nobody has agreed; nobody has read the paper."""
    async with console(tmp_path, "aitoc") as at:
        await at.desk.collect("order", ADA)
        await at.bed.desk.add_recipient("agency")
        fay, finn = await two(at)
        await put_forward(fay)
        case = fay.form("/cases/close").fields["case"]
        for path in ("/cases/agree", "/cases/package"):
            await fay.send(
                path, {"session": fay.session, "case": case, "read": "yes", "category": "email", "value": ADA["email"]}
            )
            assert (fay.status, "TOC-10" in IDS.findall(fay.text)) == (403, True), path
        await finn.submit("/cases")
        await finn.submit("/cases/agree", category="email", value=ADA["email"])
        assert (finn.status, "tick that you have read what they sent" in finn.text.lower()) == (400, True)
        await finn.submit("/queue")
        await finn.submit("/cases")
        assert "waits for you" in finn.says


async def test_toc_10_two_colleagues_who_mean_different_people_agree_to_nothing(tmp_path: Path) -> None:
    """TOC-10: who agrees names the person from the paper, for no page says whom a case is about."""
    async with console(tmp_path, "aitoc") as at:
        await at.desk.collect("order", ADA)
        await at.desk.collect("order", ADA | {"email": "bea@marrow.example"})
        fay, finn = await two(at)
        await put_forward(fay, value="bea@marrow.example")
        for value in (ADA["email"], "nobody@nowhere.example", ""):
            await finn.submit("/queue")
            await finn.submit("/cases")
            await finn.submit("/cases/agree", read="yes", category="email", value=value)
            assert (finn.status, "You agreed" in finn.says) == (400, False)
        await finn.submit("/queue")
        await finn.submit("/cases")
        await finn.submit("/cases/agree", read="yes", category="email", value="Bea@Marrow.example")
        assert "You agreed" in finn.says


async def test_toc_10_no_form_and_no_post_gets_more_than_the_policy_has(tmp_path: Path) -> None:
    """TOC-10, broken: no ground, the wrong kind of recipient, wider scope. TOC-11: no agency gets it to advertise."""
    async with console(tmp_path, "aitoc") as at:
        await at.desk.collect("order", ADA)
        fay, _ = await two(at)
        await fay.submit("/cases")
        await fay.submit("/cases/new", {"recipient": "agency"})
        form = fay.form("/cases/propose")
        assert [*form.choices["purpose"]] == ["legal", "fraud"]
        assert [*form.choices["covers"]] == ["name", "email", "postal-address", "items", "payment-reference"]
        for other, status, says in (
            ({"purpose": "marketing", "ground": "law"}, 403, "TOC-11"), ({"covers": ["name", "message"]}, 403, "no promise allows this action"),
            ({"recipient": "analysts"}, 400, "a case is for recipients of the kinds"),
            ({"ground": ""}, 400, "that is no ground"), ({"covers": []}, 400, "name each category"),
            ({"reference": "Az. <b>"}, 400, "at most 80 letters"), ({"until": "soon"}, 400, "year, month and day"),
            ({"until": "2026-02-01"}, 400, "within a year"), ({"quiet": "2026-02-01"}, 400, "is over already"),
            ({"value": "nobody@nowhere.example"}, 400, "nobody is held"),
        ):  # fmt: skip
            await fay.send("/cases/propose", {"session": fay.session, "recipient": "agency", **PAPER, **other})
            assert (fay.status, says.lower() in fay.says.lower()) == (status, True), (other, fay.says)
        await fay.submit("/queue")
        await fay.submit("/cases")
        assert "No case waits" in fay.says


async def test_what_was_typed_stays_in_the_form_when_it_is_not_put_forward(tmp_path: Path) -> None:
    async with console(tmp_path, "aitoc") as at:
        fay, _ = await two(at)
        await put_forward(fay)
        assert "Nobody is held under that" in fay.says
        form = fay.form("/cases/propose")
        assert {name: form.fields[name] for name in ("value", "reference", "until", "quiet")} == {
            "value": ADA["email"], "reference": "Az. 12/2026", "until": "2026-03-14", "quiet": "",
        }  # fmt: skip
        assert fay.text.count(" checked") == 2
        await at.desk.collect("order", ADA)
        await at.desk.collect("order", ADA)
        await fay.submit("/cases/propose", **PAPER)
        assert "2 people gave that, so 2 cases are put forward" in fay.says


async def test_roles_without_cases_have_no_page_of_them_and_are_refused_by_name_of_promise(tmp_path: Path) -> None:
    """AIT-21: no colleague but those whom the promise names; and no recipient but a court."""
    async with console(tmp_path, "aitpro") as at:
        await at.desk.collect("quote", {"name": "Bea", "email": ADA["email"], "message": "A shop?"})
        sam = await at.join("sam", "support")
        assert "/cases" not in {one.action for one in sam.forms}
        await sam.send("/cases", {"session": sam.session})
        assert (sam.status, "passes nothing on by a case" in sam.says) == (200, True)
        paper = PAPER | {"recipient": "court", "purpose": "legal", "ground": "law"}
        for value in (ADA["email"], "nobody@nowhere.example"):
            await sam.send("/cases/propose", {"session": sam.session, **paper, "value": value})
            assert (sam.status, "AIT-21" in IDS.findall(sam.text)) == (403, True)
        ann = await at.join("ann", "admin")
        await ann.submit("/cases")
        assert [one.fields["recipient"] for one in ann.forms if one.action == "/cases/new"] == ["court"]
        await ann.send("/cases/propose", {"session": ann.session, **paper, "recipient": "affiliate"})
        assert (ann.status, "AIT-21" in IDS.findall(ann.text) or "kinds authority" in ann.says) == (400, True)


async def test_ait_21_a_court_order_that_forbids_telling_keeps_it_quiet_until_its_day_is_over(tmp_path: Path) -> None:
    """AIT-21: the person is told, unless the order forbids it; then when it no longer does."""
    async with console(tmp_path, "aitpro") as at:
        await at.desk.collect("quote", {"name": "Bea", "email": ADA["email"], "message": "A shop?"})
        await at.bed.desk.add_recipient("court")
        ann, abe = await two(at, "admin")
        await put_forward(ann, "court", purpose="legal", ground="law", quiet="2026-03-20")
        assert "must not be told before 21 March 2026, 00:00 UTC" in ann.says
        await abe.submit("/cases")
        await abe.submit("/cases/agree", read="yes", category="email", value=ADA["email"])
        await fetch(abe)
        await at.bed.desk.settle()
        assert at.bed.sent == []
        at.bed.clock.now += timedelta(days=21)
        await at.bed.shop.upkeep.turn()
        assert [(mail.to, "Our promise AIT-21 allows it" in mail.text) for mail in at.bed.sent] == [
            (ADA["email"], True)
        ]
        await abe.sign_in("finn")
        await abe.submit("/cases")
        assert "The person was told" in abe.says


async def test_a_case_that_is_closed_or_over_serves_nobody(tmp_path: Path) -> None:
    """AIT-21, broken: an expired case, and one that was given up."""
    async with console(tmp_path, "aitpro") as at:
        await at.desk.collect("quote", {"name": "Bea", "email": ADA["email"], "message": "A shop?"})
        await at.bed.desk.add_recipient("court")
        ann, abe = await two(at, "admin")
        for reference in ("Az. 1", "Az. 2"):
            await put_forward(ann, "court", purpose="legal", ground="law", reference=reference)
            await abe.submit("/cases")
            await abe.submit("/cases/agree", read="yes", category="email", value=ADA["email"])
        first, second = [one.fields for one in abe.forms if one.action == "/cases/package"]
        await ann.submit("/cases")
        await ann.submit("/cases/close", {"case": first["case"]})
        assert "Nothing goes out by it any more" in ann.says
        at.bed.clock.now += timedelta(days=14)
        await abe.sign_in("finn")
        for one in (first, second):
            await abe.send("/cases/package", {**one, "session": abe.session})
            assert (abe.status, "AIT-21" in IDS.findall(abe.text)) == (403, True)
        await abe.submit("/queue")
        await abe.submit("/cases")
        assert "too late It ended 15 March 2026, 00:00 UTC; nothing went out" in abe.says


async def test_nothing_goes_out_to_who_has_no_key_on_file_and_the_case_stays_good(tmp_path: Path) -> None:
    async with console(tmp_path, "aitoc") as at:
        await at.desk.collect("order", ADA)
        fay, finn = await two(at)
        await put_forward(fay)
        await finn.submit("/cases")
        await finn.submit("/cases/agree", read="yes", category="email", value=ADA["email"])
        await finn.submit("/cases/package")
        assert (finn.status, "no key on file" in finn.says) == (400, True)
        await at.bed.desk.add_recipient("agency")
        await finn.submit("/queue")
        await finn.submit("/cases")
        assert await fetch(finn)


async def test_aud_9_support_passes_on_what_a_person_agreed_to_and_nothing_beside(tmp_path: Path) -> None:
    """AUD-9: that recipient, and that piece of data."""
    async with console(tmp_path, "audiomidi") as at:
        await at.desk.collect("contact", {"email": ADA["email"], "message": "Hello", "name": ADA["name"]})
        filed = await at.bed.desk.add_recipient("gear-makers")
        sam = await at.join("sam", "support")
        await sam.submit("/task", {"purpose": "answer"})
        form = sam.form("/pass-on")
        assert (form.fields["recipient"], form.fields["why"]) == ("gear-makers", "partner-offers")
        await sam.submit("/pass-on", category=["email"])
        assert (sam.status, "AUD-9" in IDS.findall(sam.text)) == (403, True)
        assert "that the person agreed to it, and still does" in sam.says
        (who,) = await at.bed.shop.find("email", ADA["email"])
        await at.bed.shop.agree_to(who, "share", "gear-makers", ["email"], words="Yes", how="sharing-choice")
        await sam.submit("/task", {"purpose": "answer"})
        page = sam.answer
        await sam.submit("/pass-on", category=["email"])
        assert sam.answer.headers["content-type"] == "application/jose"
        told = await read_by(at.bed, filed["private"], "gear-makers", sam.text.strip())
        assert told["data"] == {"email": ADA["email"]}
        for other in ({"category": ["email", "name"]}, {"category": "email", "recipient": "trade-press"},
                      {"category": "email", "way": "sell"}):  # fmt: skip
            sam.answer = page
            await sam.send("/pass-on", {**sam.form("/pass-on").fields, **other})
            assert (sam.status, "AUD-9" in IDS.findall(sam.text)) == (403, True), other


async def test_dam_11_without_written_approval_nobody_else_gets_anything(tmp_path: Path) -> None:
    """DAM-11: by support, who may with it; nothing ticked, nothing approved, another recipient."""
    async with console(tmp_path, "daminion") as at:
        await at.desk.collect("contact", {"email": ADA["email"], "message": "Hello"})
        await at.bed.desk.add_recipient("reseller")
        sam = await at.join("sam", "support")
        await sam.submit("/task", {"purpose": "answer"})
        page = sam.answer
        for other, status, says in (
            ({"category": "email"}, 403, "DAM-11"), ({}, 400, "tick what is to go out"),
            ({"category": "email", "recipient": "third-party", "named": "Somebody"}, 403, "DAM-11"),
        ):  # fmt: skip
            sam.answer = page
            await sam.send("/pass-on", {**sam.form("/pass-on").fields, **other})
            assert (sam.status, says.lower() in sam.says.lower()) == (status, True), other


async def test_dam_10_fulfilment_gives_the_carrier_what_the_order_needs(tmp_path: Path) -> None:
    """DAM-10."""
    async with console(tmp_path, "daminion") as at:
        order = {
            "name": ADA["name"], "email": ADA["email"], "shipping-address": "1 Dock Way", "billing-address": "2 Hill Way",
            "phone": "+44 20 7946 0991",
        }  # fmt: skip
        await at.desk.collect("order", order)
        filed = await at.bed.desk.add_recipient("carrier")
        flo = await at.join("flo", "fulfilment")
        await flo.submit("/task", {"purpose": "order"})
        page = flo.answer
        assert [*flo.form("/pass-on").choices["category"]] == ["name", "shipping-address", "phone"]
        await flo.submit("/pass-on", category=["name", "shipping-address"])
        told = await read_by(at.bed, filed["private"], "carrier", flo.text.strip())
        assert told["data"] == {"name": order["name"], "shipping-address": order["shipping-address"]}
        flo.answer = page
        await flo.send("/pass-on", {**flo.form("/pass-on").fields, "category": ["name", "email"]})
        assert (flo.status, "DAM-10" in IDS.findall(flo.text)) == (403, True)
