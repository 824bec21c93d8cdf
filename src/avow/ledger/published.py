"""The statement of one published version of a policy: which bytes, which day, after which version, and when published.

A signed note (C2SP signed-note) by the log's key. Its text cannot be a checkpoint's: the first line is no origin. The log's
entries of the kinds `publish` and `in-force` commit to the note. Format: docs/formats.md, 3.7. Pure.
"""

import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Final, NamedTuple

from avow.ledger.checkpoint import Key, Signer, open_note, unbase64
from avow.ledger.faults import Malformed

PUBLISH: Final = "publish"  # the kinds of entry
IN_FORCE: Final = "in-force"
_FIRST: Final = "avow-version/v1"
_NONE: Final = "-"
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_MOMENT: Final = re.compile(r"0|[1-9][0-9]{0,15}")


class Published(NamedTuple):
    """What a statement says. `day`: from its first moment on, UTC, the version is in force; `digest`: SHA-256 of its
    bytes; `previous`: that of the version published before it, None of the first; `at` (ms): when it was published.
    """

    site: str
    day: str
    digest: bytes
    previous: bytes | None
    at: int

    @property
    def effective(self) -> int:
        """The moment (ms) from which it is in force."""
        return first_moment(date.fromisoformat(self.day))

    def text(self) -> str:
        """The note's text."""
        before = _NONE if self.previous is None else b64encode(self.previous).decode()
        return "\n".join((_FIRST, self.site, self.day, b64encode(self.digest).decode(), before, str(self.at))) + "\n"


def first_moment(day: date) -> int:
    """When a day begins, UTC, in ms since 1970."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000


def state(one: Published, signer: Signer) -> str:
    """The statement as a signed note."""
    text = one.text()
    return f"{text}\n{signer.sign(text)}"


def read(note: str, by: Key) -> Published:
    """What this key stated. Raises `Malformed`, `Unproved`."""
    text, _ = open_note(note, (by,))
    lines = text[:-1].split("\n")
    if len(lines) != 6 or lines[0] != _FIRST or not _DAY.fullmatch(lines[2]) or not _MOMENT.fullmatch(lines[5]):
        raise Malformed("a version's statement has six lines: its form, the site, a day, two digests and a moment")
    try:
        date.fromisoformat(lines[2])
    except ValueError:
        raise Malformed(f"`{lines[2]}` is no day") from None
    digest, before = unbase64(lines[3]), None if lines[4] == _NONE else unbase64(lines[4])
    if len(digest) != 32 or (before is not None and len(before) != 32):
        raise Malformed("the digests in a version's statement are 32 bytes in base64")
    return Published(lines[1], lines[2], digest, before, int(lines[5]))


def committed(note: str) -> bytes:
    """What an entry of the log commits to: the note may be shown to anybody, so there is no opening."""
    return sha256(b"avow/1 version\n" + note.encode()).digest()


def broken(versions: Sequence[tuple[Published, bytes]]) -> Iterator[str]:
    """What is wrong with a site's versions, oldest first, each with its bytes: one chain, days and moments that grow."""
    before: Published | None = None
    for one, source in versions:
        if sha256(source).digest() != one.digest:
            yield f"the version of {one.day} is not the text that was published"
        if one.previous != (before and before.digest):
            yield f"the version of {one.day} does not follow the one that was published before it"
        if before is not None and (one.day <= before.day or one.at < before.at):
            yield f"the version of {one.day} was published after a later one, that of {before.day}"
        if before is not None and one.effective <= one.at:
            yield f"the version of {one.day} was published when its day had begun"
        before = one
