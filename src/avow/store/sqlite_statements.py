# ruff: noqa: S608 - statements are put together from constants alone
"""SQLite: the statements. Every one is a constant, so that apsw finds it compiled already. ?1 is always the site."""

from functools import cache
from typing import Final

from avow.store.interface import OUTLIVES, UNTIL

_SUBJECT: Final = "s.subject, s.created, s.keys, s.facts, s.version, CASE s.state WHEN 0 THEN 'live' ELSE 'erased' END"
_DATUM: Final = "d.subject, d.row, d.category, d.kept_as, d.version, d.terms, d.sealed"
_COLLECTED: Final = "substr(d.terms, 17, 8)"
_DUE_AT: Final = "substr(d.terms, 25, 8)"
_LIVING: Final = "EXISTS (SELECT 1 FROM subject s WHERE s.site = d.site AND s.subject = d.subject AND s.state = 0)"

SUBJECT_OF: Final = f"SELECT {_SUBJECT} FROM subject s WHERE s.site = ?1 AND s.subject = ?2"
ADD_SUBJECT: Final = "INSERT INTO subject VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0)"
CHANGE_SUBJECT: Final = (
    "UPDATE subject SET keys = ?3, facts = ?4, version = ?5"
    " WHERE site = ?1 AND subject = ?2 AND version = ?5 - 1 AND state = 0"
)
END_SUBJECT: Final = (
    "UPDATE subject SET facts = '', version = version + 1, state = 1 WHERE site = ?1 AND subject = ?2 AND state = 0"
)
FORGET: Final = tuple(
    f"DELETE FROM {table} WHERE site = ?1 AND {who} = ?2"
    for table, who in (
        ("lookup", "subject"), ("consent", "subject"), ("request", "subject"), ("credential", "owner"),
        ("leaving", "subject"), ("message", "subject"),
    )
)  # fmt: skip
TO_PURGE: Final = "SELECT subject FROM subject WHERE site = ?1 AND state = 1 LIMIT 1"
PURGED: Final = "UPDATE subject SET state = 2 WHERE site = ?1 AND subject = ?2"
PURGE: Final = f"""DELETE FROM datum WHERE site = ?1 AND subject = ?2 AND (category, row) IN
    (SELECT category, row FROM datum WHERE site = ?1 AND subject = ?2 AND kept_as <> '{OUTLIVES}' LIMIT ?3)"""
# an entry that is not in the tree yet stays until it is, without saying of whom it is
PURGE_EVENT: Final = (
    "DELETE FROM event WHERE ticket = ?2 AND ticket <= (SELECT sequenced FROM log WHERE site = ?1)",
    "UPDATE event SET subject = NULL, sealed = NULL WHERE ticket = ?2 AND site = ?1",
)
UNFILE: Final = "DELETE FROM filed WHERE site = ?1 AND subject = ?2 AND ticket = ?3"

# A version that does not follow makes the column NULL, which it may not be: so the statement itself refuses.
PUT: Final = """INSERT INTO datum VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (site, subject, category, row) DO UPDATE SET
    version = CASE WHEN datum.version = excluded.version - 1 THEN excluded.version END,
    kept_as = excluded.kept_as, terms = excluded.terms, sealed = excluded.sealed"""
REMOVE: Final = "DELETE FROM datum WHERE site = ?1 AND subject = ?2 AND row = ?3"
HELD: Final = f"SELECT {_DATUM} FROM datum d WHERE d.site = ?1 AND d.subject = ?2"
DUE: Final = (
    f"SELECT {_DATUM} FROM datum d WHERE d.site = ?1 AND {_DUE_AT} < ?2 AND {_DUE_AT} <> x'ffffffffffffffff'"
    f" AND {_LIVING} ORDER BY {_DUE_AT} LIMIT ?3"
)
AWAITING: Final = (
    f"SELECT {_DATUM} FROM datum d WHERE d.site = ?1 AND +d.kept_as = '{UNTIL}' || ?2"
    f" AND d.kept_as GLOB '{UNTIL}*' AND {_LIVING} LIMIT ?3"
)
KEYS_IN_USE: Final = "SELECT DISTINCT kept_as FROM datum WHERE site = ?1 AND subject = ?2"

PUT_CONSENT: Final = "INSERT OR REPLACE INTO consent VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
CONSENTS: Final = (
    "SELECT subject, row, about, given, withdrawn, policy, sealed FROM consent WHERE site = ?1 AND subject = ?2"
    " ORDER BY given, row"
)
CONSENTING: Final = (
    "SELECT DISTINCT subject FROM consent WHERE site = ?1 AND about = ?2 AND subject > ?3 AND withdrawn IS NULL"
    " ORDER BY subject LIMIT ?4"
)
PUT_REQUEST: Final = "INSERT OR REPLACE INTO request VALUES (?, ?, ?, ?, ?, ?)"
REQUESTS: Final = (
    "SELECT subject, row, kind, opened, closed FROM request WHERE site = ?1 AND subject = ?2 ORDER BY opened, row"
)
_OPEN: Final = "SELECT subject, row, kind, opened, closed FROM request WHERE site = ?1 AND closed IS NULL"
OPEN_REQUESTS: Final = f"{_OPEN} AND kind IN (SELECT value FROM json_each(?2)) ORDER BY opened, row LIMIT ?3"
OPEN_REQUEST: Final = f"{_OPEN} AND row = ?2"
PUT_CREDENTIAL: Final = "INSERT OR REPLACE INTO credential VALUES (?, ?, ?, ?, ?, ?)"
CREDENTIALS: Final = (
    "SELECT owner, kind, row, since, sealed FROM credential WHERE site = ?1 AND owner = ?2 AND kind = ?3"
    " ORDER BY since, row"
)
DROP_CREDENTIAL: Final = "DELETE FROM credential WHERE site = ?1 AND owner = ?2 AND kind = ?3 AND row = ?4"
PUT_LEAVING: Final = "INSERT OR IGNORE INTO leaving VALUES (?, ?, ?)"
DROP_LEAVING: Final = "DELETE FROM leaving WHERE site = ?1 AND subject = ?2"
LEAVING_DUE: Final = "SELECT subject FROM leaving WHERE site = ?1 AND due < ?2 ORDER BY due, subject LIMIT ?3"
PUT_MESSAGE: Final = "INSERT OR REPLACE INTO message VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_MESSAGES: Final = (
    "SELECT subject, message, channel, purpose, sender, state, at, promises, reason FROM message WHERE site = ?1"
)
MESSAGE: Final = f"{_MESSAGES} AND subject = ?2 AND message = ?3"
MESSAGES_OF: Final = f"{_MESSAGES} AND subject = ?2 ORDER BY at, message"
MESSAGES_NAMED: Final = f"{_MESSAGES} AND message = ?2 ORDER BY at, subject"
MESSAGES: Final = (
    f"{_MESSAGES} AND at < ?3 AND at >= coalesce((SELECT at FROM message WHERE site = ?1 AND at < ?3"
    " ORDER BY at DESC LIMIT 1 OFFSET ?2 - 1), at) ORDER BY at DESC, subject, message"
)
PURGE_MESSAGES: Final = (
    "DELETE FROM message WHERE site = ?1 AND (subject, message) IN"
    " (SELECT subject, message FROM message WHERE site = ?1 AND at < ?2"
    " AND (sender <> ?4 OR subject = zeroblob(16)) ORDER BY at LIMIT ?3)"
)
EVERYBODY: Final = (
    f"SELECT {_SUBJECT} FROM subject s WHERE s.site = ?1 AND s.subject > ?2 AND s.state = 0 ORDER BY s.subject LIMIT ?3"
)
ALL_OF: Final = (
    f"SELECT {_DATUM} FROM datum d WHERE d.site = ?1 AND d.subject >= ?2 AND d.subject <= ?3 AND d.category = ?4"
)
# What does not fit makes no row: so the statement itself refuses.
SPEND: Final = """INSERT INTO budget SELECT ?1, ?2, ?3 WHERE ?3 <= ?4
ON CONFLICT (site, dataset) DO UPDATE SET spent = spent + excluded.spent WHERE spent + excluded.spent <= ?4 RETURNING 1"""
SPENT: Final = "SELECT dataset, spent FROM budget WHERE site = ?1 ORDER BY dataset"
PUT_RELEASE: Final = "INSERT INTO release VALUES (?, ?, ?, ?)"
RELEASED: Final = "SELECT question, at, told FROM release WHERE site = ?1 AND question = ?2"
RELEASES: Final = "SELECT question, at, told FROM release WHERE site = ?1 ORDER BY at DESC, question LIMIT ?2"
PUT_LOOKUP: Final = "INSERT OR IGNORE INTO lookup VALUES (?, ?, ?, ?)"
FIND: Final = (
    "SELECT l.subject FROM lookup l LEFT JOIN subject s ON s.site = l.site AND s.subject = l.subject"
    " WHERE l.site = ?1 AND l.category = ?2 AND l.hash = ?3 ORDER BY s.created, l.subject"
)
DROP_LOOKUPS: Final = "DELETE FROM lookup WHERE site = ?1 AND subject = ?2 AND category = ?3"
SUPPRESS: Final = (
    "INSERT INTO suppression VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET since = min(since, excluded.since)"
)
SUPPRESSED: Final = "SELECT 1 FROM suppression WHERE site = ?1 AND channel = ?2 AND hash = ?3"
LIVING_COUNT: Final = "SELECT count(*) FROM subject WHERE site = ?1 AND state = 0"
SUPPRESSIONS: Final = "SELECT channel, hash, since FROM suppression WHERE site = ?1 ORDER BY since, channel, hash"
UNSUPPRESS: Final = "DELETE FROM suppression WHERE site = ?1 AND channel = ?2 AND hash = ?3"

RECORD: Final = "INSERT INTO event (ticket, site, event, entry, subject, sealed) VALUES (?, ?, ?, ?, ?, ?)"
_TICKETS_OF: Final = """SELECT ticket FROM filed WHERE site = ?1 AND subject = ?2 UNION ALL SELECT ticket FROM event
WHERE ticket > (SELECT filed FROM log WHERE site = ?1) AND site = ?1 AND subject = ?2"""
TRACES: Final = (
    f"SELECT subject, event, sealed FROM event WHERE site = ?1 AND subject = ?2 AND ticket IN ({_TICKETS_OF})"
    " ORDER BY ticket"
)
SOME_OF: Final = f"{_TICKETS_OF} LIMIT ?3"
PENDING_EVENT: Final = (
    "SELECT 1 FROM event WHERE ticket > (SELECT sequenced FROM log WHERE site = ?1) AND site = ?1 AND event = ?2"
    " AND entry IS NOT NULL LIMIT 1"
)
PENDING: Final = (
    "SELECT ticket, event, entry FROM event WHERE ticket > (SELECT sequenced FROM log WHERE site = ?1) AND site = ?1"
    " AND ticket <= ?3 AND entry IS NOT NULL ORDER BY ticket LIMIT ?2"
)
LOG_STATE: Final = "SELECT size, root FROM log WHERE site = ?1"
MARKS: Final = "SELECT sequenced, filed FROM log WHERE site = ?1"
MOVE_LOG: Final = "UPDATE log SET size = ?2, root = ?3, sequenced = ?6 WHERE site = ?1 AND size = ?4 AND root = ?5"
WAITING_UP_TO: Final = (
    "SELECT count(*) FROM event WHERE ticket > ?2 AND ticket <= ?3 AND site = ?1 AND entry IS NOT NULL"
)
SEQUENCED: Final = (
    "DELETE FROM event WHERE ticket > ?2 AND ticket <= ?3 AND site = ?1 AND subject IS NULL",
    "UPDATE event SET entry = NULL WHERE ticket > ?2 AND ticket <= ?3 AND site = ?1",
)
LAST_OF: Final = (
    "SELECT ticket FROM event WHERE ticket > ?2 AND ticket <= ?3 AND site = ?1 ORDER BY ticket LIMIT 1 OFFSET ?4"
)
LAST: Final = "SELECT coalesce(max(ticket), ?2) FROM event WHERE ticket > ?2 AND ticket <= ?3 AND site = ?1"
FILE: Final = """INSERT OR IGNORE INTO filed SELECT site, subject, ticket FROM event
WHERE ticket > ?2 AND ticket <= ?3 AND site = ?1 AND subject IS NOT NULL ORDER BY subject, ticket"""
FILED: Final = "UPDATE log SET filed = ?2 WHERE site = ?1"
MOVE_ON: Final = """UPDATE log SET filed = ?2, sequenced = CASE WHEN EXISTS (SELECT 1 FROM event WHERE
    ticket > log.sequenced AND ticket <= ?2 AND site = ?1 AND entry IS NOT NULL) THEN sequenced ELSE ?2 END
WHERE site = ?1"""

PUT_POLICY: Final = "INSERT OR IGNORE INTO policy VALUES (?, ?, ?, ?, ?)"
POLICIES: Final = "SELECT digest, version, source, since FROM policy WHERE site = ?1 ORDER BY since, version, digest"
SET_NOTE: Final = "INSERT OR REPLACE INTO note VALUES (?, ?, ?)"
NOTE: Final = "SELECT value FROM note WHERE site = ?1 AND name = ?2"


FIRST_TWO: Final = (
    "SELECT d.row, d.kept_as, d.version, d.terms, d.sealed FROM datum d"
    " WHERE d.site = ?1 AND d.subject = ?2 AND d.category = ?3 LIMIT 2"
)


@cache
def newest(categories: int) -> str:
    """The newest datum of each of so many categories of one person.

    Beside `max()` SQLite takes the other columns from the row that holds the maximum (documented with `SELECT`).
    """
    held = ", ".join(f"?{n}" for n in range(3, 3 + categories))
    return (
        f"SELECT {_DATUM}, max({_COLLECTED}) FROM datum d"
        f" WHERE d.site = ?1 AND d.subject = ?2 AND d.category IN ({held}) GROUP BY d.category"
    )


@cache
def holding(categories: int, policies: int) -> str:
    """People and data of so many categories that came under so many policies: a line for each person and category."""
    held = ", ".join(f"?{n}" for n in range(2, 2 + categories))
    came = ", ".join(f"?{n}" for n in range(2 + categories, 2 + categories + policies))
    return (
        "SELECT d.subject, d.category, count(*) FROM datum d JOIN subject s ON s.site = d.site AND s.subject = d.subject"
        f" WHERE d.site = ?1 AND d.category IN ({held}) AND substr(d.terms, 1, 16) IN ({came}) AND s.state = 0"
        " GROUP BY d.subject, d.category"
    )


@cache
def reached(categories: int) -> str:
    """Who holds data of so many categories."""
    held = ", ".join(f"?{n}" for n in range(2, 2 + categories))
    return f"SELECT DISTINCT subject FROM datum WHERE site = ?1 AND category IN ({held})"
