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
    site     INTEGER NOT NULL,
    subject  BLOB NOT NULL,
    row      BLOB NOT NULL,
    category TEXT NOT NULL,
    kept_as  TEXT NOT NULL,
    version  INTEGER NOT NULL,
    terms    BLOB NOT NULL, -- see avow.store.terms: bytes 17 to 24 are the moment of collection, 25 to 32 the last in use
    sealed   BLOB NOT NULL,
    PRIMARY KEY (site, subject, category, row)
) STRICT, WITHOUT ROWID;
CREATE INDEX datum_due ON datum (site, substr(terms, 25, 8)) WHERE substr(terms, 25, 8) <> x'ffffffffffffffff';

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

-- The record, in the order of its writing: so an act changes the last page of one table, and no other. `entry` is the
-- ledger's, NULL once it is in the tree; `subject` and `sealed` are whom it concerns and its trace, NULL for nobody.
CREATE TABLE event (
    ticket  INTEGER PRIMARY KEY,
    site    INTEGER NOT NULL,
    event   BLOB NOT NULL,
    entry   BLOB,
    subject BLOB,
    sealed  BLOB
) STRICT;

-- Whose events are where. Filed by the thousand, as each by itself would change a page at a random place.
CREATE TABLE filed (
    site    INTEGER NOT NULL,
    subject BLOB NOT NULL,
    ticket  INTEGER NOT NULL,
    PRIMARY KEY (site, subject, ticket)
) STRICT, WITHOUT ROWID;

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

CREATE TABLE log (
    site      INTEGER PRIMARY KEY,
    size      INTEGER NOT NULL,
    root      BLOB NOT NULL,
    sequenced INTEGER NOT NULL, -- the last ticket that is in the tree
    filed     INTEGER NOT NULL  -- the last ticket that is filed under its person
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
