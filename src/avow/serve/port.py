"""Under which names a site is found, and where the doors listen."""

import socket
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from avow.errors import CallError, OperatorError


@dataclass(frozen=True, slots=True)
class Names:
    """Under which names a site's doors are found; `{site}` stands for the site's. Empty: that door stays shut."""

    centre: str = "privacy.{site}.localhost"
    console: str = "console.{site}.localhost"
    api: str = "api.{site}.localhost"
    shop: str = ""  # the shop's own address, for the way back; by default the controller's
    centre_url: str = ""  # the centre's own address for links in mails; by default what its name comes to


@dataclass(frozen=True, slots=True)
class Port:
    """Where it listens, and what browsers see of that. `proxy`: a reverse proxy in front of it speaks TLS."""

    host: str
    number: int
    certificate: Path | None = None
    key: Path | None = None
    proxy: bool = False

    @classmethod
    def of(cls, listen: str, certificate: Path | None, key: Path | None, *, proxy: bool) -> "Port":
        """From HOST:PORT. Raises `CallError` for what is none, or would send personal data over the network in clear."""
        host, _, number = listen.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not host or not number.isascii() or not number.isdigit() or int(number) > 65535:
            raise CallError(f"`--listen {listen}` is no HOST:PORT; say for example 127.0.0.1:8080")
        if (certificate is None) != (key is None):
            raise CallError("a certificate and its key come together: give --tls-cert and --tls-key")
        for file in (certificate, key):
            if file is not None and not file.is_file():
                raise CallError(f"there is no file `{file}`; name the certificate chain and its key, in PEM")
        if certificate is None and not proxy and not _here(host):
            raise CallError(
                f"on `{host}` others would read along; give --tls-cert and --tls-key, or --proxy where a reverse proxy "
                "in front speaks TLS"
            )
        return cls(host, int(number), certificate, key, proxy)

    def origin(self, name: str) -> str:
        """What a browser shows of this name."""
        if self.proxy:
            return f"https://{name}"
        scheme, usual = ("https", 443) if self.certificate else ("http", 80)
        return f"{scheme}://{name}" + ("" if self.number == usual else f":{self.number}")

    def opened(self) -> socket.socket:
        """The socket. Raises `OperatorError`.

        It knows that it is TCP, which one fresh from `create_server` does not say, and asyncio asks for before it turns
        Nagle's algorithm off: else each answer to a post waits for the browser's delayed acknowledgement, 40 ms.
        """
        try:
            family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
            made = socket.create_server((self.host, self.number), family=family, backlog=1024)
            return socket.socket(fileno=made.detach())
        except OSError as error:
            raise OperatorError(
                f"cannot listen on {self.host}:{self.number}: {error.strerror}; choose another --listen, or stop who has it"
            ) from None


def _here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
