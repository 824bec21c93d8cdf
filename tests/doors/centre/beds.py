"""A centre of one of the five sites, and somebody who uses it without cookies.

The desk is a real one over real files, which the centre reaches over a socket, as it does in a shop.
"""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from starlette.applications import Starlette

from avow.doors.centre import make_centre
from avow.policy.model import Policy
from avow.wire import Client, serving
from tests.desk.beds import Bed, Clock, desk

MAIL = "ada@quill.example"
SHOP = "https://shop.example"
QUESTION = {"email": MAIL, "message": "When do you open?"}


class Visitor:
    """Somebody with a browser that keeps nothing: goes from page to page by the token that stands in the last one."""

    def __init__(self, bed: Bed, web: httpx.AsyncClient) -> None:
        self.bed = bed
        self.web = web
        self.token = ""

    async def get(self, path: str) -> httpx.Response:
        """A page by its address."""
        return self._checked(await self.web.get(path))

    async def post(self, path: str, **fields: str) -> httpx.Response:
        """A form, as it stands."""
        return self._checked(await self.web.post(path, data=fields))

    async def go(self, path: str, **fields: str) -> httpx.Response:
        """A form with the token of the page at hand; the answer's is kept."""
        answer = await self.post(path, session=self.token, **fields)
        self.token = token_in(answer) or self.token
        return answer

    async def come_in(self) -> httpx.Response:
        """By a code sent to the contact on file."""
        assert (await self.post("/code", contact=MAIL)).status_code == 200
        await self.bed.desk.settle()
        code = re.findall(r"\b\d{8}\b", self.bed.sent[-1].text)[-1]
        answer = await self.post("/enter", contact=MAIL, code=code)
        assert answer.status_code == 200
        self.token = token_in(answer)
        return answer

    def _checked(self, answer: httpx.Response) -> httpx.Response:
        """What holds for every answer whatsoever."""
        assert "set-cookie" not in answer.headers
        assert answer.headers["cache-control"] == "no-store"
        assert answer.status_code < 500
        assert "content-security-policy" in answer.headers
        assert "<script" not in answer.text
        assert answer.headers["x-content-type-options"] == "nosniff"
        return answer


class Centre(NamedTuple):
    """All of it."""

    bed: Bed
    app: Starlette
    ada: Visitor


def token_in(answer: httpx.Response) -> str:
    """The session token in a page, or nothing."""
    found = re.search(r'name="session" value="([^"]*)"', answer.text)
    return found[1] if found else ""


def text_of(answer: httpx.Response) -> str:
    """What a page says, without its markup."""
    body = re.sub(r"<style.*?</style>", "", answer.text, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", body)).split())


@asynccontextmanager
async def centre(
    folder: Path, site: str, *, asked: bool = True, policy: Policy | None = None, clock: Clock | None = None, **more: Any
) -> AsyncIterator[Centre]:  # fmt: skip
    """A centre; `asked`: Ada has sent a question already."""
    address = str(folder / "run/desk.sock")
    async with (
        desk(folder, site, policy=policy, clock=clock) as bed,
        serving(bed.desk, address),
        Client(address) as client,
    ):
        if asked:
            await bed.desk.collect("contact", QUESTION)
        app = make_centre(client, bed.policy, shop_url=SHOP, **more)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url=f"https://privacy.{site}.localhost") as web:
            yield Centre(bed, app, Visitor(bed, web))
