-- Figures that were released, without anybody in them: one answer a question, which stays.
CREATE TABLE release (
    at       bigint NOT NULL,
    site     smallint NOT NULL,
    question bytea NOT NULL,
    told     text NOT NULL,
    PRIMARY KEY (site, question)
);
CREATE INDEX release_at ON release (site, at);

-- What was spent of the privacy of each dataset, in thousandths of epsilon.
CREATE TABLE budget (
    spent   bigint NOT NULL,
    site    smallint NOT NULL,
    dataset text COLLATE "C" NOT NULL,
    PRIMARY KEY (site, dataset)
);
