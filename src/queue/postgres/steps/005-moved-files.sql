-- Queue files that were moved into this queue: what isn't a job is added once. id: a digest of the file's secret.
CREATE TABLE moved_file (
  id text PRIMARY KEY,
  at_ms bigint NOT NULL
);
