-- What proves who somebody is. `owner` is a person, a colleague's pseudonym, or the hash of an invitation.
CREATE TABLE credential (
    site   INTEGER NOT NULL,
    owner  BLOB NOT NULL,
    kind   TEXT NOT NULL,
    row    BLOB NOT NULL,
    since  INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (site, owner, kind, row)
) STRICT, WITHOUT ROWID;

-- People who wish to be erased, and when they will be: until then they may take it back.
CREATE TABLE leaving (
    site    INTEGER NOT NULL,
    subject BLOB NOT NULL,
    due     INTEGER NOT NULL,
    PRIMARY KEY (site, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX leaving_due ON leaving (site, due);

-- Colleagues work on what is open; what was closed is not in the way.
CREATE INDEX request_open ON request (site, opened) WHERE closed IS NULL;
CREATE INDEX request_open_row ON request (site, row) WHERE closed IS NULL;
