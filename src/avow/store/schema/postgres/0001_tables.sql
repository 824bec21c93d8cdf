-- Several sites may share a database; every key starts with the site's number. On Citus the personal tables are
-- distributed by `subject`, look-ups and suppressions by `hash`, `leaf` by `ticket`, the rest are reference tables:
-- so nothing here refers to another table, and every primary key holds its table's distribution column.
-- Columns of fixed width come first, widest first, so that none is padded.
CREATE TABLE site (
    number smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name   text NOT NULL UNIQUE
);

CREATE TABLE subject (
    created bigint NOT NULL,
    version integer NOT NULL,
    site    smallint NOT NULL,
    state   smallint NOT NULL, -- 0 live, 1 erased and perhaps with rows to purge, 2 erased and purged
    subject bytea NOT NULL,
    keys    text NOT NULL,
    facts   text NOT NULL,
    PRIMARY KEY (site, subject)
) WITH (fillfactor = 90); -- room to change a person's facts on the page where they stand
CREATE INDEX subject_to_purge ON subject (site) WHERE state = 1;

-- `category` stands before `row` in the key, so that one category of one person is one short stretch.
CREATE TABLE datum (
    collected bigint NOT NULL,
    due       bigint,
    version   integer NOT NULL,
    site      smallint NOT NULL,
    subject   bytea NOT NULL,
    row       bytea NOT NULL,
    category  text COLLATE "C" NOT NULL,
    kept_as   text NOT NULL,
    purposes  text NOT NULL,
    form      text NOT NULL,
    source    text NOT NULL,
    policy    bytea NOT NULL,
    kept_for  text COLLATE "C" NOT NULL,
    sealed    bytea NOT NULL,
    PRIMARY KEY (site, subject, category, row)
);
ALTER TABLE datum ALTER COLUMN sealed SET STORAGE EXTERNAL; -- ciphertext does not compress: do not try
CREATE INDEX datum_due ON datum (site, due) WHERE due IS NOT NULL;

CREATE TABLE consent (
    given     bigint NOT NULL,
    withdrawn bigint,
    site      smallint NOT NULL,
    subject   bytea NOT NULL,
    row       bytea NOT NULL,
    about     text NOT NULL,
    policy    bytea NOT NULL,
    sealed    bytea NOT NULL,
    PRIMARY KEY (site, subject, row)
);
ALTER TABLE consent ALTER COLUMN sealed SET STORAGE EXTERNAL;

CREATE TABLE request (
    opened  bigint NOT NULL,
    closed  bigint,
    site    smallint NOT NULL,
    subject bytea NOT NULL,
    row     bytea NOT NULL,
    kind    text NOT NULL,
    PRIMARY KEY (site, subject, row)
);

CREATE TABLE trace (
    ticket  bigint GENERATED ALWAYS AS IDENTITY,
    site    smallint NOT NULL,
    subject bytea NOT NULL,
    event   bytea NOT NULL,
    sealed  bytea NOT NULL,
    PRIMARY KEY (site, subject, ticket)
);
ALTER TABLE trace ALTER COLUMN sealed SET STORAGE EXTERNAL;

CREATE TABLE lookup (
    site     smallint NOT NULL,
    hash     bytea NOT NULL,
    subject  bytea NOT NULL,
    category text COLLATE "C" NOT NULL,
    PRIMARY KEY (site, category, hash, subject)
);
CREATE INDEX lookup_of_subject ON lookup (site, subject);

CREATE TABLE suppression (
    since   bigint NOT NULL,
    site    smallint NOT NULL,
    hash    bytea NOT NULL,
    channel text COLLATE "C" NOT NULL,
    PRIMARY KEY (site, channel, hash)
);

CREATE TABLE leaf (
    ticket bigint GENERATED ALWAYS AS IDENTITY,
    site   smallint NOT NULL,
    event  bytea NOT NULL,
    entry  bytea NOT NULL,
    PRIMARY KEY (site, ticket)
);
ALTER TABLE leaf ALTER COLUMN entry SET STORAGE EXTERNAL;

CREATE TABLE log (
    site smallint PRIMARY KEY,
    size bigint NOT NULL,
    root bytea NOT NULL
);

CREATE TABLE policy (
    since   bigint NOT NULL,
    site    smallint NOT NULL,
    digest  bytea NOT NULL,
    version text NOT NULL,
    source  text NOT NULL,
    PRIMARY KEY (site, digest)
);

CREATE TABLE staff (
    site      smallint NOT NULL,
    active    boolean NOT NULL,
    name      text NOT NULL,
    role      text NOT NULL,
    agreement text NOT NULL,
    PRIMARY KEY (site, name)
);

CREATE TABLE note (
    site  smallint NOT NULL,
    name  text NOT NULL,
    value text NOT NULL,
    PRIMARY KEY (site, name)
);
