"""Everything held on one person as one file to take home: JSON for machines, a page to read, tables for a spreadsheet.

The page needs no network and no script. A table's cell that a spreadsheet would take for a formula is defused.
"""

import csv
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment

from avow.doors import design
from avow.doors.centre import words
from avow.policy.model import Policy

FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")  # what spreadsheets begin a formula with
READ: Final = "everything.html"
MACHINE: Final = "everything.json"
_TEMPLATES: Final = Path(__file__).parent / "templates"


def alone(policy: Policy) -> Environment:
    """The templates, for who needs nothing but the page of an archive."""
    return design.templates(_TEMPLATES, site=policy.controller.name, version=policy.version.isoformat())


def packed(env: Environment, policy: Policy, export: Mapping[str, Any], versions: Mapping[str, str], now: int) -> bytes:
    """The archive of an export, as `Avow.export` gives it. `versions`: as of `avow.doors.centre.room.Room`."""
    at = datetime.fromtimestamp(now / 1000, UTC)
    files = {MACHINE: json.dumps(export, ensure_ascii=False, indent=2), READ: page(env, policy, export, versions, now)}
    files |= {f"tables/{name}.csv": table(rows) for name, rows in export.items() if isinstance(rows, list) and rows}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            info = zipfile.ZipInfo(name, at.timetuple()[:6])
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, text.encode("utf-8-sig" if name.endswith(".csv") else "utf-8"))
    return out.getvalue()


def page(env: Environment, policy: Policy, export: Mapping[str, Any], versions: Mapping[str, str], now: int) -> str:
    """The page to read."""
    return env.get_template("file.html").render(
        rows=words.rows(policy, export["data"], versions), events=words.events(policy, export["events"]), export=export,
        policy=policy, requests=words.requests(policy, export["requests"], now), now=now,
        disclosures=words.disclosures(policy, export["disclosures"]),
    )  # fmt: skip


def table(rows: Sequence[Any]) -> str:
    """Rows as CSV (RFC 4180), every cell quoted. Rows that are no mappings make one column."""
    maps = [one if isinstance(one, Mapping) else {"value": one} for one in rows]
    names = list(dict.fromkeys(name for one in maps for name in one))
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerow(names)
    for one in maps:
        writer.writerow([cell(one.get(name)) for name in names])
    return out.getvalue()


def cell(value: Any) -> str:
    """A value as a cell that no spreadsheet calculates: what begins like a formula gets an apostrophe before it."""
    if value is None:
        return ""
    text = " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return f"'{text}" if text.lstrip(" \n").startswith(FORMULA) else text
