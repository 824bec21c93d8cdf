"""A colleague at the console without a browser: reads the forms of the page they are on, fills them in, sends them."""

import os
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from avow.desk.interface import Desk
from avow.doors.console import make_console
from avow.doors.guard import Report
from avow.policy.model import Policy
from avow.visits import Counted
from avow.wire import Client, serving
from tests.desk.beds import PASSWORD, Bed, desk

POLICY_PAGE = "https://privacy.shop.example/policy"
FORM = {"content-type": "application/x-www-form-urlencoded"}
AGREEMENT = "What I read at work I keep to myself.\n\nThis holds when I have left, too."


def origin(policy: Policy) -> str:
    """Where the console of a site is in these tests."""
    return f"https://console.{policy.site}.example"


class Form(NamedTuple):
    """One form of a page: where it goes, and what it sends when nobody changes anything."""

    action: str
    fields: Mapping[str, str]
    choices: Mapping[str, Sequence[str]]  # what boxes and lists offer


class _Reader(HTMLParser):
    """Collects the forms of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str], dict[str, list[str]]]] = []
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append((found.get("action", ""), {}, {}))
        elif self.forms and tag == "input":
            kind, name = found.get("type"), found.get("name", "")
            if kind == "checkbox":
                self.forms[-1][2].setdefault(name, []).append(found["value"])
            else:
                self.forms[-1][1][name] = found.get("value", "")
        elif self.forms and tag == "textarea":
            self.forms[-1][1][found["name"]] = ""  # empty on every page that robots fill in
        elif self.forms and tag == "select":
            self._select = found["name"]
        elif self.forms and tag == "option":
            self.forms[-1][2].setdefault(self._select, []).append(found["value"])


class Robot:
    """One colleague. What they see is `text` and `status`; `says` is the text without its tags."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.answer = httpx.Response(0)

    @property
    def status(self) -> int:
        return self.answer.status_code

    @property
    def text(self) -> str:
        return self.answer.text

    @property
    def says(self) -> str:
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", self.text)).split())

    @property
    def forms(self) -> list[Form]:
        reader = _Reader()
        reader.feed(self.text)
        return [Form(*each) for each in reader.forms]

    @property
    def session(self) -> str:
        """The token that the page carries."""
        found = re.search(r'name="session" value="([\w-]+)"', self.text)
        assert found, f"no session on: {self.says}"
        return found[1]

    def form(self, action: str, *named: str, **having: str) -> Form:
        """The first form of the page that goes there, has these fields, and these hidden values."""
        for one in self.forms:
            fields = {*one.fields, *one.choices}
            if one.action == action and having.items() <= one.fields.items() and fields.issuperset(named):
                return one
        raise AssertionError(f"no such form to {action} on: {self.says}")

    async def open(self, path: str = "/") -> "Robot":
        self.answer = await self.client.get(path)
        return self

    async def send(self, path: str, fields: Mapping[str, Any], **headers: str) -> "Robot":
        """Post what no page offers."""
        self.answer = await self.client.post(
            path, data=fields, headers={k.replace("_", "-"): v for k, v in headers.items()}
        )
        return self

    async def submit(self, action: str, having: Mapping[str, str] | None = None, /, **filled: Any) -> "Robot":
        """Fill in a form of the page and send it."""
        return await self.send(action, {**self.form(action, *filled, **(having or {})).fields, **filled})

    async def sign_in(self, name: str, password: str = PASSWORD) -> "Robot":
        await self.open("/")
        return await self.submit("/", name=name, password=password)


class Site(NamedTuple):
    """A console over a real desk over a real site."""

    bed: Bed
    client: httpx.AsyncClient
    reports: list[Report]  # what the guard found

    @property
    def desk(self) -> Desk:
        return self.bed.desk

    async def join(self, name: str, role: str, *, sign: bool = True) -> Robot:
        """A new colleague, who has come by an invitation and signed what there is to sign."""
        robot = await Robot(self.client).open("/accept")
        invitation = await self.bed.desk.invite_first(name, role)
        await robot.submit("/accept", invitation=invitation, password=PASSWORD, again=PASSWORD)
        if sign and any(form.action == "/agreement" for form in robot.forms):
            await robot.submit("/agreement", agreed="yes")
        return robot


@asynccontextmanager
async def console(
    folder: Path,
    site: str,
    *,
    agreement: str = AGREEMENT,
    wired: bool = False,
    policy: Policy | None = None,
    counted: Counted | None = None,
) -> AsyncIterator[Site]:
    """The console of one of the five sites, with an agreement in force; `policy`: another one of the site. `wired`: the desk is asked over a socket."""
    async with desk(folder, site, policy=policy) as bed, AsyncExitStack() as stack:
        if agreement:
            await bed.desk.set_agreement(agreement)
        asked: Desk = bed.desk
        if wired:
            address = str(folder / "run" / "desk.sock")
            await stack.enter_async_context(serving(bed.desk, address))
            asked = await stack.enter_async_context(Client(address))
        reports: list[Report] = []
        app = make_console(
            asked, bed.policy, origin=origin(bed.policy), policy_page=POLICY_PAGE, clock=bed.clock, random=os.urandom,
            report=reports.append, counted=counted,
        )  # fmt: skip
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url=origin(bed.policy)) as client:
            yield Site(bed, client, reports)
