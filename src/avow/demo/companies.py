"""The outside companies' process: Cardhouse and Keyhouse, each with data and a policy of its own.

They are no part of any site: no desk's socket is known here, and all that a merchant shares with them is a secret.
"""

import asyncio
import os
import smtplib
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Final

import httpx
from starlette.types import ASGIApp, Receive, Scope, Send

from avow.app import Avow
from avow.demo.loopback import client
from avow.demo.serving import SiteClock, Told, examples, serve
from avow.policy.parse import read

BRANDS: Final = {"pay.localhost": "cardhouse", "keyhouse.localhost": "keyhouse"}
NOTICES: Final = "/payments/notice"  # where a shop takes them in
_TIMED_OUT: Final = 0  # as `deliver` says that nobody answered


class Company:
    """One brand as an ASGI app that opens its own data when it starts."""

    def __init__(self, told: Told, brand: str, host: str) -> None:
        self._told = told
        self._brand = brand
        self._host = host
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or its whole life."""
        if scope["type"] != "lifespan":
            assert self._app is not None  # noqa: S101 - the server asks nothing before it has started
            await self._app(scope, receive, send)
            return
        async with self._opened() as app:
            self._app = app
            await app(scope, receive, send)

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[ASGIApp]:
        from examples import processor  # noqa: PLC0415 - found once `examples()` has said where
        from examples.processor.app import make_processor  # noqa: PLC0415 - as above
        from examples.processor.books import Books  # noqa: PLC0415 - as above
        from examples.processor.notices import Merchant  # noqa: PLC0415 - as above

        at, home = self._told.at, Path(self._told.folder) / self._brand
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        merchants = {
            site: Merchant(site, bytes.fromhex(secret), at.shop(site), at.shop(site) + NOTICES)
            for site, secret in self._told.secrets.items()
        }
        policy = read(Path(processor.__file__).parent / f"{self._brand}.yaml")
        books = Books(home / "books.db")
        try:
            async with (
                Avow.open(policy, f"sqlite:///{home}/vault.db", demo=True, private="attested") as shop,
                client(self._told.certificates.authority) as post,
            ):
                yield make_processor(
                    shop, books, merchants=merchants, deliver=_deliver(post), mail=_mail(self._told, policy.controller.name),
                    clock=lambda: datetime.now(UTC), random=os.urandom, hosts=(f"{self._host}:{at.companies}",),
                )  # fmt: skip
        finally:
            books.close()


def _deliver(post: httpx.AsyncClient) -> Any:
    async def deliver(url: str, headers: Mapping[str, str], body: bytes) -> int:
        try:
            return (await post.post(url, headers=dict(headers), content=body)).status_code
        except httpx.HTTPError:
            return _TIMED_OUT

    return deliver


def _mail(told: Told, name: str) -> Any:
    trusted = ssl.create_default_context(cafile=str(told.certificates.authority))

    def send(to: str, subject: str, text: str) -> None:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = (
            f"{name} <orders@{name.split(maxsplit=1)[0].lower()}.example>",
            to,
            subject,
        )
        mail.set_content(text)
        with smtplib.SMTP("localhost", told.at.smtp, timeout=10) as server:
            server.starttls(context=trusted)
            server.send_message(mail)

    async def mail(to: str, subject: str, text: str) -> None:
        await asyncio.to_thread(send, to, subject, text)

    return mail


def apps(told: Told) -> dict[str, ASGIApp]:
    """Host name -> app."""
    return {host: Company(told, brand, host) for host, brand in BRANDS.items()}


def main() -> None:
    """Serve until told to stop."""
    examples()
    told = Told.read()
    serve(told, apps(told), SiteClock(0))  # whose own clock nobody moves


if __name__ == "__main__":
    main()
