"""An HTTPS client for the demo's own names: it trusts the demo's authority alone, and looks no name up.

Browsers know that every name below `localhost` is this machine (RFC 6761, 6.3); resolvers do not always.
"""

import ssl
from pathlib import Path

import httpx

from avow.demo.places import LOOPBACK


class Loopback(httpx.AsyncBaseTransport):
    """Connects to this machine whatever the host, and holds the certificate against the host that was asked for."""

    def __init__(self, authority: Path) -> None:
        self._inner = httpx.AsyncHTTPTransport(verify=ssl.create_default_context(cafile=str(authority)))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One request. Raises `httpx.ConnectError` for a name that is not below `localhost`."""
        host = request.url.host
        if host != "localhost" and not host.endswith(".localhost"):
            raise httpx.ConnectError(f"the demo goes to no address outside this machine, and not to {host}")
        inner = httpx.Request(
            request.method, request.url.copy_with(host=LOOPBACK), headers=request.headers, stream=request.stream,
            extensions={**request.extensions, "sni_hostname": host},
        )  # fmt: skip
        return await self._inner.handle_async_request(inner)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


def client(authority: Path) -> httpx.AsyncClient:
    """A client that follows no redirect by itself."""
    return httpx.AsyncClient(transport=Loopback(authority), timeout=20.0)
