"""The pages behind the links in mails: signed out, without cookies; looking changes nothing, a button or one click does."""

from pathlib import Path

import pytest

from avow.errors import Refused
from tests.desk.beds import PASSWORD
from tests.doors.centre.beds import MAIL, Centre, centre, text_of

NEWS = {"TOC-6.newsletter": "Yes, the newsletter"}
ONE_CLICK = {"List-Unsubscribe": "One-Click"}
FORM = "application/x-www-form-urlencoded"
BOUNDARY = "multipart/form-data; boundary=---011000010111000001101001"
PARTS = (
    b'-----011000010111000001101001\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n'
    b"-----011000010111000001101001--\r\n"
)

NESTED = b"".join(b"--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n" % (n, n + 1) for n in range(1200))
DEEP = b"--b\r\nContent-Disposition: form-data; name=" + b"(" * 60_000 + b"\r\n\r\nx\r\n--b--"


async def member(here: Centre, mail: str = MAIL, purpose: str = "newsletter") -> tuple[str, str]:
    """Somebody who confirmed the newsletter: their id, and the link out of a mail that they got."""
    who = await here.bed.shop.collect("newsletter", {"email": mail})
    agreed = await here.bed.shop.agree(who, "newsletter", words="Yes, please", how="newsletter")
    await here.bed.shop.confirm(who, agreed)
    return who, await link(here, mail, purpose)


async def link(here: Centre, mail: str = MAIL, purpose: str = "newsletter") -> str:
    """What stands at the end of a mail that goes out now."""
    here.bed.clock.forward(seconds=1)  # so that who asks here is found last
    await here.bed.desk.collect("contact", {"email": mail, "message": "Hello"})
    name = f"app{here.bed.clock.now.timestamp():.0f}{purpose}{mail.partition('@')[0].lower()}"
    session = await here.bed.desk.sender(name, await here.bed.desk.add_sender(name, (purpose,), None))
    begun = await here.bed.desk.begin(session, f"<{name}@shop.example>", mail)
    await here.bed.desk.hand_over(session, begun["permit"])
    return f"/out/{begun['out']}"


async def may(here: Centre, who: str, purpose: str = "newsletter") -> bool:
    """Whether the person may be written to."""
    try:
        await here.bed.shop.reach(who, "mail", purpose=purpose)
    except Refused:
        return False
    return True


async def test_looking_changes_nothing_however_often_and_by_whatever_program(tmp_path: Path) -> None:
    """TOC-14: scanners and mail programs open every link before its owner does."""
    async with centre(tmp_path, "aitoc", asked=False) as here:
        who, out = await member(here)
        for method in ("GET", "HEAD", "GET"):
            answer = await here.ada.web.request(method, out)
            assert answer.status_code == 200
            assert answer.headers["cache-control"] == "no-store"
        for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
            assert (await here.ada.web.request(method, out)).status_code == 405
        for fields in ({"else": "1"}, {"which": "other"}, {"List-Unsubscribe": "two-click"}, {"which": ""}):
            assert (await here.ada.post(out, **fields)).status_code == 400
        assert await may(here, who)
        assert MAIL not in (await here.ada.get(out)).text


@pytest.mark.parametrize(("kind", "body"), [(FORM, b"List-Unsubscribe=One-Click"), (BOUNDARY, PARTS)])
async def test_one_click_by_a_mail_program_ends_this_list_at_once_and_no_other_mail(
    tmp_path: Path, kind: str, body: bytes
) -> None:
    """TOC-14, by RFC 8058: one POST, either way that a browser sends forms, without a token beside the address."""
    async with centre(tmp_path, "aitoc", asked=False) as here:
        who, out = await member(here)
        answer = await here.ada.web.post(out, content=body, headers={"content-type": kind})
        assert answer.status_code == 200
        assert "Done" in text_of(answer)
        assert not await may(here, who)
        assert "opt-out/mail" not in (await here.bed.shop.standing(who))[0]
        again = await here.ada.web.post(out, content=body, headers={"content-type": kind})
        assert again.status_code == 200
        assert "ended already" in text_of(await here.ada.get(out))


async def test_a_broken_body_is_no_click(tmp_path: Path) -> None:
    async with centre(tmp_path, "aitoc", asked=False) as here:
        who, out = await member(here)
        for kind, body in (
            ("multipart/form-data", PARTS), (BOUNDARY, b"\x00\xff" * 50), (BOUNDARY, b""), (FORM, b"\xff=1"),
            ("application/json", b"{}"), ("text/plain", b"List-Unsubscribe=One-Click"), (BOUNDARY, b"a" * 70_000),
            ("multipart/form-data; boundary=b0", NESTED), ("multipart/form-data; boundary=b", DEEP),
        ):  # fmt: skip
            answer = await here.ada.web.post(out, content=body, headers={"content-type": kind})
            assert answer.status_code in (400, 413, 415)
        assert await may(here, who)


async def test_the_person_chooses_this_list_or_all_mail(tmp_path: Path) -> None:
    async with centre(tmp_path, "aitoc", asked=False) as here:
        who, out = await member(here)
        page = text_of(await here.ada.get(out))
        assert "This alone" in page
        assert "All mail" in page
        await here.ada.post(out, which="this")
        assert "All mail" in text_of(await here.ada.get(out))  # still to be had
        asked = await here.bed.shop.find("email", MAIL)
        assert await may(here, asked[-1], "answer")
        assert "No more mail from Aitoc Software" in text_of(await here.ada.post(out, which="all"))
        assert not await may(here, asked[-1], "answer")
        assert not await may(here, who)


async def test_a_link_out_of_a_mail_about_a_request_ends_all_mail(tmp_path: Path) -> None:
    """AIT-11: stops e-mail, whatever it was about."""
    async with centre(tmp_path, "aitpro", asked=False) as here:
        out = await link(here, purpose="answer")
        page = text_of(await here.ada.get(out))
        assert "This alone" not in page
        assert "notices that a promise of ours obliges us to send" in page
        assert "Done" in text_of(await here.ada.post(out, which="this"))
        (who,) = await here.bed.shop.find("email", MAIL)
        assert not await may(here, who, "answer")


async def test_whoever_registered_twice_is_off_the_list_by_either_link(tmp_path: Path) -> None:
    """TOC-14: two registrations under one address are one reader."""
    async with centre(tmp_path, "aitoc", asked=False) as here:
        one, out = await member(here)
        here.bed.clock.forward(seconds=2)
        two, _ = await member(here, MAIL.upper())
        assert one != two
        await here.ada.post(out, **ONE_CLICK)
        assert not await may(here, one)
        assert not await may(here, two)


async def test_forged_and_foreign_links_get_a_page_that_helps_and_do_nothing(tmp_path: Path) -> None:
    """TOC-14: a forged link, and somebody else's site's."""
    async with centre(tmp_path / "one", "aitoc", asked=False) as here, centre(tmp_path / "two", "aitpro", asked=False) as far:  # fmt: skip
        who, out = await member(here)
        foreign = await link(far, purpose="answer")
        other = "B" if out[30] == "A" else "A"
        for forged in (foreign, out[:-3], out[:30] + other + out[31:], "/out/none", "/out/" + "A" * 513, "/out/a.b"):
            for answer in (await here.ada.get(forged), await here.ada.post(forged, **ONE_CLICK)):
                assert answer.status_code == 404
                assert "That link does not hold" in text_of(answer)
                assert "Nothing was changed" in text_of(answer)
        confirming = out.replace("/out/", "/confirm/")
        assert (await here.ada.post(confirming, which="this")).status_code == 404  # of another page
        assert await may(here, who)


async def test_a_yes_counts_once_its_owner_presses_the_button(tmp_path: Path) -> None:
    async with centre(tmp_path, "aitoc", asked=False) as here:
        await here.bed.desk.collect("newsletter", {"email": MAIL}, agreed=NEWS)
        (who,) = await here.bed.shop.find("email", MAIL)
        (consent,) = (await here.bed.shop.export(who))["consents"]
        token = here.bed.desk.links.confirm(bytes.fromhex(who), bytes.fromhex(consent["id"]), "newsletter")
        page = await here.ada.get(f"/confirm/{token}")
        assert "Aitoc Software may use your data to send you the newsletter." in text_of(page)
        assert (await here.ada.post(f"/confirm/{token}", **ONE_CLICK)).status_code == 400
        assert (await here.ada.post(f"/confirm/{token}", which="all")).status_code == 400
        assert (await here.ada.post(f"/out/{token}", **ONE_CLICK)).status_code == 404
        assert not await may(here, who)
        assert "Confirmed" in text_of(await here.ada.post(f"/confirm/{token}", which="this"))
        assert await may(here, who)
        assert "confirmed already" in text_of(await here.ada.get(f"/confirm/{token}"))


async def test_a_confirmation_that_comes_too_late_is_told_so(tmp_path: Path) -> None:
    async with centre(tmp_path, "aitoc", asked=False) as here:
        await here.bed.desk.collect("newsletter", {"email": MAIL}, agreed=NEWS)
        (who,) = await here.bed.shop.find("email", MAIL)
        (consent,) = (await here.bed.shop.export(who))["consents"]
        token = here.bed.desk.links.confirm(bytes.fromhex(who), bytes.fromhex(consent["id"]), "newsletter")
        here.bed.clock.forward(days=8)
        answer = await here.ada.post(f"/confirm/{token}", which="this")
        assert answer.status_code == 404
        assert "Agree once more" in text_of(answer)
        assert not await may(here, who)


async def test_an_opt_out_by_link_outlives_a_correction_an_erasure_and_a_new_registration(tmp_path: Path) -> None:
    """AIT-11, DAM-14: an opt-out that another record of the address, or none of it, does not undo."""
    async with centre(tmp_path, "daminion", asked=False) as here:
        session = await here.bed.desk.register("registration", {"name": "Ada", "email": MAIL}, password=PASSWORD,
                                               agreed={"DAM-14.mailing-list": "Yes, the list"})  # fmt: skip
        (who,) = await here.bed.shop.find("email", MAIL)
        out = await link(here, purpose="mailing-list")
        assert "fingerprint" in text_of(await here.ada.post(out, which="all"))
        await here.bed.desk.correct(session, "email", "ada.new@quill.example")
        assert not await may(here, who, "mailing-list")
        here.bed.clock.forward(days=4)  # a changed address is on hold for three
        await here.bed.shop.erase(who)
        assert (await here.ada.post(out, which="all")).status_code == 200
        await here.bed.desk.register("registration", {"name": "A", "email": "ADA+news@quill.example"}, password=PASSWORD,
                                     agreed={"DAM-14.mailing-list": "Yes, the list"})  # fmt: skip
        (new,) = await here.bed.shop.find("email", "ADA+news@quill.example")
        assert not await may(here, new, "mailing-list")
