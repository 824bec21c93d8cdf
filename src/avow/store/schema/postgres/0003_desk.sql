-- What proves who somebody is. `owner` is a person, a colleague's pseudonym, or the hash of an invitation.
CREATE TABLE credential (
    since  bigint NOT NULL,
    site   smallint NOT NULL,
    owner  bytea NOT NULL,
    row    bytea NOT NULL,
    kind   text COLLATE "C" NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (site, owner, kind, row)
);

-- People who wish to be erased, and when they will be: until then they may take it back.
CREATE TABLE leaving (
    due     bigint NOT NULL,
    site    smallint NOT NULL,
    subject bytea NOT NULL,
    PRIMARY KEY (site, subject)
);
CREATE INDEX leaving_due ON leaving (site, due);

-- Colleagues work on what is open; what was closed is not in the way.
CREATE INDEX request_open ON request (site, opened) WHERE closed IS NULL;
CREATE INDEX request_open_row ON request (site, row) WHERE closed IS NULL;
