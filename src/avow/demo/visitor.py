"""Somebody who walks through the sites without a browser: reads the forms of the page, fills them in, sends them.

As a browser would, over real HTTPS; without JavaScript, as every page works without it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from typing import Final, NamedTuple
from urllib.parse import urljoin, urlsplit

import httpx

_MOST: Final = 8  # redirects in a row


class Lost(Exception):
    """The page is not what it should be: what was looked for, and where. Carries nothing that was typed."""


class Button(NamedTuple):
    """What a button adds to the form, and where it sends it instead, if it says so."""

    name: str = ""
    value: str = ""
    action: str = ""


@dataclass(slots=True)
class Form:
    """One form: where it goes, what it sends when nobody changes anything, and its buttons by their words."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    boxes: dict[str, str] = field(default_factory=dict)  # names of boxes -> the value each sends when ticked
    required: set[str] = field(default_factory=set)
    buttons: dict[str, Button] = field(default_factory=dict)


class _Reader(HTMLParser):
    """Collects forms and links of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[tuple[str, str]] = []  # words, address
        self._open = False
        self._said: list[str] | None = None
        self._of: tuple[str, dict[str, str]] = ("", {})
        self._list = ""
        self._area = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what the tag begins."""
        found = {name: value or "" for name, value in attrs}
        name = found.get("name", "")
        if tag == "form":
            self.forms.append(Form(found.get("action", ""), found.get("method", "get").lower()))
            self._open = True
        elif tag in {"a", "button"}:
            self._said, self._of = [], (tag, found)
        elif not self._open:
            return
        elif tag == "input" and found.get("type") in {"checkbox", "radio"}:
            if "checked" in found:
                self.forms[-1].fields[name] = found.get("value", "on")
            self.forms[-1].boxes.setdefault(name, found.get("value", "on"))
        elif tag in {"input", "textarea"} and name:
            self.forms[-1].fields[name] = found.get("value", "")
            self._area = name if tag == "textarea" else ""
            if "required" in found:
                self.forms[-1].required.add(name)
        elif tag == "select":
            self._list = name
        elif tag == "option" and ("selected" in found or self._list not in self.forms[-1].fields):
            self.forms[-1].fields[self._list] = found.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        """Note what has ended."""
        if tag == "form":
            self._open = False
        elif tag == "textarea":
            self._area = ""
        elif self._said is not None and tag == self._of[0]:
            words, found = " ".join("".join(self._said).split()), self._of[1]
            self._said = None
            if tag == "a":
                self.links.append((words, found.get("href", "")))
            elif self._open:
                button = Button(found.get("name", ""), found.get("value", ""), found.get("formaction", ""))
                self.forms[-1].buttons[words] = button

    def handle_data(self, data: str) -> None:
        """Words of a link or a button, or what stands in a large field."""
        if self._area:
            self.forms[-1].fields[self._area] += data
        if self._said is not None:
            self._said.append(data)


class Visitor:
    """One visitor with a memory of cookies, as `client` has it. `text`, `status` and `url` are of the page they are on."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self.url = ""
        self.status = 0
        self.text = ""
        self._page = _Reader()

    @property
    def says(self) -> str:
        """The page's words."""
        bare = re.sub(r"<(style|script|title)\b.*?</\1>", " ", self.text, flags=re.DOTALL)
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", bare)).split())

    @property
    def forms(self) -> list[Form]:
        """The page's forms."""
        return self._page.forms

    async def go(self, url: str) -> None:
        """Open an address, and follow where it leads."""
        await self._arrive(await self._client.get(url))

    async def follow(self, words: str) -> None:
        """Follow the first link that has these words. Raises `Lost`."""
        for said, address in self._page.links:
            if words in said:
                await self.go(urljoin(self.url, address))
                return
        raise Lost(f"no link says `{words}` on {self._place()}")

    async def send(self, action: str, values: Mapping[str, str] | None = None, *, button: str = "") -> None:
        """Fill in the form that goes to this address, by the button that says so if one is named; send it.

        Raises `Lost` where there is none, or where it has no such field.
        """
        form, chosen = self.form(action, button)
        given = dict(form.fields)
        for name, value in (values or {}).items():
            if name not in form.fields and name not in form.boxes:
                raise Lost(f"the form `{action}` on {self._place()} has no field `{name}`")
            given[name] = value
        if chosen.name:
            given[chosen.name] = chosen.value
        url = urljoin(self.url, chosen.action or form.action)
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(self.url))
        if form.method == "post":
            await self._arrive(await self._client.post(url, data=given, headers={"origin": origin}))
        else:
            await self._arrive(await self._client.get(url, params=given))

    def form(self, action: str, button: str = "") -> tuple[Form, Button]:
        """The form that goes to this address, and the button: the one whose words begin so, or the first that goes there."""
        for form in self.forms:
            for words, chosen in (form.buttons or {"": Button()}).items():
                path = urlsplit(urljoin(self.url, chosen.action or form.action)).path
                if path.endswith(action) and words.startswith(button):
                    return form, chosen
        raise Lost(f"no form goes to `{action}` on {self._place()}{f' by `{button}`' if button else ''}")

    async def _arrive(self, answer: httpx.Response) -> None:
        for _ in range(_MOST):
            if not answer.has_redirect_location:
                break
            request = answer.next_request or answer.request
            answer = await self._client.send(request)
        self.url, self.status, self.text = str(answer.url), answer.status_code, answer.text
        self._page = _Reader()
        self._page.feed(self.text)

    def _place(self) -> str:
        """Where they are, without what a query or a path's token might tell."""
        parts = urlsplit(self.url)
        return f"{parts.netloc}{parts.path.rpartition('/')[0]}/ ({self.status})"
