"""Reading a ledger's files from a folder: the one place in the ledger that touches a disk, and only to read."""

from pathlib import Path

from avow.ledger.tiles import Read


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
