"""The demo's addresses: which host name stands for what, and on which ports of this machine."""

import socket
from dataclasses import dataclass
from typing import Final

from avow.errors import OperatorError

SITES: Final = ("aimini", "audiomidi", "aitpro", "aitoc", "daminion")
HTTPS: Final = 8443
COMPANIES: Final = 8444
GUIDE: Final = 8080
LOOPBACK: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Addresses:
    """Every address of a running demo. The sites' are HTTPS below `localhost`; the guide's is plain HTTP."""

    https: int
    companies: int  # HTTPS, too: the outside companies are processes of their own
    guide: int
    smtp: int  # the mailbox
    post: int  # the mail gateway

    def shop(self, site: str) -> str:
        """A shop's origin."""
        return f"https://{site}.localhost:{self.https}"

    def centre(self, site: str) -> str:
        """The origin of a site's privacy centre."""
        return f"https://privacy.{site}.localhost:{self.https}"

    def console(self, site: str) -> str:
        """The origin of a site's staff console."""
        return f"https://console.{site}.localhost:{self.https}"

    @property
    def pay(self) -> str:
        """Cardhouse, the payment company of four of the shops."""
        return f"https://pay.localhost:{self.companies}"

    @property
    def keyhouse(self) -> str:
        """Keyhouse, the registration company that takes aimini's orders."""
        return f"https://keyhouse.localhost:{self.companies}"

    @property
    def start(self) -> str:
        """The guide: the one address to open."""
        return f"http://localhost:{self.guide}"

    @property
    def mail(self) -> str:
        """Where vaults and gateway send their mail."""
        return f"smtp://localhost:{self.smtp}"


def names() -> list[str]:
    """Every host name that the certificate is for; `localhost` itself is the mail server's."""
    kinds = ("{}", "privacy.{}", "console.{}")
    return [kind.format(f"{site}.localhost") for site in SITES for kind in kinds] + [
        "pay.localhost",
        "keyhouse.localhost",
        "localhost",
    ]


def listen(wanted: int, *, only: bool = False) -> socket.socket:
    """A socket that listens on the loopback, on this port or, if it is taken and not the `only` one, on a free one.

    0 asks for a free one. Raises `OperatorError`, with what to do.
    """
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((LOOPBACK, wanted))
    except (OSError, OverflowError) as error:
        made.close()
        if only or not wanted:
            raise OperatorError(f"port {wanted} cannot be had ({error}); stop what uses it, or say another") from None
        return listen(0)
    made.listen(128)
    made.setblocking(False)
    return made


def port_of(listening: socket.socket) -> int:
    """Which port it is."""
    port: int = listening.getsockname()[1]
    return port


def addresses(
    https: socket.socket, companies: socket.socket, guide: socket.socket, smtp: socket.socket, post: socket.socket
) -> Addresses:
    """The addresses that these sockets come to."""
    return Addresses(*(port_of(one) for one in (https, companies, guide, smtp, post)))
