# ruff: noqa: S608 - statements are put together from constants alone
"""PostgreSQL: every statement there is, by its name. $1 is the site wherever there is one."""

from typing import Final

from avow.store.interface import OUTLIVES, UNTIL
from avow.store.postgres_link import Call

STATEMENTS: Final[dict[bytes, str]] = {}  # every one is prepared on every connection


def _statement(name: str, text: str) -> bytes:
    STATEMENTS[name.encode()] = text
    return name.encode()


BEGIN: Final = Call(_statement("begin", "BEGIN ISOLATION LEVEL READ COMMITTED"))
COMMIT: Final = Call(_statement("commit", "COMMIT"))
ROLLBACK: Final = Call(_statement("rollback", "ROLLBACK"))

# Advisory locks on the first 64 bits of a subject's random id: they live in memory and write nothing, while a lock on
# the row itself would dirty its page and its log with every read. Held to the end of the transaction.
LOCKS: Final = {
    ("share", False): _statement("share", "SELECT pg_advisory_xact_lock_shared($1::bigint)"),
    ("share", True): _statement("shares", "SELECT pg_advisory_xact_lock_shared(k) FROM unnest($1::bigint[]) k"),
    ("change", False): _statement("change", "SELECT pg_advisory_xact_lock($1::bigint)"),
    ("change", True): _statement("changes", "SELECT pg_advisory_xact_lock(k) FROM unnest($1::bigint[]) k"),
}

_SUBJECT: Final = "s.created, s.keys, s.facts, s.version, s.state"
_DATUM: Final = "d.row, d.category, d.kept_as, d.version, d.terms, d.sealed"
_COLLECTED: Final = "substr(d.terms, 17, 8)"
_DUE_AT: Final = "substr(d.terms, 25, 8)"
# People and data are looked up one by one (LATERAL, which LIMIT or OFFSET keeps from being planned as a join): whatever
# the statistics say or do not say yet, a batch never costs a walk over a table.
_NEWEST: Final = (
    f"LEFT JOIN LATERAL (SELECT {_DATUM} FROM datum d WHERE d.site = $1::smallint AND d.subject = {{subject}}"
    f" AND d.category = {{category}} ORDER BY {_COLLECTED} DESC LIMIT 1) d ON true"
)
_PERSON: Final = (
    "CROSS JOIN LATERAL (SELECT * FROM subject s WHERE s.site = $1::smallint AND s.subject = a.subject LIMIT 1) s"
)
_LIVING: Final = "(SELECT s.state FROM subject s WHERE s.site = d.site AND s.subject = d.subject) = 0"

READ_ONE: Final = _statement(
    "read_one",
    f"SELECT {_SUBJECT}, {_DATUM} FROM subject s {_NEWEST.format(subject='$2::bytea', category='$3::text')}"
    " WHERE s.site = $1::smallint AND s.subject = $2::bytea",
)
READ_MANY: Final = _statement(
    "read_many",
    f"SELECT a.ask, {_SUBJECT}, {_DATUM} FROM unnest($2::int[], $3::bytea[], $4::text[]) a (ask, subject, category)"
    f" {_PERSON} {_NEWEST.format(subject='a.subject', category='a.category')}",
)
SUBJECTS: Final = _statement("subjects", f"SELECT s.subject, {_SUBJECT} FROM unnest($2::bytea[]) a (subject) {_PERSON}")
ADD_SUBJECTS: Final = _statement(
    "add_subjects",
    "INSERT INTO subject (site, state, subject, created, keys, facts, version) SELECT $1::smallint, 0, * FROM"
    " unnest($2::bytea[], $3::bigint[], $4::text[], $5::text[], $6::int[])",
)
CHANGE_SUBJECT: Final = _statement(
    "change_subject",
    "WITH changed AS (UPDATE subject SET keys = $3::text, facts = $4::text, version = $5::int WHERE site = $1::smallint"
    " AND subject = $2::bytea AND version = $5::int - 1 AND state = 0 RETURNING 1) SELECT 1 / count(*) FROM changed",
)
LIVING_COUNT: Final = _statement("living", "SELECT count(*) FROM subject WHERE site = $1::smallint AND state = 0")
END_SUBJECT: Final = _statement(
    "end_subject",
    "UPDATE subject SET facts = '', version = version + 1, state = 1"
    " WHERE site = $1::smallint AND subject = $2::bytea AND state = 0",
)
FORGET: Final = tuple(
    _statement(f"forget_{table}", f"DELETE FROM {table} WHERE site = $1::smallint AND {who} = $2::bytea")
    for table, who in (
        ("lookup", "subject"), ("consent", "subject"), ("request", "subject"), ("credential", "owner"),
        ("leaving", "subject"), ("message", "subject"),
    )
)  # fmt: skip
TO_PURGE: Final = _statement(
    "to_purge",
    "SELECT subject FROM subject WHERE site = $1::smallint AND state = 1 LIMIT 1 FOR UPDATE SKIP LOCKED",
)
PURGED: Final = _statement(
    "purged", "UPDATE subject SET state = 2 WHERE site = $1::smallint AND subject = $2::bytea AND state = 1"
)
PURGE_DATA: Final = _statement(
    "purge_data",
    "DELETE FROM datum WHERE site = $1::smallint AND subject = $2::bytea AND ctid = ANY (ARRAY(SELECT ctid FROM datum"
    f" WHERE site = $1::smallint AND subject = $2::bytea AND kept_as <> '{OUTLIVES}' LIMIT $3::bigint))",
)
PURGE_TRACES: Final = _statement(
    "purge_traces",
    "DELETE FROM trace WHERE site = $1::smallint AND subject = $2::bytea AND ctid = ANY (ARRAY(SELECT ctid FROM trace"
    " WHERE site = $1::smallint AND subject = $2::bytea LIMIT $3::bigint))",
)

PUT: Final = _statement(
    "put",
    """INSERT INTO datum (site, subject, row, category, kept_as, version, terms, sealed) SELECT $1::smallint, * FROM
    unnest($2::bytea[], $3::bytea[], $4::text[], $5::text[], $6::int[], $7::bytea[], $8::bytea[])
    ON CONFLICT (site, subject, category, row) DO UPDATE SET
    version = CASE WHEN datum.version = excluded.version - 1 THEN excluded.version END,
    kept_as = excluded.kept_as, terms = excluded.terms, sealed = excluded.sealed""",
)
REMOVE: Final = _statement(
    "remove", "DELETE FROM datum WHERE site = $1::smallint AND subject = $2::bytea AND row = ANY ($3::bytea[])"
)
HELD: Final = _statement(
    "held",
    f"SELECT d.subject, {_DATUM} FROM datum d WHERE d.site = $1::smallint AND d.subject = $2::bytea"
    f" ORDER BY {_COLLECTED}, d.row",
)
DUE: Final = _statement(
    "due",
    f"SELECT d.subject, {_DATUM} FROM datum d WHERE d.site = $1::smallint AND {_DUE_AT} < $2::bytea"
    f" AND {_DUE_AT} <> '\\xffffffffffffffff' AND {_LIVING} ORDER BY {_DUE_AT} LIMIT $3::bigint",
)
AWAITING: Final = _statement(
    "awaiting",
    f"SELECT d.subject, {_DATUM} FROM datum d WHERE d.site = $1::smallint AND d.kept_as LIKE '{UNTIL}%'"
    f" AND d.kept_as = '{UNTIL}' || $2::text AND {_LIVING} LIMIT $3::bigint",
)
KEYS_IN_USE: Final = _statement(
    "keys_in_use", "SELECT DISTINCT kept_as FROM datum WHERE site = $1::smallint AND subject = $2::bytea"
)

PUT_CONSENT: Final = _statement(
    "put_consent",
    """INSERT INTO consent (site, subject, row, about, given, withdrawn, policy, sealed)
    VALUES ($1::smallint, $2::bytea, $3::bytea, $4::text, $5::bigint, $6::bigint, $7::bytea, $8::bytea)
    ON CONFLICT (site, subject, row) DO UPDATE SET about = excluded.about, given = excluded.given,
    withdrawn = excluded.withdrawn, policy = excluded.policy, sealed = excluded.sealed""",
)
CONSENTS: Final = _statement(
    "consents",
    "SELECT subject, row, about, given, withdrawn, policy, sealed FROM consent"
    " WHERE site = $1::smallint AND subject = $2::bytea ORDER BY given, row",
)
CONSENTING: Final = _statement(
    "consenting",
    "SELECT DISTINCT subject FROM consent WHERE site = $1::smallint AND about = $2::text AND subject > $3::bytea"
    " AND withdrawn IS NULL ORDER BY subject LIMIT $4::bigint",
)
PUT_REQUEST: Final = _statement(
    "put_request",
    """INSERT INTO request (site, subject, row, kind, opened, closed)
    VALUES ($1::smallint, $2::bytea, $3::bytea, $4::text, $5::bigint, $6::bigint)
    ON CONFLICT (site, subject, row) DO UPDATE SET kind = excluded.kind, opened = excluded.opened,
    closed = excluded.closed""",
)
REQUESTS: Final = _statement(
    "requests",
    "SELECT subject, row, kind, opened, closed FROM request WHERE site = $1::smallint AND subject = $2::bytea"
    " ORDER BY opened, row",
)
_OPEN: Final = "SELECT subject, row, kind, opened, closed FROM request WHERE site = $1::smallint AND closed IS NULL"
OPEN_REQUESTS: Final = _statement(
    "open_requests", f"{_OPEN} AND kind = ANY ($2::text[]) ORDER BY opened, row LIMIT $3::bigint"
)
OPEN_REQUEST: Final = _statement("open_request", f"{_OPEN} AND row = $2::bytea")
PUT_CREDENTIAL: Final = _statement(
    "put_credential",
    """INSERT INTO credential (site, owner, kind, row, since, sealed)
    VALUES ($1::smallint, $2::bytea, $3::text, $4::bytea, $5::bigint, $6::bytea)
    ON CONFLICT (site, owner, kind, row) DO UPDATE SET since = excluded.since, sealed = excluded.sealed""",
)
CREDENTIALS: Final = _statement(
    "credentials",
    "SELECT owner, kind, row, since, sealed FROM credential"
    " WHERE site = $1::smallint AND owner = $2::bytea AND kind = $3::text ORDER BY since, row",
)
DROP_CREDENTIAL: Final = _statement(
    "drop_credential",
    "DELETE FROM credential WHERE site = $1::smallint AND owner = $2::bytea AND kind = $3::text AND row = $4::bytea",
)
PUT_LEAVING: Final = _statement(
    "put_leaving",
    "INSERT INTO leaving (site, subject, due) VALUES ($1::smallint, $2::bytea, $3::bigint) ON CONFLICT DO NOTHING",
)
DROP_LEAVING: Final = _statement(
    "drop_leaving", "DELETE FROM leaving WHERE site = $1::smallint AND subject = $2::bytea"
)
LEAVING_DUE: Final = _statement(
    "leaving_due",
    "SELECT subject FROM leaving WHERE site = $1::smallint AND due < $2::bigint ORDER BY due, subject LIMIT $3::bigint",
)
PUT_MESSAGE: Final = _statement(
    "put_message",
    """INSERT INTO message (site, subject, message, channel, purpose, sender, state, at, promises, reason)
    VALUES ($1::smallint, $2::bytea, $3::bytea, $4::text, $5::text, $6::text, $7::text, $8::bigint, $9::text,
    $10::text) ON CONFLICT (site, subject, message) DO UPDATE SET channel = excluded.channel,
    purpose = excluded.purpose, sender = excluded.sender, state = excluded.state, at = excluded.at,
    promises = excluded.promises, reason = excluded.reason""",
)
_MESSAGES: Final = (
    "SELECT subject, message, channel, purpose, sender, state, at, promises, reason FROM message"
    " WHERE site = $1::smallint"
)
MESSAGE: Final = _statement("message", f"{_MESSAGES} AND subject = $2::bytea AND message = $3::bytea")
MESSAGES_OF: Final = _statement("messages_of", f"{_MESSAGES} AND subject = $2::bytea ORDER BY at, message")
MESSAGES_NAMED: Final = _statement("messages_named", f"{_MESSAGES} AND message = $2::bytea ORDER BY at, subject")
MESSAGES: Final = _statement(
    "messages",
    f"{_MESSAGES} AND at < $3::bigint AND at >= coalesce((SELECT at FROM message WHERE site = $1::smallint"
    " AND at < $3::bigint ORDER BY at DESC LIMIT 1 OFFSET $2::bigint - 1), at) ORDER BY at DESC, subject, message",
)
PURGE_MESSAGES: Final = _statement(
    "purge_messages",
    "DELETE FROM message WHERE site = $1::smallint AND ctid = ANY (ARRAY(SELECT ctid FROM message"
    " WHERE site = $1::smallint AND at < $2::bigint"
    " AND (sender <> $4::text OR subject = decode(repeat('00', 16), 'hex')) ORDER BY at LIMIT $3::bigint))",
)
EVERYBODY: Final = _statement(
    "everybody",
    f"SELECT s.subject, {_SUBJECT} FROM subject s WHERE s.site = $1::smallint AND s.subject > $2::bytea AND s.state = 0"
    " ORDER BY s.subject LIMIT $3::bigint",
)
ALL_OF: Final = _statement(
    "all_of",
    f"SELECT a.subject, {_DATUM} FROM unnest($2::bytea[]) a (subject) CROSS JOIN LATERAL (SELECT * FROM datum d"
    " WHERE d.site = $1::smallint AND d.subject = a.subject AND d.category = $3::text OFFSET 0) d",
)
# A walk over all data. Who of them is reached is found by grouping and not by a join: of a table that has grown and was not analysed
# yet, PostgreSQL believes that it is small, and would compare each person with each.
HOLDING: Final = _statement(
    "holding",
    "WITH held AS MATERIALIZED (SELECT d.subject, d.category, count(*) AS data FROM datum d"
    " JOIN subject s ON s.site = d.site AND s.subject = d.subject"
    " WHERE d.site = $1::smallint AND s.site = $1::smallint AND d.category = ANY ($2::text[])"
    " AND substr(d.terms, 1, 16) = ANY ($3::bytea[]) AND s.state = 0 GROUP BY d.subject, d.category),"
    " people AS (SELECT bool_or(way) AS way FROM (SELECT subject, false AS way FROM held UNION ALL"
    " SELECT subject, true FROM datum WHERE site = $1::smallint AND category = ANY ($4::text[])) AS found"
    " GROUP BY subject HAVING bool_or(NOT way))"
    " SELECT category, count(*), sum(data)::bigint FROM held GROUP BY category UNION ALL"
    " SELECT '', count(*), count(*) FILTER (WHERE NOT way) FROM people",
)
# What does not fit makes no row: so the statement itself refuses, and whoever comes second waits for the first's row.
SPEND: Final = _statement(
    "spend",
    "INSERT INTO budget (site, dataset, spent) SELECT $1::smallint, $2::text, $3::bigint WHERE $3::bigint <= $4::bigint"
    " ON CONFLICT (site, dataset) DO UPDATE SET spent = budget.spent + excluded.spent"
    " WHERE budget.spent + excluded.spent <= $4::bigint",
)
SPENT: Final = _statement("spent", "SELECT dataset, spent FROM budget WHERE site = $1::smallint ORDER BY dataset")
PUT_RELEASE: Final = _statement(
    "put_release",
    "INSERT INTO release (site, question, at, told) VALUES ($1::smallint, $2::bytea, $3::bigint, $4::text)",
)
RELEASED: Final = _statement(
    "released",
    "SELECT question, at, told FROM release WHERE site = $1::smallint AND question = $2::bytea",
)
RELEASES: Final = _statement(
    "releases",
    "SELECT question, at, told FROM release WHERE site = $1::smallint ORDER BY at DESC, question LIMIT $2::bigint",
)
PUT_LOOKUPS: Final = _statement(
    "put_lookups",
    "INSERT INTO lookup (site, category, hash, subject) SELECT $1::smallint, * FROM"
    " unnest($2::text[], $3::bytea[], $4::bytea[]) ON CONFLICT DO NOTHING",
)
FIND: Final = _statement(
    "find",
    "SELECT l.subject FROM lookup l WHERE l.site = $1::smallint AND l.category = $2::text AND l.hash = $3::bytea ORDER BY"
    " (SELECT s.created FROM subject s WHERE s.site = l.site AND s.subject = l.subject), l.subject",
)
DROP_LOOKUPS: Final = _statement(
    "drop_lookups",
    "DELETE FROM lookup WHERE site = $1::smallint AND subject = $2::bytea AND category = $3::text",
)
SUPPRESS: Final = _statement(
    "suppress",
    "INSERT INTO suppression (site, channel, hash, since) VALUES ($1::smallint, $2::text, $3::bytea, $4::bigint)"
    " ON CONFLICT (site, channel, hash) DO UPDATE SET since = least(suppression.since, excluded.since)",
)
SUPPRESSED: Final = _statement(
    "suppressed",
    "SELECT 1 FROM suppression WHERE site = $1::smallint AND channel = $2::text AND hash = $3::bytea",
)
SUPPRESSIONS: Final = _statement(
    "suppressions",
    "SELECT channel, hash, since FROM suppression WHERE site = $1::smallint ORDER BY since, channel, hash",
)
UNSUPPRESS: Final = _statement(
    "unsuppress",
    "DELETE FROM suppression WHERE site = $1::smallint AND channel = $2::text AND hash = $3::bytea",
)

LEAVES: Final = _statement(
    "leaves", "INSERT INTO leaf (site, event, entry) SELECT $1::smallint, * FROM unnest($2::bytea[], $3::bytea[])"
)
TRACES_IN: Final = _statement(
    "traces_in",
    "INSERT INTO trace (site, subject, event, sealed) SELECT $1::smallint, * FROM"
    " unnest($2::bytea[], $3::bytea[], $4::bytea[])",
)
TRACES: Final = _statement(
    "traces",
    "SELECT subject, event, sealed FROM trace WHERE site = $1::smallint AND subject = $2::bytea ORDER BY ticket",
)
HAS_EVENT: Final = _statement(
    "has_event",
    "SELECT 1 WHERE EXISTS (SELECT 1 FROM trace WHERE site = $1::smallint AND subject = $2::bytea AND event = $3::bytea)"
    " OR EXISTS (SELECT 1 FROM leaf WHERE site = $1::smallint AND event = $3::bytea)",
)
PENDING: Final = _statement(
    "pending", "SELECT ticket, event, entry FROM leaf WHERE site = $1::smallint ORDER BY ticket LIMIT $2::bigint"
)
LOG_STATE: Final = _statement("log_state", "SELECT size, root FROM log WHERE site = $1::smallint")
MOVE_LOG: Final = _statement(
    "move_log",
    "UPDATE log SET size = $2::bigint, root = $3::bytea"
    " WHERE site = $1::smallint AND size = $4::bigint AND root = $5::bytea",
)
SEQUENCED: Final = _statement("sequenced", "DELETE FROM leaf WHERE site = $1::smallint AND ticket = ANY ($2::bigint[])")

PUT_POLICY: Final = _statement(
    "put_policy",
    "INSERT INTO policy (site, digest, version, source, since)"
    " VALUES ($1::smallint, $2::bytea, $3::text, $4::text, $5::bigint) ON CONFLICT DO NOTHING",
)
POLICIES: Final = _statement(
    "policies",
    "SELECT digest, version, source, since FROM policy WHERE site = $1::smallint ORDER BY since, version, digest",
)
SET_NOTE: Final = _statement(
    "set_note",
    "INSERT INTO note (site, name, value) VALUES ($1::smallint, $2::text, $3::text)"
    " ON CONFLICT (site, name) DO UPDATE SET value = excluded.value",
)
NOTE: Final = _statement("note", "SELECT value FROM note WHERE site = $1::smallint AND name = $2::text")
