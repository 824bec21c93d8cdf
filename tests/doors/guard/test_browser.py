"""AIM-2, AIT-16 in a real Chromium: a page full of other people's things, by itself and behind the guard."""

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from playwright.async_api import async_playwright
from starlette.requests import Request
from starlette.responses import HTMLResponse

from tests.doors.guard.sites import TOKEN, app_of, guarded
from tests.journeys.test_notice_page import ARGUMENTS

PAGE = """<a href="/privacy">2004-06-10</a> <img src="{ads}/image"> <script src="{ads}/script"></script>
<iframe src="{ads}/frame"></iframe> <link rel="stylesheet" href="{ads}/style">
<script>localStorage.x = 1; document.cookie = "b=1"</script>
<style>@import "{ads}/import"; body {{ background: url({ads}/background) }}</style>
<form action="{ads}/form" method="post"><button>Send</button></form>"""
LOADS = {"/image", "/script", "/frame", "/style", "/import", "/background", "/form"}


@asynccontextmanager
async def served(app: Any, door: socket.socket) -> AsyncIterator[str]:
    """The application on a real server, and its origin."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    running = asyncio.create_task(server.serve(sockets=[door]))
    try:
        yield f"http://localhost:{door.getsockname()[1]}"
    finally:
        server.should_exit = True
        await running


@pytest.mark.parametrize("behind", [False, True], ids=["by-itself", "behind-the-guard"])
async def test_aim_2_ait_16_nothing_is_stored_and_nothing_loads_from_others(behind: bool) -> None:
    asked: set[str] = set()
    sent = asyncio.Event()

    async def others(request: Request) -> HTMLResponse:
        asked.add(request.url.path)
        if request.url.path == "/form":
            sent.set()
        return HTMLResponse("")

    async with served(app_of(others), socket.create_server(("127.0.0.1", 0))) as ads:

        def page(_: Request) -> HTMLResponse:
            answer = HTMLResponse(PAGE.format(ads=ads.replace("localhost", "127.0.0.1")))
            answer.set_cookie("a", TOKEN)
            return answer

        app: Any = app_of(page)
        if behind:
            app = guarded(app, "aimini", hosts=["localhost"], plain_hosts=["localhost"])
        chromium = shutil.which("chromium") or shutil.which("chromium-browser")
        async with served(app, socket.create_server(("127.0.0.1", 0))) as shop, async_playwright() as play:
            browser = await play.chromium.launch(executable_path=chromium, args=[*ARGUMENTS])
            context = await browser.new_context()
            tab = await context.new_page()
            blocked = asyncio.Event()
            tab.on("console", lambda told: blocked.set() if "form-action" in told.text else None)
            await tab.goto(f"{shop}/")
            await tab.click("button", no_wait_after=True)
            await asyncio.wait_for((blocked if behind else sent).wait(), 15)
            state = await context.storage_state()
            await browser.close()
    if behind:
        assert (asked, state) == (set(), {"cookies": [], "origins": []})
    else:  # so that the look would see it
        assert asked >= LOADS
        assert {cookie["name"] for cookie in state["cookies"]} == {"a", "b"}
        assert state["origins"] != []
