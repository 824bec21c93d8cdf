-- What went out, was refused or may have gone out: a message to one recipient. `message` is a keyed hash of its id with
-- the recipient's address; `subject` is zeros where nobody is held.
CREATE TABLE message (
    site     INTEGER NOT NULL,
    subject  BLOB NOT NULL,
    message  BLOB NOT NULL,
    channel  TEXT NOT NULL,
    purpose  TEXT NOT NULL,
    sender   TEXT NOT NULL,
    state    TEXT NOT NULL,
    at       INTEGER NOT NULL,
    promises TEXT NOT NULL,
    reason   TEXT NOT NULL,
    PRIMARY KEY (site, subject, message)
) STRICT, WITHOUT ROWID;
CREATE INDEX message_at ON message (site, at);
CREATE INDEX message_named ON message (site, message);

-- A mailing goes through those who agreed to it, not through everybody.
CREATE INDEX consent_standing ON consent (site, about, subject) WHERE withdrawn IS NULL;
