-- What people did by hand, a row for each action, the latest last. id: of the action, which may take several
-- transactions. via: cli, api or page. target: what it was done to. items: jobs, mails or pauses that it has changed.
CREATE TABLE audit (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  at_ms INTEGER NOT NULL,
  who TEXT NOT NULL,
  via TEXT NOT NULL,
  host TEXT NOT NULL,
  action TEXT NOT NULL,
  target TEXT NOT NULL,
  reason TEXT,
  items INTEGER NOT NULL
);
CREATE INDEX audit_at ON audit (at_ms);

-- Why a pause was made, and who made it; both are missing in pauses of earlier versions.
ALTER TABLE pause ADD COLUMN reason TEXT;
ALTER TABLE pause ADD COLUMN who TEXT;
