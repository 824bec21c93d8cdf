"""Bring in the customers that a shop already has: CSV or JSON lines, with their provenance and no wider use.

An imported datum is held as if the person had given it through the form named: for that form's purposes and terms,
counted from the day it was collected, if the file says so. Opt-outs and do-not-contact entries made here before stand.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Final

from avow.errors import AvowError, BadValue
from avow.gate import Actor
from avow.policy.model import CHANNELS, SITE, Policy
from avow.practices.agreeing import Agreeing
from avow.practices.collecting import THEIR_OWN, Collecting, Submission
from avow.practices.finding import Finding
from avow.practices.words import unknown

BATCH: Final = 100
COLLECTED: Final = "collected"  # the column with the day on which the person gave the data
OPT_OUT: Final = "opt-out"  # the column with the channels that the person has opted out of, separated by spaces


@dataclass(slots=True)
class Imported:
    """What came of it. `faults` says per line of the file why it was left out; no message carries a value."""

    people: int = 0
    known: int = 0  # already found here by a look-up value, and left as they are but for new opt-outs
    subjects: list[str] = field(default_factory=list)
    faults: list[tuple[int, str]] = field(default_factory=list)


def rows(text: str, kind: str) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Line number and fields of each record; `kind` is csv or jsonl. Raises `BadValue` for a file that is neither."""
    if kind == "csv":
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        try:
            for row in reader:
                if None in row or None in row.values():
                    raise BadValue(f"line {reader.line_num} has another number of fields than the header")
                yield reader.line_num, row
        except csv.Error as error:
            raise BadValue(f"line {reader.line_num} is no CSV: {error}") from None
        return
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise BadValue(f"line {number} is no JSON: {error.msg} at column {error.colno}") from None
        if not isinstance(row, dict) or not all(isinstance(value, str) for value in row.values()):
            raise BadValue(f"line {number} is not an object of texts")
        yield number, row


class Importing:
    """For one site."""

    def __init__(self, policy: Policy, collecting: Collecting, agreeing: Agreeing, finding: Finding) -> None:
        self._policy = policy
        self._collecting = collecting
        self._agreeing = agreeing
        self._finding = finding

    async def bring(
        self, records: Iterable[tuple[int, Mapping[str, str]]], form: str, source: str, columns: Mapping[str, str],
        no_card: frozenset[str] = frozenset(),
    ) -> Imported:  # fmt: skip
        """Import all records, a hundred a transaction; one that is refused or malformed is left out and reported.

        `columns` maps the file's column names to the policy's categories where they differ; a column mapped to ""
        is not read. `no_card`: categories whose doubtful numbers are known to be no cards. `source` is where the data come from, in words: it stands in each person's export.
        Raises `UnknownWord` before any record is taken when the first one has a column that means nothing here.
        """
        if not source.strip() or source in THEIR_OWN:
            raise BadValue("say in `source` where the data come from, for example `shop database, May 2026`")
        out = Imported()
        batch: list[tuple[int, Submission]] = []
        for place, (number, record) in enumerate(records):
            if place == 0:  # of a table, the header
                self._check_columns(record, columns)
            try:
                batch.append((number, replace(_submission(record, form, source, columns), no_card=no_card)))
            except BadValue as error:
                out.faults.append((number, str(error)))
            if len(batch) == BATCH:
                await self._write_new(batch, out)
                batch = []
        await self._write_new(batch, out)
        return out

    def _check_columns(self, record: Mapping[str, str], columns: Mapping[str, str]) -> None:
        names = (*self._policy.categories, COLLECTED, OPT_OUT)
        for column in record:
            if (name := columns.get(column, column)) and name not in names:
                raise unknown("category", name, names)

    async def _write_new(self, batch: list[tuple[int, Submission]], out: Imported) -> None:
        """Those who are not found here yet; of the others, what they opted out of. Importing again changes nothing."""
        known = await self._finding.known([submission for _, submission in batch])
        for (number, one), subjects in zip(batch, known, strict=True):
            out.known += bool(subjects)
            try:
                for subject in subjects if one.opted_out else ():
                    await self._agreeing.opt_out(subject, one.opted_out, one.actor)
            except AvowError as error:
                out.faults.append((number, str(error)))
        await self._write([one for one, found in zip(batch, known, strict=True) if not found], out)

    async def _write(self, batch: list[tuple[int, Submission]], out: Imported) -> None:
        """All at once; if one of them is at fault, one by one, so that the others are not held up by it."""
        if not batch:
            return
        try:
            subjects = await self._collecting.collect([submission for _, submission in batch])
        except AvowError as error:
            if len(batch) == 1:
                out.faults.append((batch[0][0], str(error)))
                return
            for one in batch:
                await self._write([one], out)
            return
        out.people += len(subjects)
        out.subjects += [subject.hex() for subject in subjects]


def _submission(record: Mapping[str, str], form: str, source: str, columns: Mapping[str, str]) -> Submission:
    given: dict[str, str] = {}
    collected: int | None = None
    channels: tuple[str, ...] = ()
    for column, value in record.items():
        name = columns.get(column, column)
        if not name or not value.strip():
            continue
        if name == COLLECTED:
            collected = _day(value)
        elif name == OPT_OUT:
            channels = tuple(value.split())
            if not set(channels) <= set(CHANNELS):
                raise BadValue(f"the column `{OPT_OUT}` may name {', '.join(CHANNELS)}")
        else:
            given[name] = value
    if not given:
        raise BadValue("the record has no values")
    actor = Actor(SITE, "import", standing=True)
    return Submission(form, given, actor, source=source, collected=collected, opted_out=channels)


def _day(value: str) -> int:
    try:
        moment = datetime.combine(date.fromisoformat(value.strip()), datetime.min.time(), UTC)
    except ValueError:
        raise BadValue(f"the column `{COLLECTED}` wants a day such as 2026-01-31") from None
    return int(moment.timestamp() * 1000)
