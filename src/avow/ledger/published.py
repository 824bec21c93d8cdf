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
from avow.ledger.entry import AT, COMMITMENT, FIXED, POLICY, words
from avow.ledger.faults import LedgerError, Malformed

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
        return _midnight(date.fromisoformat(self.day))

    def text(self) -> str:
        """The note's text."""
        before = _NONE if self.previous is None else b64encode(self.previous).decode()
        return "\n".join((_FIRST, self.site, self.day, b64encode(self.digest).decode(), before, str(self.at))) + "\n"


def _midnight(day: date) -> int:
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


def day_of(note: str) -> str:
    """The day in a statement's text, whoever signed it; of what is none, one after all days."""
    lines = note.split("\n")
    return lines[2] if len(lines) > 2 and _DAY.fullmatch(lines[2]) else "~"


def named(note: str) -> bytes:
    """The digest in a statement's text, whoever signed it."""
    lines = note.split("\n")
    return unbase64(lines[3]) if len(lines) > 3 else b""


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


class Watch:
    """Looks at a whole log, bundle by bundle, for acts under a version that was not in force. `versions`: statement and
    bytes of each, oldest first; `set_right` (ms): by how much a clock may have been.

    A log that speaks of no version, and with which none lies, was made before there were any, and is not looked at.
    """

    def __init__(self, versions: Sequence[tuple[str, bytes]], by: Key, set_right: int) -> None:
        self.wrong: list[tuple[str, str]] = []  # place, message
        self._set_right = set_right
        self._known: dict[bytes, Published] = {}
        self._statements: dict[bytes, Published] = {}  # by what an entry commits to
        self._posted: set[bytes] = set()  # the versions whose `publish` was seen
        self._times: dict[bytes, tuple[bytes, bytes]] = {}  # version -> the moments between which acts are under it
        self._unknown: dict[bytes, int] = {}  # version -> index of the first entry under it
        read_: list[tuple[Published, bytes]] = []
        for number, (note, source) in enumerate(versions, 1):
            try:
                told = read(note, by)
            except LedgerError as error:
                self.wrong.append((f"version {number}", f"its statement is not what the log's key signed: {error}"))
                continue
            read_.append((told, source))
            self._known[told.digest[:16]] = self._statements[committed(note)] = told
            self._times[told.digest[:16]] = _NEVER if told.previous is not None else _ALWAYS
        self.wrong += [("versions", one) for one in broken(read_)]

    def see(self, entries: Sequence[bytes], start: int) -> None:
        """The entries from index `start` on, in the form of entries."""
        for index, entry in enumerate(entries, start):
            if entry[FIXED:] == _POSTED:
                self._post(entry[COMMITMENT])
            begins, ends = self._times.get(entry[POLICY], _NEVER)
            if not begins <= entry[AT] < ends:
                self._out_of_time(entry[POLICY], begins, entry[AT], index)

    def _post(self, commitment: bytes) -> None:
        """A `publish`: from here on acts may be under this version once its day has come, and then under no older one."""
        told = self._statements.get(commitment)
        version = b"" if told is None else told.digest[:16]
        if told is None or told.previous is None or version in self._posted:
            self._posted.add(version)
            return
        self._posted.add(version)
        before, at = told.previous[:16], told.effective
        self._times[version] = (_moment(at - self._set_right), _END)
        self._times[before] = (self._times.get(before, _NEVER)[0], _moment(at + self._set_right))

    def _out_of_time(self, version: bytes, begins: bytes, at: bytes, index: int) -> None:
        told = self._known.get(version)
        if told is None:
            self._unknown.setdefault(version, index)
        elif at < begins:
            self.wrong.append((f"entry {index}", f"it is under the version of {told.day}, which was not in force then"))
        else:
            self.wrong.append(
                (f"entry {index}", f"it is under the version of {told.day}, and a newer one was in force then")
            )

    def end(self) -> list[tuple[str, str]]:
        """All that is wrong, once every entry was seen."""
        if not self._known and not self._posted and not self.wrong:
            return []
        unknown = [
            (f"entry {index}", f"it is under a version, {version.hex()}, that was never published")
            for version, index in self._unknown.items()
        ]
        missing = [
            ("versions", f"the log has no entry that says that the version of {one.day} was published")
            for version, one in self._known.items() if version not in self._posted
        ]  # fmt: skip
        return self.wrong + unknown + missing


def _moment(at: int) -> bytes:
    """As it stands in an entry."""
    return max(at, 0).to_bytes(6, "big")


_POSTED: Final = bytes((len(PUBLISH),)) + PUBLISH.encode() + b"\0"  # kind, and no promises
assert words(_POSTED) == (PUBLISH, ())  # noqa: S101 - the form of an entry's end
_END: Final = b"\xff" * 7  # after every moment
_NEVER: Final = (_END, _END)
_ALWAYS: Final = (_moment(0), _END)
