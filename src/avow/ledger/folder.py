"""Reading a ledger's files from a folder: the one place in the ledger that touches a disk, and only to read."""

from hashlib import sha256
from pathlib import Path
from typing import Final

from avow.ledger.published import day_of, named
from avow.ledger.tiles import Read

VERSIONS: Final = "versions"  # the folder beside the tiles


def files(folder: Path) -> Read:
    """A `Read` of what lies in the folder. What is no file there is None."""
    base = str(folder) + "/"

    def read(path: str) -> bytes | None:
        try:
            with open(base + path, "rb", buffering=0) as file:  # noqa: PTH123 - a Path for each of 10,000 tiles costs more than reading them
                return file.read()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None

    return read


def versions(folder: Path) -> list[tuple[str, bytes]]:
    """The published versions of the policy that lie with a log, oldest first: statement and bytes of each. A statement
    that cannot be read stands last.
    """
    notes = [path.read_text(encoding="utf-8", errors="replace") for path in (folder / VERSIONS).glob("*.note")]
    texts = {sha256(data).digest(): data for data in (one.read_bytes() for one in (folder / VERSIONS).glob("*.yaml"))}
    return [(note, texts.get(named(note), b"")) for note in sorted(notes, key=day_of)]
