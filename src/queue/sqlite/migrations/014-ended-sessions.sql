-- Sessions of the status page that were ended before their time. A cookie that somebody copied is refused by this, in
-- every process of the queue. Rows go at the sessions' own end.
CREATE TABLE ended_session (
  id TEXT PRIMARY KEY,
  end_ms INTEGER NOT NULL
) WITHOUT ROWID;
