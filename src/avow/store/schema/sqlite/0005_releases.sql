-- Figures that were released, without anybody in them: one answer a question, which stays.
CREATE TABLE release (
    site     INTEGER NOT NULL,
    question BLOB NOT NULL,
    at       INTEGER NOT NULL,
    told     TEXT NOT NULL,
    PRIMARY KEY (site, question)
) STRICT, WITHOUT ROWID;
CREATE INDEX release_at ON release (site, at);

-- What was spent of the privacy of each dataset, in thousandths of epsilon.
CREATE TABLE budget (
    site    INTEGER NOT NULL,
    dataset TEXT NOT NULL,
    spent   INTEGER NOT NULL,
    PRIMARY KEY (site, dataset)
) STRICT, WITHOUT ROWID;
