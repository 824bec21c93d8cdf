"""What goes out: cookies held to the policy, headers put on, pages of HTML looked at. Everything else passes untouched,
message by message.
"""

import zlib
from collections.abc import Callable, Iterable
from typing import Final

from avow.doors.guard.arrival import Arrival
from avow.doors.guard.asgi import Message, Scope, Send
from avow.doors.guard.cookies import Asked, hold
from avow.doors.guard.headers import NO_DOCUMENT, NO_STORE, TAKEN_OUT, TOLD, VALIDATORS, Header
from avow.doors.guard.looking import Looking
from avow.doors.guard.report import Kind, Report
from avow.doors.guard.setting import Setting

_HTML: Final = (b"text/html", b"application/xhtml+xml")
_PLAIN: Final = frozenset({b"content-type", b"content-length", b"content-encoding", b"vary", b"allow"})
_LENGTHS: Final = frozenset({b"content-length", b"content-encoding"})


class Answering:
    """The `send` of one request."""

    __slots__ = (
        "_encoding",
        "_facts",
        "_held",
        "_here",
        "_page",
        "_parts",
        "_place",
        "_scope",
        "_send",
        "_setting",
        "_size",
        "_start",
        "_static",
    )

    def __init__(
        self, setting: Setting, scope: Scope, here: Arrival, place: Callable[[], str], send: Send,
        facts: set[object], held: frozenset[str],
    ) -> None:  # fmt: skip
        self._setting = setting
        self._scope = scope
        self._here = here
        self._place = place
        self._send = send
        self._facts = facts
        self._held = held
        self._page = False  # a page is being gathered
        self._parts: list[bytes] = []
        self._size = 0
        self._start: Message = {}
        self._encoding = b""
        # where nothing may be left behind in a browser, that holds for copies, too
        self._static = scope["path"].startswith(setting.static) and not setting.rules.no_cookies

    def tell(self, kind: Kind, promises: tuple[str, ...], says: str) -> None:
        """Report something about this answer."""
        self._setting.tell(Report(kind, self._place(), promises, says))

    async def send(self, message: Message) -> None:
        """Pass one message on, or gather it."""
        kind = message["type"]
        if kind == "http.response.body":
            if self._page:
                await self._gather(message)
            else:
                await self._send(message)
        elif kind in ("http.response.start", "websocket.http.response.start", "websocket.accept"):
            await self._begin(message)
        elif kind == "http.response.trailers":
            await self._send({**message, "headers": self._without_cookies(message.get("headers", ()))})
        elif not kind.startswith("http.response."):  # a hint or push of the application's would go past the policy
            await self._send(message)

    async def _begin(self, message: Message) -> None:
        headers, kind = self._headers(list(message.get("headers", ())))
        if not self._setting.report_only:
            message = {**message, "headers": headers}
        whole = message["type"] == "http.response.start" and kind.startswith(_HTML)
        if whole and message["status"] not in (204, 304):
            if self._scope["method"] != "HEAD":
                self._page, self._start = True, message
                return
            if not self._setting.report_only:
                message["headers"] = [one for one in headers if one[0] not in _LENGTHS]
        await self._send(message)

    def _without_cookies(self, headers: Iterable[Header]) -> list[Header]:
        return [(name, value) for name, value in headers if name.lower() not in TAKEN_OUT]

    def _headers(self, given: list[Header]) -> tuple[list[Header], bytes]:
        """The headers to send, and the content type."""
        out: list[Header] = []
        content = b""
        for name, value in given:
            low = name.lower()
            if b"\n" in value or b"\r" in value or b"\0" in value:
                self.tell("header", (), "a header with a line break in it; removed")
            elif low in _PLAIN:
                out.append((low, value))
                if low == b"content-type":
                    content = value.strip().lower()
                elif low == b"content-encoding":
                    self._encoding = value.strip().lower()
            elif low == b"set-cookie":
                out += [(low, one) for one in self._cookie(value)]
            elif low == b"location":
                out.append((low, self._looking().location(value.decode("latin-1")).encode("latin-1")))
            elif self._may_stay(low, value):
                out.append((low, value))
        return out + self._ours(content), content

    def _ours(self, content: bytes) -> list[Header]:
        """The headers that are put on something of this type."""
        setting = self._setting
        on_this_machine = self._here.on_this_machine
        if content.startswith(NO_DOCUMENT):
            ours = setting.few_headers[on_this_machine]
        else:
            ours = setting.headers[on_this_machine, setting.scripted(self._scope["path"])]
        return ours if self._static else [*ours, NO_STORE]

    def _may_stay(self, name: bytes, value: bytes) -> bool:
        """Whether a header of the application's is passed on."""
        setting = self._setting
        if name in TAKEN_OUT:
            if name in TOLD:
                self.tell("header", setting.rules.subresource, f"the header `{name.decode()}`; removed")
            return False
        if name == b"access-control-allow-origin" and value.decode("latin-1") not in setting.own:
            self.tell("header", (), "leave for pages of other sites to read this; removed")
            return False
        if name in VALIDATORS:  # a browser would send it back
            return self._static
        return name != b"cache-control" or self._static

    def _cookie(self, value: bytes) -> list[bytes]:
        here = self._here
        asked = Asked(self._scope["path"], self._facts, self._held, here.gpc, self._setting.clock())
        allowed, findings = hold(self._setting.rules, value, asked)
        for finding in findings:
            self.tell("cookie", finding.promises, finding.says)
        return allowed

    def _looking(self) -> Looking:
        return Looking(self._setting, self._scope["path"], self.tell)

    # -- pages of HTML ----------------------------------------------------------------------------------------------

    async def _gather(self, message: Message) -> None:
        part = message.get("body", b"")
        self._parts.append(part)
        self._size += len(part)
        if self._size > self._setting.max_page:
            await self._let_go("a page too large to be looked at; shown as it is", more=message.get("more_body", False))
        elif not message.get("more_body", False):
            await self._finish()

    async def _let_go(self, why: str, *, more: bool) -> None:
        """Pass on what was gathered, and the rest as it comes."""
        self._page = False
        self.tell("notice", self._setting.rules.leaving, why)
        await self._send(self._start)
        await self._send({"type": "http.response.body", "body": b"".join(self._parts), "more_body": more})

    async def _finish(self) -> None:
        body = b"".join(self._parts)
        start = self._start
        try:
            plain = _unpacked(body, self._encoding, self._setting.max_page)
        except ValueError as error:
            await self._unreadable(str(error))
            return
        page = self._looking().page(plain, whole=start["status"] == 200)
        if not self._setting.report_only and (page is not plain or self._encoding):
            kept = [one for one in start["headers"] if one[0] not in _LENGTHS]
            start = {**start, "headers": [*kept, (b"content-length", b"%d" % len(page))]}
            body = page
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body, "more_body": False})

    async def _unreadable(self, why: str) -> None:
        if self._setting.report_only:
            await self._let_go(why, more=False)
            return
        self.tell("notice", self._setting.rules.leaving, f"{why}; not shown")
        kept = [one for one in self._start["headers"] if one[0] not in {*_LENGTHS, b"content-type"}]
        text = b"This page was packed in a way that cannot be looked at, so it is not shown.\n"
        headers = [*kept, (b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(text))]
        await self._send({"type": "http.response.start", "status": 500, "headers": headers})
        await self._send({"type": "http.response.body", "body": text, "more_body": False})


def _unpacked(body: bytes, encoding: bytes, limit: int) -> bytes:
    """The page itself. Raises ValueError for what cannot be unpacked, or is too large then."""
    if encoding in (b"", b"identity"):
        return body
    if encoding not in (b"gzip", b"x-gzip", b"deflate"):
        raise ValueError("a page in an unknown encoding")
    machine = zlib.decompressobj(47 if encoding != b"deflate" else 15)  # 47: gzip or zlib, by its first bytes
    try:
        page = machine.decompress(body, limit)
    except zlib.error as error:
        raise ValueError("a page that is not packed as it says") from error
    if machine.unconsumed_tail or not machine.eof:
        raise ValueError("a page too large to be looked at")
    return page
