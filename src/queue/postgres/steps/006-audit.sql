-- What people did by hand, a row for each action, the latest last. id: of the action, which may take several
-- transactions. via: cli, api or page. target: what it was done to. items: jobs, mails or pauses that it has changed.
CREATE TABLE audit (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id text COLLATE "C" NOT NULL UNIQUE,
  at_ms bigint NOT NULL,
  who text NOT NULL,
  via text COLLATE "C" NOT NULL,
  host text NOT NULL,
  action text COLLATE "C" NOT NULL,
  target text NOT NULL,
  reason text,
  items bigint NOT NULL
);
CREATE INDEX audit_at ON audit (at_ms);

-- Why a pause was made, and who made it; both are missing in pauses of earlier versions.
ALTER TABLE pause ADD COLUMN reason text;
ALTER TABLE pause ADD COLUMN who text;
