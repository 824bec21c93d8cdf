"""What somebody tries who should not get in, or a colleague who should not get further. Nothing of it changes anything."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from avow.app import Avow
from avow.desk.interface import IDLE, TRIES
from avow.desk.passwords import Passwords
from avow.doors.console.app import ACTS, FILES
from avow.errors import Unavailable
from tests.desk.beds import PASSWORD
from tests.doors.console.robot import FORM, Robot, Site, console, origin

SECRET = "The letter that nobody else may read"
QUESTION = {"email": "ada@quill.example", "message": SECRET}
PATHS = (*ACTS, *FILES, "/", "/accept", "/agreement", "/passkey", "/passkey/answer", "/sign-out")


class Scene(NamedTuple):
    """Kim of support has taken up Ada's question; another one waits."""

    at: Site
    kim: Robot
    look: dict[str, str]  # what Kim's form to look posts, but for the session


@asynccontextmanager
async def scene(folder: Path, site: str = "aitpro", *, wired: bool = False) -> AsyncIterator[Scene]:
    async with console(folder, site, wired=wired) as at:
        await at.desk.collect("contact", QUESTION)
        at.bed.clock.forward(minutes=1)
        await at.desk.collect("contact", {"email": "bea@marrow.example", "message": "Another letter"})
        kim = await at.join("kim", "support")
        await kim.submit("/task", {"purpose": "answer"})
        look = {k: v for k, v in kim.form("/look").fields.items() if k != "session"}
        yield Scene(at, kim, {**look, "category": "message"})


async def unchanged(on: Scene) -> None:
    """Both requests are still open and Kim still works."""
    waiting = await on.at.bed.shop.queue.open(tuple(on.at.bed.policy.requests), 10)
    assert len(waiting) == 2
    await on.kim.sign_in("kim")
    assert sum(form.action == "/task" for form in on.kim.forms) == 2


async def test_a_task_is_over_when_its_request_is_closed(tmp_path: Path) -> None:
    async with scene(tmp_path, wired=True) as on:
        await on.kim.submit("/close", answered="yes")
        for path in ("/look", "/task", "/close"):
            await on.kim.send(path, {**on.look, "session": on.kim.session, "answered": "yes"})
            assert (on.kim.status, "No such request is open" in on.kim.says) == (400, True)
            assert SECRET not in on.kim.text


async def test_no_leave_to_look_lies_in_the_browser_and_one_from_elsewhere_does_not_count(tmp_path: Path) -> None:
    async with scene(tmp_path) as on:
        assert set(on.look) == {"request", "purpose", "category"}
        lee = await on.at.join("lee", "support")
        theirs = (await on.at.desk.task(on.kim.session, on.look["request"], "answer"))["task"]
        other = next(
            one.row.hex()
            for one in await on.at.bed.shop.queue.open(tuple(on.at.bed.policy.requests), 9)
            if one.row.hex() != on.look["request"]
        )
        await lee.send("/look", {**on.look, "request": other, "task": theirs, "session": lee.session})
        assert "Another letter" in lee.text
        assert SECRET not in lee.text
        mo = await on.at.join("mo", "fulfilment")
        await mo.send("/look", {**on.look, "task": theirs, "session": mo.session})
        assert mo.status == 403
        assert SECRET not in mo.text
        await unchanged(on)


async def test_a_request_is_taken_up_for_no_purpose_but_its_own(tmp_path: Path) -> None:
    async with scene(tmp_path) as on:
        for purpose in (*on.at.bed.policy.purposes, "", "rights", "anything"):
            if purpose != "answer":
                await on.kim.send("/look", {**on.look, "purpose": purpose, "session": on.kim.session})
                assert (on.kim.status, "Refused" in on.kim.says) == (403, True)
                assert SECRET not in on.kim.text
        await unchanged(on)


async def test_a_colleague_who_leaves_is_stopped_in_the_middle_of_a_session(tmp_path: Path) -> None:
    """TOC-13."""
    async with scene(tmp_path) as on:
        pat = await on.at.join("pat", "admin")
        await pat.submit("/staff")
        await pat.submit("/dismiss", leaver="kim")
        await on.kim.submit("/look", category=["message"])
        assert (on.kim.status, "You are not signed in" in on.kim.says) == (403, True)
        assert SECRET not in on.kim.text


async def test_a_token_is_good_for_one_page_and_a_session_ends_when_nothing_happens(tmp_path: Path) -> None:
    async with scene(tmp_path) as on:
        old = on.kim.session
        await on.kim.submit("/queue")
        fresh = on.kim.session
        await on.kim.send("/queue", {"session": old})
        assert on.kim.status == 403
        await on.kim.send("/queue", {"session": fresh})
        assert on.kim.status == 200
        on.at.bed.clock.forward(milliseconds=IDLE + 1)
        await on.kim.submit("/queue")
        assert on.kim.status == 403
        await on.kim.sign_in("kim")
        token = on.kim.session
        await on.kim.submit("/sign-out")
        await on.kim.send("/queue", {"session": token})
        assert on.kim.status == 403


async def test_a_customer_is_no_colleague(tmp_path: Path) -> None:
    async with scene(tmp_path, "daminion") as on:
        for path in ("/queue", "/find", "/record", "/account", "/staff", "/look"):
            session = await on.at.desk.register(
                "registration", {"name": "Cy", "email": "cy@x.example"}, password=PASSWORD
            )
            robot = await Robot(on.at.client).send(path, {**on.look, "session": session})
            assert (robot.status, "You are not signed in" in robot.says) == (403, True)


async def test_a_thousand_guessed_tokens_open_nothing(tmp_path: Path) -> None:
    dice = random.Random(7)
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
    async with scene(tmp_path) as on:
        guesser = Robot(on.at.client)
        for number in range(1000):
            token = "".join(dice.choices(letters, k=43))
            if number % 4 == 0:
                token = "".join(dice.sample(on.kim.session, len(on.kim.session)))
            path = ("/queue", "/look", "/record", "/agreement")[number % 4]
            await guesser.send(path, {**on.look, "session": token})
            assert guesser.status == 403
            assert SECRET not in guesser.text
        await on.kim.submit("/queue")
        assert on.kim.status == 200


async def test_passwords_are_guessed_a_few_times_and_an_unknown_name_is_answered_alike(tmp_path: Path) -> None:
    async with scene(tmp_path) as on:
        answers: dict[str, list[tuple[int, str]]] = {}
        for name in ("kim", "nobody"):
            robot = Robot(on.at.client)
            answers[name] = []
            for guess in range(TRIES + 1):
                await robot.open("/")
                await robot.submit("/", name=name, password=f"a wrong password {guess}")
                answers[name].append((robot.status, robot.text.replace(name, "")))
        assert answers["kim"] == answers["nobody"]
        assert [status for status, _ in answers["kim"]] == [403] * TRIES + [429]


async def test_a_form_on_another_site_does_nothing(tmp_path: Path) -> None:
    async with scene(tmp_path) as on:
        fields = {"session": on.kim.session, "request": on.look["request"], "answered": "yes", "category": "message"}
        for headers in (
            {"origin": "https://elsewhere.example"},
            {"origin": "null", "sec-fetch-site": "cross-site"},
            {"origin": "https://shop.aitpro.example", "sec-fetch-site": "same-site"},
            {"origin": f"{origin(on.at.bed.policy)}.elsewhere.example"},
            {"origin": "http://console.aitpro.example"},
        ):
            for path in PATHS:
                answer = await on.at.client.post(path, data=fields, headers=headers)
                assert answer.status_code == 403
                assert "This did not come from here" in answer.text
        await on.kim.submit("/queue")  # the token was not even spent
        assert on.kim.status == 200
        await unchanged(on)


BODIES = [
    b"session=a&session=b", b"session=%00", b"session=%ff%fe", b"\xff\xfe=1", b"&&&&===", b"session", b"",
    b"a=1&" * 200, b"session=" + b"x" * 70_000, b"session=" + b"x" * 3_000, b"%", b"session=%zz", b"\0" * 40,
    b"session=%F0%9F%92%A9&request=" + b"%E2%80%AE" * 50, b"__proto__=1&constructor=2",
]  # fmt: skip
HOSTILE = [
    "", "'", '"><script>alert(1)</script>', "{{7*7}}", "%00", "../../etc/passwd", "' OR 1=1 --", "💥" * 60, "\u202eevil",
    "-1", "9" * 400, "null", "[]", '{"a":1}', "\r\nSet-Cookie: a=b", "a" * 2_000, "a" * 3_000, "ﬁ", "\x7f", "answer\n",
]  # fmt: skip
ANSWERS = [
    "", "{}", "[]", "null", '"', "[" * 16_000, '{"id":1,"rawId":"a","type":"b","response":{}}', "9" * 5_000,
    '{"id":"\\ud800","rawId":"a","type":"b","response":{}}', '{"id":"a","rawId":"a","type":"public-key","response":[]}',
    '{"id":"a","rawId":"a","type":"public-key","response":{"clientDataJSON":"AA","attestationObject":"AA"}}',
    '{"id":"a","rawId":"a","type":"public-key","response":{"clientDataJSON":{"a":1}}}', '{"id":1e999}', "NaN",
]  # fmt: skip


async def test_bodies_that_no_form_sends_are_turned_away(tmp_path: Path) -> None:
    async with scene(tmp_path, wired=True) as on:
        for path in PATHS:
            for body in BODIES:
                answer = await on.at.client.post(path, content=body, headers=FORM)
                assert answer.status_code < 500, body[:40]
                assert SECRET not in answer.text
            for kind in ("application/json", "text/plain", "multipart/form-data; boundary=x", ""):
                answer = await on.at.client.post(path, content=b"session=x", headers={"content-type": kind})
                assert answer.status_code == 415
            for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
                assert (await on.at.client.request(method, path)).status_code == 405
        await unchanged(on)


async def test_hostile_texts_in_every_field_change_nothing_and_are_shown_as_texts(tmp_path: Path) -> None:
    fields = ("request", "purpose", "task", "category", "value", "mark", "agreed", "answered", "name", "role", "leaver")
    async with scene(tmp_path, wired=True) as on:
        for path in (*sorted(ACTS.keys() - {"/passkeys", "/close"}), "/agreement"):
            for text in HOSTILE:
                await on.kim.send(path, {"session": on.kim.session, **dict.fromkeys(fields, text)})
                assert on.kim.status < 500, (path, text)
                assert "<script>alert" not in on.kim.text
                assert "set-cookie" not in on.kim.answer.headers
        for text in HOSTILE:
            await on.kim.send("/close", {"session": on.kim.session, "answered": "yes", "request": text})
            assert on.kim.status in {400, 413}
        await unchanged(on)


async def test_what_an_authenticator_would_never_say_is_turned_away(tmp_path: Path) -> None:
    async with scene(tmp_path, wired=True) as on:
        for text in ANSWERS:
            await on.kim.submit("/account")
            await on.kim.submit("/passkeys/new")
            await on.kim.submit("/passkeys", answer=text)
            assert on.kim.status in {400, 403}
        visitor = Robot(on.at.client)
        for text in ANSWERS[:TRIES]:
            await visitor.open("/")
            await visitor.send("/passkey", {"name": "kim"})
            await visitor.submit("/passkey/answer", answer=text)
            assert visitor.status in {400, 403}
        await on.kim.submit("/account")
        assert "Passkeys none" in on.kim.says
        await unchanged(on)


async def test_what_customers_wrote_is_shown_as_text(tmp_path: Path) -> None:
    async with console(tmp_path, "aitpro") as at:
        evil = "<script>alert(1)</script>\n{{ session }}\n<img src=x onerror=alert(2)>"
        await at.desk.collect("contact", {"email": "eve@evil.example", "message": evil, "name": '"><b>'})
        kim = await at.join("kim", "support")
        await kim.submit("/task", {"purpose": "answer"})
        await kim.submit("/look", category=["message", "name"])
        assert "<script>alert" not in kim.text
        assert "<img" not in kim.text
        assert "<b>" not in kim.text
        assert "&lt;script&gt;alert(1)" in kim.text


async def test_while_the_desk_cannot_answer_pages_say_so_and_show_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unavailable(*_: object, **__: object) -> None:
        raise Unavailable("the database did not answer")

    async with scene(tmp_path) as on:
        fields = on.kim.form("/look").fields
        monkeypatch.setattr(Avow, "use_all", unavailable)
        await on.kim.send("/look", {**fields, "category": "message"})
        assert (on.kim.status, "Nothing was shown" in on.kim.says) == (503, True)
        monkeypatch.undo()
        await on.kim.submit("/queue")
        assert on.kim.status == 200
        monkeypatch.setattr(Passwords, "fitting", unavailable)
        await on.kim.sign_in("kim")
        assert on.kim.status == 503
