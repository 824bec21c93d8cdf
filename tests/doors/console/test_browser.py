"""The console in a real Chromium: without JavaScript, with a passkey, at every width, in light and dark."""

import socket
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from tests.desk.beds import PASSWORD
from tests.doors.console.browser import faultless, front, listening, nothing_stored, press, touch

QUOTE = {"name": "Bea Marrow", "email": "bea@marrow.example", "message": "A shop?", "phone": "+44 20 7946 0991"}
BUYER = {
    "name": "Ada Quill",
    "email": "ada@quill.example",
    "postal-address": "7 Lantern Lane, Farwater",
    "items": "2 bundles",
}
AUTHENTICATOR = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
    "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip


async def test_a_whole_day_without_javascript_leaves_nothing_in_the_browser(tmp_path: Path) -> None:
    async with front(tmp_path, "aitpro") as at:
        await at.bed.desk.collect("quote", QUOTE)
        context = await at.context(java_script_enabled=False)
        page = await context.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        await at.invited(page, "kim", "support")
        await press(page, "Find")
        await page.get_by_label("What you were told").select_option("phone")
        await page.get_by_label("As the person said or wrote it").fill(QUOTE["phone"])
        await press(page, "Look up")
        async with page.expect_navigation():
            await touch(page.get_by_role("button", name="Quote"))
        assert QUOTE["phone"] not in await page.content()
        await press(page, "May I call?")
        await page.get_by_text(QUOTE["phone"]).wait_for()
        await press(page, "Back to the task")
        await page.get_by_text("What else we hold").click()
        await page.get_by_label("Ask for", exact=True).select_option("postal-address")
        await press(page, "Ask, and be told why not")
        await page.get_by_role("heading", name="Refused").wait_for()
        await page.get_by_text("AIT-12").wait_for()
        await press(page, "Back to the task")
        await page.get_by_label("The request is answered").check()
        await press(page, "Close the request")
        await page.get_by_text("Nothing waits").wait_for()
        await press(page, "My account")
        await press(page, "Make a passkey")
        await page.get_by_text("Your password works without").wait_for()
        await nothing_stored(context)
        await press(page, "Sign out")
        await page.get_by_text("You are signed out").wait_for()
        assert all(url.startswith(at.origin) and "?" not in url for url in asked)


async def test_a_passkey_is_made_and_opens_the_console_and_no_other_key_does(tmp_path: Path) -> None:
    async with front(tmp_path, "aimini") as at:
        context = await at.context()
        page = await context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        devices = await context.new_cdp_session(page)
        await devices.send("WebAuthn.enable")
        device = await devices.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
        await at.invited(page, "kim", "support")
        await press(page, "My account")
        await press(page, "Make a passkey")
        await touch(page.get_by_role("button", name="Make it now"))
        await page.get_by_text("Your passkey is kept").wait_for()
        await press(page, "Sign out")

        async def sign_in(name: str) -> None:
            await page.goto(at.origin)
            await page.get_by_label("Your name").fill(name)
            await press(page, "Use my passkey instead")
            await touch(page.get_by_role("button", name="Use my passkey", exact=True))

        await sign_in("kim")
        await page.get_by_role("heading", name="Open requests").wait_for()
        await nothing_stored(context)
        await press(page, "Sign out")
        await at.bed.desk.accept(await at.bed.desk.invite_first("lee", "admin"), PASSWORD)
        await sign_in("lee")  # with the passkey of Kim
        await page.get_by_text("That passkey does not show who you are").wait_for()
        await devices.send("WebAuthn.clearCredentials", {"authenticatorId": device["authenticatorId"]})
        await sign_in("kim")  # with none
        await page.get_by_text("No passkey came of it").wait_for()
        assert errors == []


async def test_every_page_is_accessible_on_phone_and_desk_in_light_and_dark(tmp_path: Path) -> None:
    async with front(tmp_path, "aitoc") as at:
        await at.bed.desk.collect("contact", {"email": "ada@quill.example", "message": "When do you open?\n\nAda"})
        context = await at.context()
        page = await context.new_page()
        await page.goto(at.origin)
        await faultless(page)
        await page.get_by_label("Your name").fill("nobody")
        await page.get_by_label("Password").fill(PASSWORD)
        for name in ("Sign in", "Use my passkey instead"):
            await press(page, name)
            await faultless(page)
        await page.goto(f"{at.origin}/accept")
        await page.get_by_label("Invitation").fill("made up")
        await page.get_by_label("New password").fill(PASSWORD)
        await page.get_by_label("The same password again").fill(PASSWORD)
        await press(page, "Join the staff")
        await faultless(page)
        await at.invited(page, "pat", "admin")
        for name in ("Staff", "Record", "Find", "My account", "Make a passkey", "Requests"):
            await press(page, name)
            await faultless(page)
        await press(page, "Staff")
        await page.locator("#name").fill("mo")
        await press(page, "Make an invitation")
        await faultless(page)
        await at.invited(page, "kim", "support")
        await faultless(page)
        async with page.expect_navigation():
            await touch(page.get_by_role("button", name="Answer"))
        await faultless(page)
        await page.get_by_label("Message").check()
        await press(page, "Show what I ticked")
        await page.get_by_text("When do you open?").wait_for()
        await page.get_by_text("What else we hold").click()
        await faultless(page)
        await press(page, "Ask, and be told why not")
        await faultless(page)
        await press(page, "Sign out")
        await faultless(page)


async def test_the_agreement_is_accessible_and_signed_by_keyboard_alone(tmp_path: Path) -> None:
    async with front(tmp_path, "aitoc") as at:
        context = await at.context()
        page = await context.new_page()
        await page.goto(f"{at.origin}/accept")
        for text in (await at.bed.desk.invite_first("kim", "support"), PASSWORD, PASSWORD):
            await page.keyboard.press("Tab")
            while await page.evaluate("document.activeElement.tagName") != "INPUT":
                await page.keyboard.press("Tab")
            await page.keyboard.type(text)
        await page.keyboard.press("Enter")
        await page.get_by_role("heading", name="Confidentiality agreement").wait_for()
        await faultless(page)
        while await page.evaluate("document.activeElement.id") != "agreed":
            await page.keyboard.press("Tab")
        await page.keyboard.press("Space")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await page.get_by_role("heading", name="Open requests").wait_for()


async def test_a_form_of_another_site_that_knows_the_token_is_turned_away_in_a_browser(tmp_path: Path) -> None:
    async with front(tmp_path, "aimini") as at:
        session = await at.bed.staff("kim", "support")
        form = f'<form method="post" action="{at.origin}/queue"><input name="session" value="{session}"><button>Go</button>'

        async def trap(_: Request) -> Response:
            return HTMLResponse(form)

        listener = socket.create_server(("127.0.0.1", 0))
        elsewhere = f"http://elsewhere.localhost:{listener.getsockname()[1]}"
        async with listening(Starlette(routes=[Route("/", trap)]), listener):
            page = await (await at.context()).new_page()
            await page.goto(elsewhere)
            await press(page, "Go")
            await page.get_by_text("This did not come from here").wait_for()
        assert (await at.bed.desk.colleague(session))["name"] == "kim"  # the token was not spent


async def test_the_pages_of_a_case_are_accessible_and_its_package_comes_as_a_file(tmp_path: Path) -> None:
    """TOC-10."""
    async with front(tmp_path, "aitoc") as at:
        await at.bed.desk.collect("order", BUYER)
        await at.bed.desk.add_recipient("agency")
        fay, finn = [await (await at.context()).new_page() for _ in range(2)]
        await at.invited(fay, "fay", "fraud-desk")
        await at.invited(finn, "finn", "fraud-desk")
        await press(fay, "Cases")
        await faultless(fay)
        async with fay.expect_navigation():
            await touch(fay.get_by_role("button", name="They ask for data").first)
        await fay.get_by_label("Which one").fill("nobody@quill.example")
        await fay.get_by_label("Their reference").fill("Az. 12/2026")
        await fay.locator("#covers-email").check()
        await fay.get_by_label("Last day on which it may go out").fill("2026-03-20")
        await press(fay, "Put it forward")
        await fay.get_by_text("Nobody is held under that").wait_for()
        await faultless(fay)
        await fay.get_by_label("Which one").fill(BUYER["email"])
        await press(fay, "Put it forward")
        await faultless(fay)
        await press(finn, "Cases")
        await faultless(finn)
        await finn.get_by_label("Which one").fill(BUYER["email"])
        await finn.get_by_label("I have read what they sent").check()
        async with finn.expect_navigation():
            await touch(finn.get_by_role("button", name="Agree"))
        await faultless(finn)
        async with finn.expect_download() as coming:
            await finn.get_by_role("button", name="Get the package").click()
        assert (await coming.value).suggested_filename.endswith(".jose")
        await press(finn, "Get the package")  # of a page that is no longer true
        await finn.get_by_role("heading", name="Refused").wait_for()
        await press(finn, "Cases")
        await finn.get_by_text("passed on").wait_for()
        await faultless(finn)
        for page in (fay, finn):
            await nothing_stored(page.context)


async def test_what_may_be_passed_on_for_a_task_is_accessible(tmp_path: Path) -> None:
    async with front(tmp_path, "audiomidi") as at:
        await at.bed.desk.collect("contact", {"email": BUYER["email"], "message": "Hello"})
        page = await (await at.context()).new_page()
        await at.invited(page, "kim", "support")
        async with page.expect_navigation():
            await touch(page.get_by_role("button", name="Answer").first)
        await page.get_by_text("Pass data on to").click()
        await faultless(page)
        await press(page, "Pass it on as a file")
        await page.get_by_text("Tick what is to go out").wait_for()
        await faultless(page)
