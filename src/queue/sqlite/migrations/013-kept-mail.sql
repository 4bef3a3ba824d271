-- The raw mail that was kept for a recipient: NAME of kept/NAME.eml, or of quarantine/NAME.eml once a bounce has ended.
ALTER TABLE recipient ADD COLUMN kept TEXT;
CREATE INDEX recipient_kept ON recipient (kept) WHERE kept IS NOT NULL;

-- Kept mail that is to be deleted, or moved to the quarantine, as one of its jobs has ended. changes: a job that
-- changes while the file is dealt with isn't missed.
CREATE TABLE kept_due (
  name TEXT PRIMARY KEY,
  changes INTEGER NOT NULL DEFAULT 1,
  since_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TRIGGER job_kept_due AFTER UPDATE OF state ON job
WHEN NEW.state IN ('sent', 'failed', 'expired', 'cancelled') AND NEW.state IS NOT OLD.state BEGIN
  INSERT INTO kept_due (name, since_ms)
    SELECT DISTINCT kept, NEW.changed_ms FROM recipient WHERE job = NEW.seq AND kept IS NOT NULL
    ON CONFLICT DO UPDATE SET changes = changes + 1, since_ms = excluded.since_ms;
END;

-- Files of mail on disk, in the folders of a Haraka directory (home), as [quarantine] limit counts them.
CREATE TABLE mail_file (
  home TEXT NOT NULL,
  place TEXT NOT NULL CHECK (place IN ('kept', 'quarantine')),
  name TEXT NOT NULL,
  sender_key TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (home, place, name)
) WITHOUT ROWID;
CREATE TABLE mail_total (
  home TEXT NOT NULL,
  place TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  mails INTEGER NOT NULL,
  PRIMARY KEY (home, place)
) WITHOUT ROWID;
CREATE TABLE mail_of_sender (
  home TEXT NOT NULL,
  sender_key TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  mails INTEGER NOT NULL,
  PRIMARY KEY (home, sender_key)
) WITHOUT ROWID;

CREATE VIEW mail_change AS SELECT '' AS home, '' AS place, '' AS sender_key, 0 AS bytes, 0 AS mails WHERE FALSE;
CREATE TRIGGER mail_change INSTEAD OF INSERT ON mail_change BEGIN
  INSERT INTO mail_total (home, place, bytes, mails) VALUES (NEW.home, NEW.place, NEW.bytes, NEW.mails)
    ON CONFLICT DO UPDATE SET bytes = bytes + excluded.bytes, mails = mails + excluded.mails;
  INSERT INTO mail_of_sender (home, sender_key, bytes, mails) VALUES (NEW.home, NEW.sender_key, NEW.bytes, NEW.mails)
    ON CONFLICT DO UPDATE SET bytes = bytes + excluded.bytes, mails = mails + excluded.mails;
  DELETE FROM mail_of_sender WHERE home = NEW.home AND sender_key = NEW.sender_key AND mails <= 0;
END;
CREATE TRIGGER mail_file_insert AFTER INSERT ON mail_file BEGIN
  INSERT INTO mail_change VALUES (NEW.home, NEW.place, NEW.sender_key, NEW.bytes, 1);
END;
CREATE TRIGGER mail_file_delete AFTER DELETE ON mail_file BEGIN
  INSERT INTO mail_change VALUES (OLD.home, OLD.place, OLD.sender_key, -OLD.bytes, -1);
END;
CREATE TRIGGER mail_file_update AFTER UPDATE ON mail_file BEGIN
  INSERT INTO mail_change VALUES (OLD.home, OLD.place, OLD.sender_key, -OLD.bytes, -1);
  INSERT INTO mail_change VALUES (NEW.home, NEW.place, NEW.sender_key, NEW.bytes, 1);
END;

-- Mail that is older than the queue file was answered with 250 by an earlier one, which is gone.
CREATE TABLE queue_made (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  at_ms INTEGER NOT NULL
);
INSERT INTO queue_made VALUES (1, CAST(strftime('%s', 'now') AS INTEGER) * 1000);
