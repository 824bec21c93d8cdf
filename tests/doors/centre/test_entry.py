"""Who gets in, and who does not; what a browser may send, and what is turned away with a page and without effect."""

import re
from pathlib import Path

import httpx
import pytest

from avow.desk.interface import IDLE, LOOKS, TRIES
from avow.doors.centre import make_centre
from avow.policy.parse import read
from avow.wire import Client
from tests.desk.beds import PASSWORD, POLICIES, SITES
from tests.doors.centre.beds import MAIL, SHOP, centre, text_of, token_in

PRIVATE = (
    "/overview", "/held", "/seen", "/choices", "/reach", "/correct", "/copy", "/download", "/erase", "/complain",
    "/password",
)  # fmt: skip
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize("site", SITES)
async def test_a_code_opens_the_overview_at_every_site(tmp_path: Path, site: str) -> None:
    async with centre(tmp_path, site) as (_, _, ada):
        page = await ada.come_in()
        assert page.headers["cache-control"] == "no-store"
        for path in PRIVATE:
            assert (await ada.go(path)).status_code == (400 if path == "/correct" else 200), path


async def test_a_password_and_a_token_handed_over_by_the_shop_open_it_too(tmp_path: Path) -> None:
    async with centre(tmp_path, "daminion", asked=False) as (bed, _, ada):
        handed = await bed.desk.register("registration", {"name": "Ada", "email": MAIL}, password=PASSWORD)
        page = await ada.post("/", session=handed)
        assert token_in(page) not in {"", handed}
        page = await ada.post("/sign-in", contact=MAIL, password=PASSWORD)
        assert token_in(page)
        wrong = await ada.post("/sign-in", contact=MAIL, password="no such password")
        assert wrong.status_code == 403
        assert not token_in(wrong)


async def test_a_new_password_is_taken_and_a_weak_one_is_explained(tmp_path: Path) -> None:
    async with centre(tmp_path, "aitoc") as (_, _, ada):
        await ada.come_in()
        assert "twelve characters" in text_of(await ada.go("/password", password="short"))
        assert (await ada.go("/password", password=PASSWORD)).status_code == 200
        assert token_in(await ada.post("/sign-in", contact=MAIL, password=PASSWORD))


async def test_a_get_of_a_private_page_shows_the_sign_in_form_and_nothing_else(tmp_path: Path) -> None:
    async with centre(tmp_path, "audiomidi") as (_, _, ada):
        door = (await ada.get("/")).text
        for path in (*PRIVATE, "/code", "/sign-in"):
            assert (await ada.get(path)).text == door


async def test_who_was_sent_a_code_for_a_call_of_theirs_comes_in_by_the_page_in_the_mail(tmp_path: Path) -> None:
    async with centre(tmp_path, "aitpro") as (bed, _, ada):
        kim = await bed.staff("kim", "support")
        await bed.desk.ask_for(kim, "phone", "access", "email", MAIL)
        (request,) = [one["request"] for one in await bed.desk.queue(kim) if one["right"] == "access"]
        await bed.desk.send_code_for(kim, request)
        page = await ada.get("/enter")
        assert token_in(page) == ""
        assert 'name="contact"' in page.text
        code = re.findall(r"\b\d{8}\b", bed.sent[-1].text)[0]
        ada.token = token_in(await ada.post("/enter", contact=MAIL, code=code))
        assert "A colleague had a code sent to your address on file" in text_of(await ada.go("/seen"))


async def test_a_token_is_good_for_one_page_and_no_longer_than_somebody_is_there(tmp_path: Path) -> None:
    async with centre(tmp_path, "aitoc") as (bed, _, ada):
        await ada.come_in()
        old = ada.token
        await ada.go("/held")
        replayed = await ada.post("/erase", session=old, answer="erase")
        assert replayed.status_code == 403
        assert "Nothing was changed" in text_of(replayed)
        assert await bed.desk.leaving(ada.token) is None
        bed.clock.forward(milliseconds=IDLE + 1)
        assert (await ada.go("/held")).status_code == 403


async def test_a_thousand_guessed_tokens_open_nothing(tmp_path: Path) -> None:
    """AUD-4, DAM-16."""
    async with centre(tmp_path, "audiomidi") as (_, _, ada):
        await ada.come_in()
        near = [ada.token[:i] + chr(33 + (ord(ada.token[i]) + n) % 90) + ada.token[i + 1 :] for n in range(1, 25) for i in range(42)]  # fmt: skip
        for guess in near[:1000]:
            if guess != ada.token:
                answer = await ada.web.post("/held", data={"session": guess})
                assert answer.status_code == 403
                assert MAIL not in answer.text
        assert (await ada.go("/held")).status_code == 200


async def test_guessing_codes_is_cut_short_with_a_page(tmp_path: Path) -> None:
    async with centre(tmp_path, "aitpro") as (bed, _, ada):
        await ada.post("/code", contact=MAIL)
        await bed.desk.settle()
        told = [(await ada.post("/enter", contact=MAIL, code=f"{n:08d}")).status_code for n in range(TRIES + 3)]
        assert told == [403] * TRIES + [429] * 3


async def test_too_many_looks_are_cut_short_and_the_rest_still_works(tmp_path: Path) -> None:
    async with centre(tmp_path, "aitoc") as (_, _, ada):
        await ada.come_in()
        told = [(await ada.go("/seen")).status_code for _ in range(LOOKS + 1)]
        assert told[-1] == 429
        assert set(told[:-1]) == {200}
        assert (await ada.go("/choices")).status_code == 200


async def test_signing_out_ends_it(tmp_path: Path) -> None:
    async with centre(tmp_path, "aitoc") as (_, _, ada):
        await ada.come_in()
        assert "signed out" in text_of(await ada.post("/sign-out", session=ada.token))
        assert (await ada.go("/held")).status_code == 403


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        pytest.param(415, {"content-type": "application/json"}, b'{"session": "TOKEN"}', id="json"),
        pytest.param(415, {"content-type": "multipart/form-data; boundary=x"}, b"--x--", id="multipart"),
        pytest.param(415, {}, b"session=TOKEN", id="no-type"),
        pytest.param(413, FORM, b"session=TOKEN&text=" + b"x" * 70_000, id="too-long"),
        pytest.param(400, FORM, b"session=TOKEN&session=TOKEN", id="twice"),
        pytest.param(400, FORM, b"session=TOKEN&choice=a&admin=1", id="a-field-that-no-form-has"),
        pytest.param(400, FORM, b"session=TOKEN&text=%00", id="nul"),
        pytest.param(400, FORM, b"session=TOKEN&text=%ff%fe", id="no-utf-8"),
        pytest.param(400, FORM, "session=TOKEN&text=é".encode(), id="not-encoded"),
        pytest.param(400, FORM, b"&".join(b"a%d=1" % n for n in range(100)), id="a-hundred-fields"),
        pytest.param(403, FORM, b"", id="empty"),
        pytest.param(403, FORM, b"text=Hello", id="without-token"),
        pytest.param(403, FORM, b"session=" + b"x" * 5000, id="a-token-of-any-length"),
    ],
)
async def test_what_no_form_of_ours_sends_is_refused_with_a_page_and_changes_nothing(
    tmp_path: Path, status: int, headers: dict[str, str], body: bytes
) -> None:
    async with centre(tmp_path, "aitpro") as (bed, _, ada):
        await ada.come_in()
        before = await bed.desk.held(ada.token)
        sent = body.replace(b"TOKEN", ada.token.encode())
        answer = await ada.web.post("/complain", content=sent, headers=headers)
        assert answer.status_code == status
        assert '<a href="/policy">' in answer.text
        after = await bed.desk.held(ada.token)
        assert (after["data"], after["requests"]) == (before["data"], before["requests"])


async def test_hostile_words_are_shown_as_words(tmp_path: Path) -> None:
    hostile = '"><script>alert(1)</script>{{ 7 * 7 }}'
    async with centre(tmp_path, "aimini", asked=False) as (bed, _, ada):
        await bed.desk.collect("contact", {"email": MAIL, "message": hostile})
        await ada.come_in()
        for answer in (
            await ada.go("/held"),
            await ada.go("/correct", category="message"),
            await ada.web.post("/download", data={"session": ada.token, "as": "html"}),
        ):
            assert "<script" not in answer.text
            assert "&lt;script&gt;" in answer.text
            assert "{{ 7 * 7 }}" in answer.text


async def test_no_address_of_any_form_or_link_carries_anything_personal(tmp_path: Path) -> None:
    async with centre(tmp_path, "daminion") as (_, _, ada):
        pages = [await ada.come_in(), await ada.go("/held"), await ada.go("/seen"), await ada.go("/choices")]
        for page in pages:
            for address in re.findall(r'(?:href|action|formaction|src)="([^"]*)"', page.text):
                assert "?" not in address
                assert "ada" not in address
                assert not any(token_in(one) in address for one in pages)


async def test_an_unreachable_desk_is_a_page_that_says_so(tmp_path: Path) -> None:
    policy = read(POLICIES / "aimini.yaml")
    async with Client(str(tmp_path / "nobody.sock")) as nobody:
        app = make_centre(nobody, policy, shop_url=SHOP)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://privacy.example") as web:
            for path, fields in (("/held", {"session": "x"}), ("/code", {"contact": MAIL}), ("/", {"session": "x"})):
                answer = await web.post(path, data=fields)
                assert answer.status_code == 503
                assert "Please try again" in text_of(answer)
            assert (await web.get("/policy")).status_code == 200
