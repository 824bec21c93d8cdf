"""Around the API: a body has its bounds, and what is answered is kept by nobody."""

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from avow.doors.api.problems import problem

LARGEST: Final = 1 << 20  # bytes of a body
_HEADERS: Final = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'",
    "cross-origin-resource-policy": "same-origin",
}


class Around:
    """Reads a body before anything looks at it, and no more of it than may be."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if scope["scheme"] == "https":
                    headers["strict-transport-security"] = "max-age=31536000; includeSubDomains"
            await send(message)

        body = await _read(receive)
        if body is None:
            says = f"the body has more than {LARGEST:,} bytes, or was cut off"
            await problem(413, "body", says, headers={"connection": "close"})(scope, receive, answer)
            return
        whole: Message = {"type": "http.request", "body": body, "more_body": False}
        told = [whole]

        async def again() -> Message:
            return told.pop() if told else await receive()

        await self._app(scope, again, answer)


async def _read(receive: Receive) -> bytes | None:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        if len(body) > LARGEST:
            return None
        if not message.get("more_body"):
            return bytes(body)
