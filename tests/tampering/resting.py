"""The tamperings of a closed site's files: noticed when it opens, or by who looks afterwards."""

import shutil
from collections.abc import Callable
from typing import Final

from avow.errors import OperatorError, Tampered
from tests.tampering.site import Site, flipped

FILES: Final = "shop.db*"


def _older(site: Site, *names: str) -> None:
    """These files and folders as they were half-way."""
    here, older = site.folder / "corner", site.folder / "older"
    for name in names:
        for path in here.glob(name):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        for path in older.glob(name):
            target = here / path.relative_to(older)
            shutil.copytree(path, target) if path.is_dir() else shutil.copy2(path, target)


def database_rolled_back(site: Site) -> None:
    _older(site, FILES)


def ledger_rolled_back(site: Site) -> None:
    _older(site, "avow/ledger")


def checkpoints_rolled_back(site: Site) -> None:
    """The checkpoint beside the tiles still tells of more than an older one; the other way round nothing is lost."""
    _older(site, FILES, "avow/checkpoints")


def database_and_ledger_rolled_back(site: Site) -> None:
    _older(site, FILES, "avow/ledger")


def keystore_rolled_back(site: Site) -> None:
    _older(site, "avow/keys")


def journal_rolled_back(site: Site) -> None:
    _older(site, "avow/keys.journal")


def keystore_and_journal_rolled_back(site: Site) -> None:
    _older(site, "avow/keys", "avow/keys.journal")


def everything_rolled_back(site: Site) -> None:
    """All that the thief can reach. Only the checkpoint that the auditor holds is newer."""
    _older(site, FILES, "avow/keys", "avow/keys.journal", "avow/ledger", "avow/checkpoints")


def _bit(name: str) -> Callable[[Site], None]:
    def tamper(site: Site) -> None:
        found = sorted(path for path in (site.folder / "corner" / "avow").glob(name) if path.is_file())
        path = site.dice.choice(found)
        path.write_bytes(flipped(path.read_bytes(), site.dice))

    tamper.__name__ = f"bit of {name}"
    return tamper


def bit_of_wrap_in_the_file(site: Site) -> None:
    """Where a wrap lies in the file of wraps."""
    (path,) = (site.folder / "corner" / "avow" / "keys").glob("wraps-*.db")
    data = bytearray(path.read_bytes())
    at = data.index(site.dice.choice(site.noted_wraps))
    data[at + site.dice.randrange(93)] ^= 1 << site.dice.randrange(8)
    path.write_bytes(data)


def bit_of_ledger(site: Site) -> None:
    """In a file that the newest checkpoint speaks of; narrower ones from before it are of no use to anybody."""
    path = site.folder / "corner" / "avow" / "ledger" / site.dice.choice(site.noted_tiles)
    path.write_bytes(flipped(path.read_bytes(), site.dice))


def bit_of_value_in_the_file(site: Site) -> None:
    path = site.folder / "corner" / "shop.db"
    data = bytearray(path.read_bytes())
    value = site.dice.choice(site.noted_values)
    at = data.index(value)
    data[at + site.dice.randrange(len(value))] ^= 1 << site.dice.randrange(8)
    path.write_bytes(data)


KINDS: Final[tuple[Callable[[Site], None], ...]] = (
    database_rolled_back, ledger_rolled_back, checkpoints_rolled_back, database_and_ledger_rolled_back,
    keystore_rolled_back, journal_rolled_back, keystore_and_journal_rolled_back, everything_rolled_back,
    _bit("root.key"), _bit("keys/epoch-*.key"), _bit("keys/keystore"), _bit("keys.journal"), _bit("checkpoints/checkpoint"),
    bit_of_ledger, bit_of_wrap_in_the_file, bit_of_value_in_the_file,
)  # fmt: skip


async def noticed(site: Site, kind: Callable[[Site], None]) -> bool:
    """Close, tamper, open and look; then put every file back and open again."""
    await site.note()
    await site.close()
    corner, aside = site.folder / "corner", site.folder / "aside"
    shutil.copytree(corner, aside)
    try:
        kind(site)
        try:
            await site.open()
            return bool([*site.verified(), *await site.faults(site.people)])
        except (Tampered, OperatorError):
            return True
        finally:
            await site.close()
    finally:
        shutil.rmtree(corner)
        shutil.move(aside, corner)
        await site.open()
