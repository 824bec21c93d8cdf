"""Which sites are served, and where their parts are."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from avow.errors import CallError
from avow.policy.model import Policy
from avow.start import Places
from avow.store import POSTGRES, SQLITE

Tell = Callable[[str, str], None]  # the site, and a line about it
DESK, OPERATOR = "desk.sock", "operator.sock"


@dataclass(frozen=True, slots=True)
class Site:
    """One site. `address`: where its desk is reached; `operator`: the socket that no web process is given."""

    policy: Policy
    url: str
    folder: Path
    address: str
    operator: str

    @property
    def name(self) -> str:
        """As the policy says."""
        return self.policy.site


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where sites have their data and sockets, as the command line says it; `{site}` stands for the site's name.

    By default the data of a site are in `data/SITE.db`, its keys and log in a folder beside that, and the sockets in
    that folder. `private` is an address for the desk, HOST:PORT, in place of its socket.
    """

    data: Path
    database: str | None = None
    folder: str | None = None
    socket: str | None = None
    operator: str | None = None
    private: str | None = None

    def sites(self, policies: list[Policy]) -> list[Site]:
        """Each policy's site. Raises `CallError` for what cannot be meant."""
        names = [one.site for one in policies]
        if twice := {name for name in names if names.count(name) > 1}:
            raise CallError(f"two of the policies are for the site `{min(twice)}`; name one of them")
        for option, given in (
            ("--database", self.database if (self.database or "").startswith(SQLITE) else None),
            ("--folder", self.folder), ("--socket", self.socket), ("--operator", self.operator),
            ("--private", self.private),
        ):  # fmt: skip
            if given is not None and len(policies) > 1 and "{site}" not in given:
                raise CallError(f"`{option} {given}` is for one site, and there are more; put {{site}} into it")
        return [self._site(policy) for policy in policies]

    @property
    def sockets(self) -> str:
        """The desks' sockets, with `{site}` for the site: all that the doors need to know."""
        if self.socket:
            return self.socket
        if self.folder:
            return f"{self.folder}/{DESK}"
        if not self._url.startswith(SQLITE):
            return str(self.data / "{site}.avow" / DESK)
        return f"{self._url.removeprefix(SQLITE)}.avow/{DESK}"

    @property
    def _url(self) -> str:
        return self.database or f"{SQLITE}{self.data / '{site}.db'}"

    def _site(self, policy: Policy) -> Site:
        def own(pattern: str) -> str:
            return pattern.replace("{site}", policy.site)

        url = own(self._url)
        if not url.startswith((SQLITE, *POSTGRES)):
            raise CallError(f"`{url}` names no database; say sqlite:///shop.db or postgresql://host/name")
        folder = self.folder or (None if url.startswith(SQLITE) else str(self.data / "{site}.avow"))
        kept = Places.of(url, own(folder) if folder else None).keys.parent
        address = own(self.private) if self.private else str(Path(own(self.sockets)).absolute())
        operator = own(self.operator) if self.operator else operator_at(kept)
        return Site(policy, url, kept, address, str(Path(operator).absolute()))


def operator_at(folder: Path) -> str:
    """The address of the operator's socket of a site whose keys and log are in this folder, unless it was moved."""
    return str((folder / OPERATOR).absolute())
