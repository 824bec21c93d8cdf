-- One file may hold several sites, one after the other; every key starts with the site's number.
-- Tables without a rowid keep their rows in the order of their key, so what one person has lies together.
CREATE TABLE site (
    number   INTEGER PRIMARY KEY,
    name     TEXT NOT NULL UNIQUE,
    openings INTEGER NOT NULL -- which opening of the file its last one was; upper bits of every ticket
) STRICT;

CREATE TABLE subject (
    site    INTEGER NOT NULL,
    subject BLOB NOT NULL,
    created INTEGER NOT NULL,
    keys    TEXT NOT NULL,
    facts   TEXT NOT NULL,
    version INTEGER NOT NULL,
    state   INTEGER NOT NULL, -- 0 live, 1 erased and perhaps with rows to purge, 2 erased and purged
    PRIMARY KEY (site, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX subject_to_purge ON subject (site) WHERE state = 1;

-- `category` stands before `row` in the key, so that one category of one person is one short stretch.
CREATE TABLE datum (
    site      INTEGER NOT NULL,
    subject   BLOB NOT NULL,
    row       BLOB NOT NULL,
    category  TEXT NOT NULL,
    kept_as   TEXT NOT NULL,
    version   INTEGER NOT NULL,
    purposes  TEXT NOT NULL,
    form      TEXT NOT NULL,
    source    TEXT NOT NULL,
    policy    BLOB NOT NULL,
    collected INTEGER NOT NULL,
    due       INTEGER,
    kept_for  TEXT NOT NULL,
    sealed    BLOB NOT NULL,
    PRIMARY KEY (site, subject, category, row)
) STRICT, WITHOUT ROWID;
CREATE INDEX datum_due ON datum (site, due) WHERE due IS NOT NULL;

CREATE TABLE consent (
    site      INTEGER NOT NULL,
    subject   BLOB NOT NULL,
    row       BLOB NOT NULL,
    about     TEXT NOT NULL,
    given     INTEGER NOT NULL,
    withdrawn INTEGER,
    policy    BLOB NOT NULL,
    sealed    BLOB NOT NULL,
    PRIMARY KEY (site, subject, row)
) STRICT, WITHOUT ROWID;

CREATE TABLE request (
    site    INTEGER NOT NULL,
    subject BLOB NOT NULL,
    row     BLOB NOT NULL,
    kind    TEXT NOT NULL,
    opened  INTEGER NOT NULL,
    closed  INTEGER,
    PRIMARY KEY (site, subject, row)
) STRICT, WITHOUT ROWID;

-- By ticket, so that what is sealed is written at the end of the table, and only the small index at a random place:
-- ordered by person, a hundred traces of a hundred people would change a hundred pages.
CREATE TABLE trace (
    ticket  INTEGER PRIMARY KEY,
    site    INTEGER NOT NULL,
    subject BLOB NOT NULL,
    event   BLOB NOT NULL,
    sealed  BLOB NOT NULL
) STRICT;
CREATE INDEX trace_of_subject ON trace (site, subject);

CREATE TABLE lookup (
    site     INTEGER NOT NULL,
    category TEXT NOT NULL,
    hash     BLOB NOT NULL,
    subject  BLOB NOT NULL,
    PRIMARY KEY (site, category, hash, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX lookup_of_subject ON lookup (site, subject);

CREATE TABLE suppression (
    site    INTEGER NOT NULL,
    channel TEXT NOT NULL,
    hash    BLOB NOT NULL,
    since   INTEGER NOT NULL,
    PRIMARY KEY (site, channel, hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE leaf (
    ticket INTEGER PRIMARY KEY,
    site   INTEGER NOT NULL,
    event  BLOB NOT NULL,
    entry  BLOB NOT NULL
) STRICT;

CREATE TABLE log (
    site INTEGER PRIMARY KEY,
    size INTEGER NOT NULL,
    root BLOB NOT NULL
) STRICT;

CREATE TABLE policy (
    site    INTEGER NOT NULL,
    digest  BLOB NOT NULL,
    version TEXT NOT NULL,
    source  TEXT NOT NULL,
    since   INTEGER NOT NULL,
    PRIMARY KEY (site, digest)
) STRICT, WITHOUT ROWID;

CREATE TABLE note (
    site  INTEGER NOT NULL,
    name  TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (site, name)
) STRICT, WITHOUT ROWID;
