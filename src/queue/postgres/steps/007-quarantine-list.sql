-- The mail in the quarantine, latest first, for its list. Mail that waits for its bounces costs nothing here.
CREATE INDEX mail_file_latest ON mail_file (home, at_ms, name) WHERE place = 'quarantine';

-- Of these mails: the relay gave the recipient with NOTIFY=NEVER.
ALTER TABLE only_recipient ADD COLUMN notify_never bigint NOT NULL DEFAULT 0;
