-- unconfirmed: 1 where nothing in the mail says that SES had the recipient, 2 once SES has refused the bounce.
ALTER TABLE recipient ADD COLUMN unconfirmed INTEGER NOT NULL DEFAULT 0;
CREATE INDEX recipient_refused ON recipient (job) WHERE unconfirmed = 2;

-- Mails with one RCPT TO, by the hour in which they came; a day of it is kept. A trigger keeps it.
-- beside_for: the header names another recipient, the one that SES names, and not this one
CREATE TABLE only_recipient (
  hour_ms INTEGER PRIMARY KEY,
  mails INTEGER NOT NULL,
  beside_for INTEGER NOT NULL
);
CREATE TRIGGER only_recipient_insert AFTER INSERT ON only_recipient BEGIN
  DELETE FROM only_recipient WHERE hour_ms < NEW.hour_ms - 86400000;
END;
