"""Look for values in every byte under a folder: what was erased must be nowhere, in no common way of writing it."""

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

SHORTEST: Final = 6  # bytes; anything shorter is found by chance
_CHUNK: Final = 1 << 24


class Residue(NamedTuple):
    """Where something was found: the value's label, never the value itself."""

    label: str
    file: Path


def writings(value: bytes) -> Iterator[bytes]:
    """The value as it is, in hexadecimal and base64 at each offset, and, when it is text, in UTF-16 and other case."""
    yield value
    yield value.hex().encode()
    yield value.hex().upper().encode()
    for shift in range(3):  # base64 of a longer text has the value at one of three offsets; its ends are not its own
        coded = base64.b64encode(bytes(shift) + value)
        yield coded[4 if shift else 0 : -4]
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return
    for form in {text, text.casefold(), text.upper()}:
        yield form.encode()
        yield form.encode("utf-16-le")
        yield form.encode("utf-16-be")


def scan(
    folder: Path, values: Mapping[str, bytes], writings: Callable[[bytes], Iterable[bytes]] = writings
) -> tuple[list[Residue], int]:
    """Every file under `folder` that holds one of the labelled values in one of its writings; bytes read.

    Raises `ValueError` for a value too short to be told from chance.
    """
    needles: list[tuple[bytes, str]] = []
    for label, value in values.items():
        if len(value) < SHORTEST:
            raise ValueError(f"the value of `{label}` is shorter than {SHORTEST} bytes, so chance would find it")
        needles += [(needle, label) for needle in set(writings(value)) if len(needle) >= SHORTEST]
    longest = max((len(needle) for needle, _ in needles), default=0)
    found: set[Residue] = set()
    size = 0
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.is_symlink():
            continue
        tail = b""
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                size += len(chunk)
                window = tail + chunk
                found |= {Residue(label, path) for needle, label in needles if needle in window}
                tail = window[-longest:]
    return sorted(found), size
