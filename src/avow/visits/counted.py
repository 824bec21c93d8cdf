"""All that one site counts of its visits, as its policy has it: statistics, an operational log, both, or nothing."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from avow.errors import OperatorError, Refused
from avow.policy.model import Policy
from avow.store.visits import HOUR, Addresses, Cell, Day, Look, Visited
from avow.visits.counting import Live, Visits
from avow.visits.log import Entry, Log
from avow.visits.promised import ADDRESS, Promised

if TYPE_CHECKING:
    from avow.visits.network import Names

LOOKS: Final = 30 * 24 * HOUR  # ms that looks are shown for


@dataclass(frozen=True, slots=True)
class Files:
    """Where a site's visits lie."""

    folder: Path
    site: str

    @property
    def visits(self) -> Path:
        """The statistics."""
        return self.folder / f"{self.site}.visits.db"

    @property
    def addresses(self) -> Path:
        """The operational log."""
        return self.folder / f"{self.site}.addresses.db"

    @property
    def keys(self) -> Path:
        """What seals it: keep it out of backups."""
        return self.folder / f"{self.site}.addresses.keys"


class Counted:
    """For one site. `visits`, `stored` and `log` are None where the policy promises nothing of the kind.

    `stored` is what the statistics are read from; `visits` is there in the process that counts, and only there.
    `look` gives `stored` and `log` anew, where another process makes them.
    """

    def __init__(
        self, promised: Promised, visits: Visits | None, stored: Visited | None, log: Log | None,
        look: Callable[[], tuple[Visited | None, Log | None]] | None = None,
    ) -> None:  # fmt: skip
        self.promised: Final = promised
        self.visits: Final = visits
        self.stored = stored
        self.log = log
        self._look = look

    @classmethod
    def open(
        cls, policy: Policy, folder: Path, *, random: Callable[[int], bytes], now: int, names: "Names | None" = None
    ) -> "Counted":
        """To count, one process at a time. A policy that promises nothing of visits makes no file.

        What is due in the operational log is erased before this returns. Raises `SecondWriter`, `OperatorError`.
        """
        promised, files = Promised.of(policy), Files(folder, policy.site)
        visits, stored, log = None, None, None
        if promised.categories:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if promised.statistics:
            stored = Visited.open(files.visits, policy.site)
            visits = Visits(promised.categories, stored, random=random, names=names)
        if promised.kept:
            log = Log(Addresses.open(files.addresses, policy.site), files.keys, promised.kept, random)
            log.erase(now)
        return cls(promised, visits, stored, log)

    @classmethod
    def reading(cls, policy: Policy, folder: Path, *, random: Callable[[int], bytes]) -> "Counted":
        """To look, beside the process that counts. What that one has not made yet is None, and looked for again."""
        promised, files = Promised.of(policy), Files(folder, policy.site)

        def look() -> tuple[Visited | None, Log | None]:
            stored, log = None, None
            if promised.statistics:
                with suppress(OperatorError):
                    stored = Visited.reading(files.visits, policy.site)
            if promised.kept:
                with suppress(OperatorError):
                    log = Log(Addresses.beside(files.addresses, policy.site), files.keys, promised.kept, random)
            return stored, log

        return cls(promised, None, *look(), look)

    @property
    def nothing(self) -> bool:
        """Whether the policy promises nothing of visits."""
        return not self.promised.categories

    # -- what the web application tells ---------------------------------------------------------------------------

    def answered(self, now: int, address: str, status: int) -> None:
        """A request was answered."""
        if self.log is not None:
            self.log.note(now, address, status)

    def page(self, now: int, address: str, agent: str, part: str, cookie: str) -> None:
        """... with a page; see `Visits.page`."""
        if self.visits is not None:
            self.visits.page(now, address, agent, part, cookie)

    def settle(self, now: int) -> None:
        """What is over goes to the disk, and what is due goes from it. Raises `Unavailable`; then it is tried again."""
        if self.log is not None:
            self.log.settle(now)
        if self.visits is not None:
            self.visits.settle(now)

    def close(self) -> None:
        """Write what is enough to be written, forget the rest, give the files back."""
        if self.visits is not None:
            self.visits.close()
        elif self.stored is not None:
            self.stored.close()
        if self.log is not None:
            self.log.close()

    # -- what a colleague is shown ---------------------------------------------------------------------------------

    def purposes(self, role: str) -> list[str]:
        """For what the role may look at the statistics."""
        return self.promised.purposes(role, self.promised.statistics)

    def log_purposes(self, role: str) -> list[str]:
        """For what the role may look at the operational log."""
        category = self.promised.categories.get(ADDRESS)
        return self.promised.purposes(role, [category]) if category and self.log is not None else []

    def statistics(
        self, role: str, purpose: str, since: int, until: int, *, standing: bool
    ) -> tuple[list[Cell], list[Day]]:
        """Cells and days of that time. Raises `Refused` where the policy lets the role use none of it for the purpose."""
        self.promised.may(role, purpose, self.promised.statistics, standing=standing)
        if self.stored is None and self._look is not None:
            self.stored, self.log = self._look()
        if self.stored is None:
            return [], []
        return self.stored.cells(since, until), self.stored.days(since, until)

    def live(self, role: str, purpose: str, now: int, *, standing: bool) -> Live | None:
        """Who is here, in round numbers; None where another process counts. Raises `Refused`."""
        self.promised.may(role, purpose, self.promised.statistics, standing=standing)
        return None if self.visits is None else self.visits.live(now)

    def addresses(self, role: str, purpose: str, now: int, *, standing: bool) -> list[Entry]:
        """The operational log, newest first. The look is counted before anything is shown, and so is a refusal.

        Raises `Refused` with the promises that refuse.
        """
        category = self.promised.categories.get(ADDRESS)
        if category is None or self.log is None:
            raise Refused((), "no promise allows an operational log of addresses")
        hour = now // HOUR * HOUR
        try:
            ids = self.promised.may(role, purpose, [category], standing=standing)
        except Refused as refused:
            self.log.store.looked(Look(hour, role, purpose, " ".join(refused.promises), shown=False, times=1))
            raise
        self.log.store.looked(Look(hour, role, purpose, " ".join(ids), shown=True, times=1))
        return self.log.entries(now)

    def looks(self, now: int) -> Sequence[Look]:
        """Who looked at the operational log within the last 30 days, or was refused."""
        return [] if self.log is None else self.log.store.looks(now - LOOKS)
