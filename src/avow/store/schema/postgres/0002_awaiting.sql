-- Data that wait for an event were found by reading all of them. Only those that wait are in the index.
CREATE INDEX datum_awaiting ON datum (site, kept_as) WHERE kept_as LIKE 'until-%';
