-- What went out, was refused or may have gone out: a message to one recipient. `message` is a keyed hash of its id with
-- the recipient's address; `subject` is zeros where nobody is held.
CREATE TABLE message (
    at       bigint NOT NULL,
    site     smallint NOT NULL,
    subject  bytea NOT NULL,
    message  bytea NOT NULL,
    channel  text COLLATE "C" NOT NULL,
    purpose  text COLLATE "C" NOT NULL,
    sender   text COLLATE "C" NOT NULL,
    state    text COLLATE "C" NOT NULL,
    promises text COLLATE "C" NOT NULL,
    reason   text COLLATE "C" NOT NULL,
    PRIMARY KEY (site, subject, message)
);
CREATE INDEX message_at ON message (site, at);
CREATE INDEX message_named ON message (site, message);

-- A mailing goes through those who agreed to it, not through everybody.
CREATE INDEX consent_standing ON consent (site, about, subject) WHERE withdrawn IS NULL;
